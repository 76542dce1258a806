"""Tables and plots of docs/sotfp.md: ``python -m nomul.synth.sotfp_tables`` writes them."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import sotfp, sotfp_cost
from nomul.golden.sotfp import Config

FORMATS = {
    "FP16": (5, 10),
    "BF16": (8, 7),
    "FP32": (8, 23),
    "E5M2": (5, 2),
    "E4M3": (4, 3),
    "E3M4": (3, 4),
}


def config(name: str, **values: Any) -> Config:
    """Return the configuration of a named format."""
    exponent, mantissa = FORMATS[name]
    return Config(exponent_bits=exponent, mantissa_bits=mantissa, **values)


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a table in Markdown, numbers with their thousands apart."""
    body = [head, ["---"] * len(head)]
    body += [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in body)


def steps() -> str:
    """Return steps, phases and columns per format and mode, and the price of subnormals."""
    rows = []
    for name in FORMATS:
        for op in sotfp.OPS:
            ieee, ftz = (sotfp.program(config(name, mode=mode), op) for mode in ("ieee", "ftz"))
            price = f"{100 * (ieee.steps / ftz.steps - 1):+.0f} %"
            counts = [ieee.steps, ieee.reads, ieee.sensed, ieee.writes, ieee.columns]
            rows.append([name, op, *counts, ftz.steps, ftz.columns, price])
    head = ["format", "op", "steps", "reads", "cells sensed", "writes", "columns"]
    return table([*head, "ftz: steps", "columns", "price of ieee"], rows)


def opsets() -> str:
    """Return the steps of the operation sets beside published formulas."""
    rows = []
    for name, (ne, nm) in FORMATS.items():
        for op in sotfp.OPS:
            codes = [sotfp.program(config(name, opset=opset), op) for opset in sotfp.OPSETS]
            counts = [f"{c.steps:,} ({c.searches})" if c.searches else c.steps for c in codes]
            nors, searches = sotfp_cost.floatpim_add(ne, nm)
            quoted = (
                f"{nors:,} + {searches}"
                if op == "add"
                else f"{sotfp_cost.floatpim_mul(ne, nm):,.0f}"
            )
            rows.append([name, op, *counts, quoted, f"{codes[1].steps / codes[0].steps:.2f}"])
    head = ["format", "op", *(f"`{opset}`" for opset in sotfp.OPSETS)]
    return table([*head, "FloatPIM (quoted)", "`nor` / `sot`"], rows)


def device() -> str:
    """Return time and energy of one program on 1,024 lanes, with the packaged constants."""
    rows = []
    for name in ("FP16", "BF16", "FP32"):
        for opset in ("sot", "nor"):
            for row in sotfp_cost.rows(config(name, opset=opset, lanes=1024)):
                rows.append(
                    [name, row["op"], f"`{opset}`", f"{row['time']:,.0f}", f"{row['energy']:,.0f}"]
                )
    return table(["format", "op", "set", "time (units)", "energy (1000 units)"], rows)


def reach(rates: tuple[int, ...], n: int = 2048) -> dict[str, list[float]]:
    """Return the share of wrong words per rate of write errors, for both operations."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(0x3000, 0x4C00, (2, n))
    found: dict[str, list[float]] = {op: [] for op in sotfp.OPS}
    for op in sotfp.OPS:
        clean = sotfp.model(Config(), op, a, b)
        for rate in rates:
            got = sotfp.model(Config(write_errors=rate), op, a, b)
            found[op].append(float((got != clean).mean()))
    return found


RATES = (16, 64, 256, 1024, 4096, 16384, 65535)


def faults() -> str:
    """Return the share of wrong words against the rate of write errors: FP16, 64 lanes."""
    found = reach(RATES)
    rows = [
        [rate, f"{rate / 65536 / 64:.1e}", *(f"{found[op][i]:.4f}" for op in sotfp.OPS)]
        for i, rate in enumerate(RATES)
    ]
    return table(["`write_errors`", "per cell written", "add", "mul"], rows)


TABLES = {"steps": steps, "opsets": opsets, "device": device, "faults": faults}


def write(page: Path) -> None:
    """Put the tables between their markers in the page."""
    text = page.read_text()
    for name, make in TABLES.items():
        begin, end = f"<!-- table: {name} -->", "<!-- /table -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        whole = f"{begin}\n{make()}\n{end}"
        text = pattern.sub(lambda _, whole=whole: whole, text)  # type: ignore[misc]
    page.write_text(text)


_FRONT = """ <title>Steps against mantissa bits, and wrong words against write errors</title>
 <desc>Left: steps of add and mul for eight exponent bits and 2 to 23 mantissa bits, ieee and ftz.
  An addition grows slowly, a multiplication with the square of the mantissa. Right: the share of
  wrong FP16 words grows in proportion to the rate of write errors per cell.</desc>
 <style>
  @media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }
 </style>
"""


def plot(folder: Path) -> None:
    """Draw steps against Nm, and wrong words against the rate of write errors; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "sotfp"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    widths = list(range(2, 24, 3))
    for op, color in zip(sotfp.OPS, ("tab:blue", "tab:red"), strict=True):
        for mode, dash in (("ieee", "-"), ("ftz", "--")):
            counts = [
                sotfp.program(Config(exponent_bits=8, mantissa_bits=nm, mode=mode), op).steps
                for nm in widths
            ]
            axes[0].plot(widths, counts, dash, color=color, label=f"{op}, {mode}")
        axes[1].plot([r / 65536 / 64 for r in RATES], reach(RATES)[op], "o-", color=color, label=op)
    axes[0].set(xlabel="mantissa bits (Ne = 8)", ylabel="steps", yscale="log")
    axes[1].set(
        xlabel="write errors per cell", ylabel="wrong FP16 words", xscale="log", yscale="log"
    )
    for axis in axes:
        axis.legend()
        axis.grid(alpha=0.3)
    path = folder / "sotfp.svg"
    figure.savefig(path, metadata={"Date": None})
    head, tag, rest = path.read_text().partition("<svg ")
    attributes, end, body = rest.partition(">")
    path.write_text(f"{head}{tag}{attributes}{end}\n{_FRONT}{body}")


if __name__ == "__main__":
    write(Path("docs/sotfp.md"))
    plot(Path("docs"))
