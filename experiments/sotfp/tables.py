"""Tables and plots of floating point in a memory array: programs, faults, a layer, area."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nomul import registry
from nomul.experiments.captions import caption
from nomul.experiments.sotfp import area
from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.golden.sotfp import cost as sotfp_cost
from nomul.train import sotfp as training

Rows = list[dict[str, Any]]

FORMATS = {
    "FP16": (5, 10),
    "BF16": (8, 7),
    "FP32": (8, 23),
    "E5M2": (5, 2),
    "E4M3": (4, 3),
    "E3M4": (3, 4),
}

RATES = (16, 64, 256, 1024, 4096, 16384, 65535)


def config(name: str, **values: Any) -> Config:
    """Return the configuration of a named format."""
    exponent, mantissa = FORMATS[name]
    return Config(exponent_bits=exponent, mantissa_bits=mantissa, **values)


@caption("Steps, phases and columns of every format and operation, gradual underflow.")
def steps() -> Rows:
    """Return steps, phases and columns of every format and operation, gradual underflow."""
    rows = []
    for name in FORMATS:
        for op in (*sotfp.OPS, "mac"):
            code = sotfp.program(config(name), op)
            counts = {"steps": code.steps, "read phases": code.reads, "cells sensed": code.sensed}
            counts |= {"write phases": code.writes, "columns": code.columns}
            rows.append({"format": name, "op": op} | counts)
    return rows


@caption("What subnormals cost: gradual underflow against flushing to zero.")
def conformance() -> Rows:
    """Return what subnormals cost: gradual underflow against flushing to zero."""
    rows = []
    for name in FORMATS:
        for op in sotfp.OPS:
            codes = [sotfp.program(config(name, mode=mode), op) for mode in ("ieee", "ftz")]
            (ieee, ftz), (wide, narrow) = ([c.steps for c in codes], [c.columns for c in codes])
            price = round(100 * (ieee / ftz - 1), 1)
            row = {"format": name, "op": op, "ieee, steps": ieee, "ftz, steps": ftz}
            rows.append(row | {"price, %": price, "ieee, columns": wide, "ftz, columns": narrow})
    return rows


@caption("The steps of the operation sets beside published formulas.")
def opsets() -> Rows:
    """Return the steps of the operation sets beside published formulas."""
    rows = []
    for name, (ne, nm) in FORMATS.items():
        for op in sotfp.OPS:
            codes = [sotfp.program(config(name, opset=opset), op) for opset in sotfp.OPSETS]
            nors, searches = sotfp_cost.floatpim_add(ne, nm)
            quoted = f"{nors:,} + {searches}" if op == "add" else f"{_mul(ne, nm):,.0f}"
            counts: dict[str, Any] = {}
            for opset, code in zip(sotfp.OPSETS, codes, strict=True):
                counts[f"`{opset}`"] = (
                    f"{code.steps:,} ({code.searches})" if code.searches else code.steps
                )
            ratio = round(codes[1].steps / codes[0].steps, 2)
            row = {"format": name, "op": op} | counts
            rows.append(row | {"FloatPIM (quoted)": quoted, "`nor` / `sot`": ratio})
    return rows


def _mul(ne: int, nm: int) -> float:
    return sotfp_cost.floatpim_mul(ne, nm)


@caption("Steps and their ratio against the mantissa's bits, for eight exponent bits.")
def widths() -> Rows:
    """Return steps and their ratio against the mantissa's bits, for eight exponent bits."""
    rows = []
    for nm in range(2, 24):
        for op in sotfp.OPS:
            named = {"exponent_bits": 8, "mantissa_bits": nm}
            sot, nor, ftz = (
                sotfp.program(Config.from_dict(named | more), op).steps
                for more in ({}, {"opset": "nor"}, {"mode": "ftz"})
            )
            quoted = sum(sotfp_cost.floatpim_add(8, nm)) if op == "add" else round(_mul(8, nm))
            ratio = round(nor / sot, 2)
            row = {"mantissa bits": nm, "op": op, "`sot`": sot, "`sot`, ftz": ftz, "`nor`": nor}
            rows.append(row | {"FloatPIM (quoted)": quoted, "`nor` / `sot`": ratio})
    return rows


@caption("Steps over mantissa bits: a sum's grow slowly, a product's with the square.")
def growth(rows: Rows, figure: Any) -> None:
    """Draw steps over mantissa bits: a sum's grow slowly, a product's with the square."""
    axes = figure.subplots()
    for op, color in zip(sotfp.OPS, ("tab:blue", "tab:red"), strict=True):
        points = [row for row in rows if row["op"] == op]
        across = [row["mantissa bits"] for row in points]
        for name, dash in (("`sot`", "-"), ("`sot`, ftz", "--"), ("`nor`", ":")):
            label = f"{op}, {name.replace('`', '')}"
            axes.plot(across, [row[name] for row in points], dash, color=color, label=label)
    axes.set(xlabel="mantissa bits, for eight exponent bits", ylabel="steps", yscale="log")
    axes.legend(frameon=False, fontsize="small")
    axes.grid(alpha=0.3)


@caption("Time and energy of one program on 1,024 lanes, with the packaged constants.")
def device() -> Rows:
    """Return time and energy of one program on 1,024 lanes, with the packaged constants."""
    rows = []
    for name in ("FP16", "BF16", "FP32"):
        for opset in sotfp.OPSETS:
            for row in sotfp_cost.rows(config(name, opset=opset, lanes=1024)):
                values: dict[str, Any] = {
                    "time, units": round(row["time"]),
                    "energy, 1000": round(row["energy"]),
                }
                rows.append({"format": name, "op": row["op"], "set": f"`{opset}`"} | values)
    return rows


@caption("The share of wrong words, and their mean error, against the rate of write errors.")
def faults(n: int = 2048) -> Rows:
    """Return the share of wrong words, and their mean error, against the rate of write errors."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0x3000, 0x4C00, (2, n))
    rows = []
    for rate in RATES:
        row: dict[str, Any] = {"`write_errors`": rate, "per cell": f"{rate / 65536 / 64:.1e}"}
        for op in sotfp.OPS:
            cfg = Config(write_errors=rate)
            clean, got = sotfp.model(Config(), op, a, b), sotfp.model(cfg, op, a, b)
            true, wrong = (sotfp.decode(cfg, words) for words in (clean, got))
            with np.errstate(all="ignore"):
                off = np.abs(wrong - true) / np.abs(true)
            row[f"{op}, wrong"] = round(float((got != clean).mean()), 4)
            # Infinities and NaN have no error that a mean could hold: at most 1 counts.
            row[f"{op}, mean error"] = round(float(np.where(off <= 1, off, 1.0).mean()), 5)
        rows.append(row)
    return rows


@caption("Wrong words and their mean relative error over write errors: both in proportion.")
def errors(rows: Rows, figure: Any) -> None:
    """Draw wrong words and their mean relative error over write errors: both in proportion."""
    axes = figure.subplots()
    across = [row["`write_errors`"] / 65536 / 64 for row in rows]
    for op, color in zip(sotfp.OPS, ("tab:blue", "tab:red"), strict=True):
        for name, dash in (("wrong", "o-"), ("mean error", "s--")):
            values = [row[f"{op}, {name}"] or np.nan for row in rows]
            axes.plot(across, values, dash, color=color, label=f"{op}, {name}")
    axes.set(xlabel="write errors per cell written", ylabel="share of words, relative error")
    axes.set(xscale="log", yscale="log")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)


@caption("A layer on 32 real digits, forward and backward, on 1,024 lanes.")
def layer(images: int = 32) -> Rows:
    """Return a layer on 32 real digits, forward and backward, on 1,024 lanes."""
    rows = []
    for name in ("FP16", "BF16"):
        for item in training.layer(config(name, lanes=1024), images):
            cost = item.cost
            row: dict[str, Any] = {"format": name, "product": item.name, "MACs": item.macs}
            row |= {
                "wrong": item.wrong,
                "steps": cost.steps,
                "reads": cost.reads,
                "writes": cost.writes,
            }
            row |= {"time, 1000": round(cost.time / 1000, 1), "energy, 1000": round(cost.energy)}
            rows.append(row | {"error against float64": f"{item.error:.1e}"})
    return rows


@caption("The same layer on four digits in the Verilog of 64 lanes: every word the judge's.")
def hardware(images: int = 4) -> Rows:
    """Return the same layer on four digits in the Verilog of 64 lanes: every word the judge's."""
    from nomul import flow

    rows = []
    for name in ("FP16", "BF16"):
        cfg = config(name, lanes=64, mac=True)
        for item in training.layer(cfg, images):
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch) / "operands.npz"
                np.savez(path, x0=item.left, y0=item.right)
                report = flow.simulate(
                    registry.get("sotfp"),
                    cfg,
                    Path(scratch),
                    bench="nomul.sim.sotfp.mac",
                    tests="a_chain_is",
                    environment={"NOMUL_OPERANDS": str(path)},
                )
            counted = {key: report.records[key] for key in ("programs", "cycles")}
            n, k, m = item.shape
            chains = -(-n * m // cfg.lanes)
            formula = cfg.cycles(chains, "begin") + cfg.cycles(chains * (k - 1), "mac")
            row = {"format": name, "product": item.name, "MACs": item.macs, "wrong": item.wrong}
            rows.append(row | counted | {"cycles by formula": formula})
    return rows


TABLES = {
    "steps": steps,
    "conformance": conformance,
    "opsets": opsets,
    "widths": widths,
    "device": device,
    "faults": faults,
    "layer": layer,
    "layer-rtl": hardware,
    "area-ecp5": area.ecp5,
    "area-ice40": area.ice40,
    "area-freepdk45": area.freepdk45,
}
PLOTS = {"widths": growth, "faults": errors}
PAGE = {"widths": lambda rows: [row for row in rows if row["mantissa bits"] in (2, 7, 10, 15, 23)]}
