"""What a product costs with the wires of a whole plane: T1 of docs/essop.md, placed."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nomul import ledger, registry
from nomul.experiments.captions import caption
from nomul.experiments.essop import candidates, costs
from nomul.golden import fp16mul, plane
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.layout import layout
from nomul.synth.layout.layout import Layout

Rows = list[dict[str, Any]]

FP16 = fp16mul.Config(mode="ieee")

# Those of T1 whose products are in registers, and of T1-more all but INT8, the largest by far.
PLANES = tuple(one for one in costs.PARALLEL if one[1] != costs.PARALLEL[1][1])
MORE = tuple(one for one in costs.MORE if one[0] != "INT8")

KEPT = Path("build/essop/T1-wires")

# Capacitances by who says so, and how columns name them.
CASES = {"none": "without", "LEF": "LEF", "Liberty": "Liberty"}


@caption("Area and energy of a product with wires: 32 x 32 planes placed whole, FreePDK45, 1 ns.")
def with_wires() -> Rows:
    """Return area, clock and energy of a product with wires, of planes that are placed whole.

    Wires of planes are spanning trees. The FP16 multiplier is routed, and its operand wires are
    those of a plane of 32 x 32 such dies: modelled, since no such plane was made.
    """
    return [_multiplier(), *_planes(PLANES)]


@caption("Area and energy of a product with wires: longer streams and INT5, placed whole.")
def more_with_wires() -> Rows:
    """Return area, clock and energy with wires, of planes of longer streams and INT5."""
    return _planes(MORE)


def _planes(chosen: costs.Candidates) -> Rows:
    rows = [_plane(name, cfg) for name, cfg in chosen if isinstance(cfg, plane.Config)]
    return sorted(rows, key=lambda row: float(row["die um2"]))


def _plane(name: str, cfg: plane.Config) -> dict[str, Any]:
    found = _laid_out(cfg, routed=False)
    products = cfg.rows * cfg.cols / cfg.interval
    stream = cfg.stream_bits if cfg.product != "multiply" else None
    return {
        "unit": name,
        "BL": stream,
        "wires": "placed whole, estimated",
        "cells": found["cells"],
        "um2": round(found["area_um2"] / products, 1),
        "die um2": round(found["die_um2"] / products, 1),
        "wires um": round(found["wire_um"] / products, 1),
        **_cases(found, dict.fromkeys(CASES, 0.0)),
    }


def _multiplier() -> dict[str, Any]:
    found = _laid_out(FP16, routed=True)
    pitch = found["die_um2"] ** 0.5
    # A plane takes a pair of vectors per cycle. Each bit of an operand passes its row or column,
    # of which a pitch is a multiplier's share.
    moved = operand_toggles()
    volts = candidates.library(registry.get("fp16mul")).cells().voltage
    charge = {name: volts**2 / 2 * ff * pitch * moved for name, ff in found["ff"].items()}
    return {
        "unit": "FP16 IEEE",
        "BL": None,
        "wires": "one routed, operand wires modelled",
        "cells": found["cells"],
        "um2": round(found["area_um2"], 1),
        "die um2": round(found["die_um2"], 1),
        "wires um": round(found["wire_um"] + 2 * 16 * pitch, 1),
        **_cases(found, charge),
    }


def operand_toggles() -> float:
    """Return how many bits of a multiplier's two operands change from pair to pair, on average."""
    total = 0.0
    for values in candidates.operands():
        _, exponent = np.frexp(np.abs(values).max(axis=1, keepdims=True))
        words = np.ldexp(values, -exponent).astype(np.float16).view(np.uint16)
        changed = words[1:] ^ words[:-1]
        total += float(np.bitwise_count(changed).mean())
    return total


def _cases(found: dict[str, Any], more_fj: dict[str, float]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, text in CASES.items():
        shown[f"ps, {text}"] = round(found["ps"][name])
        shown[f"fJ, {text}"] = round(found["fj"][name] + more_fj[name], 1)
    return shown


def _laid_out(cfg: plane.Config | fp16mul.Config, *, routed: bool) -> dict[str, Any]:
    """Map, simulate and lay out a candidate, or return what an earlier run kept of it."""
    block = registry.get(type(cfg).block_name)
    target = candidates.library(block)
    emitted = emit(block.top(cfg), block.name, paper=block.paper)

    def make() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            made = candidates.mapped(block, cfg, target, emitted, folder)
            done = candidates.simulated(block, cfg, target, made, folder, glitches=False)
            assert made.netlist
            return _plain(
                layout.lay_out(
                    made.netlist,
                    block.name,
                    target,
                    folder / "layout",
                    period_ps=candidates.PERIOD_PS,
                    routed=routed,
                    limit_s=3600,
                    simulated=done,
                )
            )

    about = {
        "design": ledger.digest(emitted.rtlil),
        "block": block.name,
        "config": cfg.to_dict(),
        "routed": routed,
        "period_ps": candidates.PERIOD_PS,
        "operands": ledger.digest(candidates.OPERANDS.read_bytes()),
        "tools": target.tools() | {"yosys": yosys.version()},
    }
    return ledger.kept(ledger.Folder(KEPT), about, make)


def _plain(made: Layout) -> dict[str, Any]:
    if not made.complete:
        raise ValueError(f"{made.name}: open {made.open}, shorts {made.shorts}")
    cases = {case.wires: case for case in made.cases}
    return {
        "cells": made.cells,
        "area_um2": made.area_um2,
        "die_um2": made.die_um2,
        "wire_um": made.wire_um,
        "ff": {name: case.ff_per_um for name, case in cases.items()},
        "ps": {name: case.timing.period_ps for name, case in cases.items() if case.timing},
        "fj": {n: case.energy.per_operation_fj for n, case in cases.items() if case.energy},
    }
