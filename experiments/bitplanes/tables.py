"""Tables of bit planes: area and energy per product beside dense arrays of the same throughput."""

import dataclasses
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from nomul import flow, registry
from nomul.experiments.bitplanes import accuracy, winners
from nomul.experiments.captions import caption
from nomul.experiments.on_cells import kept, on_cells
from nomul.experiments.tables import Rows
from nomul.synth.emit import emit
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize
from nomul.synth.measure import measure

KEPT = Path("build/bitplanes")

# What columns and arrays are mapped for. In an array the path from a vector's bits through a tree
# is long.
COLUMN_PS, ARRAY_PS = 1000, 2000
INPUTS, OUTPUTS = 64, 4

# One recipe rather than five: with all of them an array's store takes minutes. A vector of 8 x 8
# takes 64 cycles, in which every operand meets every weight.
CELLS = dataclasses.replace(FreePdk45(), recipes=(BALANCED,))
VECTORS = 10
WHOLE = ("dense, Booth", "dense, ANDs", "planes, binary", "dense, bit by bit")

# Ways on an FPGA, whose multipliers are blocks.
ON_ECP5 = {
    "dense, DSP blocks": "dense, Booth",
    "planes, binary": "planes, binary",
    "dense, bit by bit": "dense, bit by bit",
}

# Bits of activations and of weights: the powers of two, so that every array does the same number of
# products per cycle; and those of which arrays are placed and routed.
PRECISIONS = tuple((acts, weights) for acts in (8, 4, 2, 1) for weights in (8, 4, 2, 1))
PLACED = ((8, 8), (4, 4), (2, 2), (8, 4))


def arrays(acts: int, weights: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return arrays of 64 x 4 that all do 256 / (A B) products per cycle, by name."""
    rate = INPUTS * OUTPUTS // (acts * weights)
    size = {"inputs": INPUTS, "outputs": OUTPUTS}
    planes = {"act_planes": acts, "weight_planes": weights, "tree_regs": 1}
    binary = {"encodings": ("and",), "rounding": False, "checks": False}
    bits = {"act_bits": acts, "weight_bits": weights}
    together = {"lanes": INPUTS // acts, "pairs": acts}
    return {
        "planes, both encodings": ("bitplanes", {**size, **planes, "lanes": INPUTS}),
        "planes, binary": ("bitplanes", {**size, **planes, "lanes": INPUTS, **binary}),
        "planes, A at once": ("bitplanes", {**size, **planes, **together, **binary}),
        "dense, Booth": ("dense", {**size, **bits, "products": rate, "multiplier": "booth"}),
        "dense, ANDs": ("dense", {**size, **bits, "products": rate, "multiplier": "crossed"}),
        "dense, bit by bit": (
            "dense",
            {**size, **bits, "products": rate * acts, "array": "bitserial"},
        ),
    }


@caption("The area of a column per product and cycle, at the same throughput, by precision.")
def columns() -> Rows:
    """Return the area of a column per product and cycle, at the same throughput, by precision.

    For 1 ns on FreePDK45, the smallest of all recipes that meet it, or the quickest.
    """
    rows = []
    for acts, weights in PRECISIONS:
        for name, (block, values) in arrays(acts, weights).items():
            about = {"table": "T1", "name": name, "config": values}
            work = partial(_sized, name, block, values)
            rows.append(kept(KEPT, _column(block, values), work, **about))
    return rows


def _column(block: str, values: dict[str, Any]) -> Any:
    """Return a column by itself, with as many lanes as it has in the array."""
    found = registry.get(block)
    cfg = found.config().from_dict(values)
    column = import_module(f"nomul.hw.{block}.column").Column
    return emit(column(cfg), "column")


def _sized(name: str, block: str, values: dict[str, Any]) -> dict[str, Any]:
    cfg = registry.get(block).config().from_dict(values)
    mapped = synthesize(_column(block, values), FreePdk45(), period_ps=COLUMN_PS)
    assert mapped.area_um2 is not None
    assert mapped.timing is not None
    # Products that a column does per cycle; idle ones of the last group do not count.
    busy = cfg.columns if block == "dense" else cfg.outputs
    rate = cfg.inputs * cfg.outputs / cfg.interval
    return {
        "array": name,
        "A": cfg.act_bits,
        "B": cfg.weight_bits,
        "um2 per product per cycle": round(mapped.area_um2 * busy / rate, 1),
        "period, ps": round(mapped.timing.period_ps),
        "recipe": mapped.recipe,
    }


@caption("Area and energy per product of whole arrays of the same throughput, by precision.")
def equal_throughput() -> Rows:
    """Return area and energy per product of whole arrays of the same throughput, by precision.

    Arrays of 64 x 4 for 2 ns on FreePDK45, of one recipe. The weights' store is left out, since it
    is the same bits for all; so is what loads it. Energy is that of random operands.
    """
    rows = []
    for acts, weights in PRECISIONS:
        for name in WHOLE:
            block, values = arrays(acts, weights)[name]
            about = {"table": "T2", "name": name, "config": values}
            work = partial(_measured, name, block, values)
            rows.append(kept(KEPT, _emitted(block, values), work, **about))
    return rows


def _emitted(block: str, values: dict[str, Any]) -> Any:
    found = registry.get(block)
    return emit(found.top(found.config().from_dict(values)), block)


def _operands(cfg: Any, folder: Path) -> Path:
    """Write random weights and vectors; return their file."""
    rng, half = np.random.default_rng(1), (1 << (cfg.weight_bits - 1), 1 << (cfg.act_bits - 1))
    w = rng.integers(-half[0], half[0], (cfg.inputs, cfg.outputs))
    x = rng.integers(-half[1], half[1], (VECTORS, cfg.inputs))
    np.savez(folder / "operands.npz", w=w, x=x)
    return folder / "operands.npz"


def _measured(name: str, block: str, values: dict[str, Any]) -> dict[str, Any]:
    found = registry.get(block)
    cfg = found.config().from_dict(values)
    with on_cells(_emitted(block, values), CELLS, ARRAY_PS, hierarchical=True) as design:
        mapped, given = design.mapped, {"NOMUL_STIMULI": str(_operands(cfg, design.folder))}
        spent = design.spend(flow.workload(found, cfg), environment=given)
    rate = cfg.inputs * cfg.outputs / cfg.interval
    left_out = {f"{block}_store", f"{block}_loader"}
    area = {n: part.count * (part.area_um2 or 0.0) for n, part in mapped.parts.items()}
    counted = sum(a for n, a in area.items() if n not in left_out)
    energy = spent.parts_fj
    dynamic = sum(e for n, e in energy.items() if n not in left_out)
    columns = sum(e for n, e in energy.items() if n.startswith((f"{block}_column", f"{block}_on")))
    cells_of = sum(a for n, a in area.items() if n.startswith((f"{block}_column", f"{block}_on")))
    assert mapped.timing is not None
    return {
        "array": name,
        "A": cfg.act_bits,
        "B": cfg.weight_bits,
        "products per cycle": rate,
        "um2 per product per cycle": round(counted / rate),
        "of it columns": round(cells_of / rate),
        "fJ per product": round(dynamic / spent.operations, 1),
        "of it columns, fJ": round(columns / spent.operations, 1),
        "period, ps": round(mapped.timing.period_ps),
    }


@caption("Arrays of the same throughput on ECP5, placed and routed once, by precision.")
def on_ecp5() -> Rows:
    """Return arrays of the same throughput on ECP5, placed and routed once, by precision.

    Dense ones have DSP blocks; weights stand in the memory that the mapping chooses, loader and
    streams among what is counted.
    """
    rows = []
    for acts, weights in PLACED:
        for name, like in ON_ECP5.items():
            block, values = arrays(acts, weights)[like]
            if name == "dense, DSP blocks":
                values = {**values, "multiplier": "operator"}
            about = {"table": "T5", "name": name, "config": values}
            work = partial(_placed, name, block, values)
            rows.append(kept(KEPT, _emitted(block, values), work, **about))
    return rows


def _placed(name: str, block: str, values: dict[str, Any]) -> dict[str, Any]:
    found = registry.get(block)
    cfg = found.config().from_dict(values)
    row = measure(found.top(cfg), cfg, block, "ecp5", period_ps=ARRAY_PS, seeds=(1,))
    assert row.timing is not None
    return {
        "array": name,
        "A": cfg.act_bits,
        "B": cfg.weight_bits,
        "products per cycle": cfg.inputs * cfg.outputs / cfg.interval,
        "LUT": row.resources["luts"],
        "FF": row.resources["ffs"],
        "DSP": row.resources["dsp"],
        "BRAM": row.resources["bram"],
        "clock, MHz": round(1e6 / row.timing.period_ps, 1),
    }


@caption("Passes and cycles of FracTrain's precisions on an array made for 8 x 8 bits.")
def passes() -> Rows:
    """Return passes and cycles of FracTrain's precisions on an array made for 8 x 8 bits.

    A precision n/m is read as: activations and weights of n bits forward, errors of m bits that
    meet either of them backward. An array of 64 x 4 goes through one plane pair of all 64 lanes in
    a cycle; a vector is one in a sequence.
    """
    block, values = arrays(8, 8)["planes, binary"]
    cfg = registry.get(block).config().from_dict(values)
    rows = []
    for forward, backward in ((3, 6), (4, 6), (6, 8), (8, 8)):
        counts = [cfg.steps(a, w, w) for a, w in ((forward, forward), (backward, forward))]
        total = counts[0] + 2 * counts[1]
        rows.append(
            {
                "precision": f"{forward}/{backward}",
                "passes forward": counts[0],
                "passes backward, each": counts[1],
                "cycles of a vector alone, forward": cfg.cycles_of(1, counts[0]),
                "cycles of all three products": total,
                "of those of 8/8": round(total / (3 * cfg.steps(8, 8, 8)), 3),
            }
        )
    return rows


TABLES = {
    "T1": columns,
    "T2": equal_throughput,
    "T3": passes,
    "T4": accuracy.levels,
    "T5": on_ecp5,
    "accuracy": accuracy.planes,
}
PAGE = {
    "T1": partial(winners.columns, period_ps=COLUMN_PS),
    "T2": partial(winners.whole, period_ps=ARRAY_PS),
    "T5": winners.fpga,
}
