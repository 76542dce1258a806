"""Tables of the page on layouts: clock and energy of blocks without and with wires."""

import inspect
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from nomul import flow, ledger, registry
from nomul.experiments.captions import caption
from nomul.experiments.rows import measure_preset
from nomul.experiments.tables import Rows
from nomul.synth import yosys
from nomul.synth.layout import layout, route
from nomul.synth.layout.layout import Layout

# Clock periods in picoseconds at which each library's cells are mapped.
PERIODS = {"freepdk45": 1000, "osu018": 5000}

ROUTED = (("lfsr", "leap"), ("fp16mul", "ieee"), ("essop", "small"))

PLACED = (("lutnet", "small"),)

LARGER = (("spimc", "small"), ("sotfp", "fp8"))

# Mapped module by module, at a longer period: its clock on its own page is that of 2 ns.
LARGEST = (("sonic", "small", "freepdk45"), ("sonic", "small", "osu018"))

# How many times the period of all others a block is mapped for.
SLOWER = {"sonic": 2}

# Without energy, whose simulation takes far longer than all else.
CLOCKS = ("sotfp", "sonic")

# An SVG of more cells is large, so a page shows a PNG of them.
DRAWN_CELLS = 5000

# Of the router, which may be one of many programs on its machine.
LIMIT_S = 3600

DENSITY = 0.8

# Capacitances by who says so, and how columns name them.
CASES = {"none": "without", "LEF": "LEF", "Liberty": "Liberty", "Magic": "Magic"}

# Finished layouts stay here, under the current folder.
KEPT = Path("build/layout")

DOCS = Path(__file__).parents[2] / "docs"


@caption("Routed layouts of small blocks, without and with the wires of each capacitance.")
def routed() -> Rows:
    """Return routed layouts of small blocks, without and with the wires of each capacitance."""
    return [_kept(*which, target, routed=True) for which in ROUTED for target in PERIODS]


@caption("Placed layouts whose wires are estimates, without and with each capacitance.")
def placed() -> Rows:
    """Return placed layouts whose wires are estimates, without and with each capacitance."""
    return [_kept(*which, target, routed=False) for which in PLACED for target in PERIODS]


@caption("Placed layouts of larger blocks, without and with the wires of each capacitance.")
def larger() -> Rows:
    """Return placed layouts of larger blocks, without and with the wires of each capacitance."""
    return [_kept(*which, target, routed=False) for which in LARGER for target in PERIODS]


@caption("A placed layout of a hundred thousand cells, without and with each capacitance.")
def largest() -> Rows:
    """Return a placed layout of a hundred thousand cells, without and with each capacitance."""
    return [_kept(*which, routed=False) for which in LARGEST]


def period_ps(block: str, target: str) -> int:
    """Return the clock period at which a block is mapped to a library."""
    return PERIODS[target] * SLOWER.get(block, 1)


def _kept(block: str, preset: str, target: str, *, routed: bool) -> dict[str, Any]:
    """Return a row, or what an earlier run kept of it under all that it depends on."""
    known = registry.get(block)
    emitted = flow.emit(known, known.config().preset(preset))
    sources = sorted(Path(inspect.getfile(layout)).parent.glob("*.py"))
    about = {
        "design": ledger.digest(emitted.rtlil),
        "block": block,
        "preset": preset,
        "target": target,
        "density": DENSITY,
        "period_ps": period_ps(block, target),
        "routed": routed,
        "tools": [yosys.version(), route.version() if routed else None],
        "sources": ledger.digest("".join(file.read_text() for file in sources)),
    }
    make = partial(row, block, preset, target, routed=routed)
    return ledger.kept(ledger.Folder(KEPT), about, make)


def row(block: str, preset: str, target: str, *, routed: bool) -> dict[str, Any]:
    """Map, lay out and measure a preset; its picture goes to ``docs``."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        period = period_ps(block, target)
        measure_preset(block, preset, target, period_ps=period, folder=folder)
        known = registry.get(block)
        cfg = known.config().preset(preset)
        options: dict[str, Any] = {"density": DENSITY, "period_ps": period, "routed": routed}
        options |= {"energy": block not in CLOCKS, "limit_s": LIMIT_S}
        made = flow.layout(known, cfg, folder, target, **options)
        picture = "svg" if made.cells <= DRAWN_CELLS else "png"
        shutil.copyfile(made.files[picture], DOCS / f"layout-{block}-{target}.{picture}")
    if not made.complete:
        raise ValueError(
            f"{block} {preset} on {target}: open {made.open}, shorts {made.shorts}, "
            f"{made.failed} connections given up"
        )
    return {"block": block, "preset": preset, **flat(made)}


def flat(made: Layout) -> dict[str, Any]:
    """Return the figures of a layout as one flat row; a capacitance that is not known is None."""
    shown: dict[str, Any] = {
        "library": made.target,
        "wires": made.method,
        "cells": made.cells,
        "die, um2": round(made.die_um2, 1),
        "utilisation, %": round(100 * made.utilisation, 1),
        "wires, um": round(made.wire_um),
        "spanning trees, um": round(made.tree_um),
        "gaps closed": made.mended,
        **(_broken(made.broken) if made.method == "routed" else {}),
    }
    cases = {case.wires: case for case in made.cases}
    for name, text in CASES.items():
        if name == "Magic" and made.method != "routed":
            continue
        case = cases.get(name)
        timing, energy = (case.timing, case.energy) if case else (None, None)
        shown[f"ps, {text}"] = round(timing.period_ps) if timing else None
        shown[f"fJ, {text}"] = round(energy.per_operation_fj, 1) if energy else None
    return shown


def _broken(rules: dict[str, int] | None) -> dict[str, int | None]:
    """Return how many metal islands are too small, and how often another rule is broken."""
    if rules is None:
        return {"small islands": None, "other rules broken": None}
    small = sum(count for why, count in rules.items() if "area" in why)
    return {"small islands": small, "other rules broken": sum(rules.values()) - small}


TABLES = {"routed": routed, "placed": placed, "larger": larger, "largest": largest}
