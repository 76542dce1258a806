"""Tables of the page on layouts: clock and energy of blocks without and with wires."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from nomul import flow, ledger, registry
from nomul.experiments.captions import caption
from nomul.experiments.rows import measure_preset
from nomul.experiments.tables import Rows
from nomul.synth import yosys
from nomul.synth.layout.layout import Layout

# Clock periods in picoseconds at which each library's cells are mapped.
PERIODS = {"freepdk45": 1000, "osu018": 5000}

ROUTED = (("lfsr", "leap"), ("fp16mul", "ieee"))

PLACED = (("essop", "small"), ("lutnet", "small"))

# Those of the larger presets that have been measured; without energy, whose simulation of so many
# cells takes longer than all else. Each picture is a PNG, since an SVG of them is large.
LARGER = (("spimc", "small", "freepdk45"), ("sotfp", "fp8", "freepdk45"))

DENSITY = 0.8

# Finished layouts of the larger ones stay here, under the current folder.
KEPT = Path("build/layout")

DOCS = Path(__file__).parents[2] / "docs"


@caption("Routed layouts of small blocks, without and with the wires of each capacitance.")
def routed() -> Rows:
    """Return routed layouts of small blocks, without and with the wires of each capacitance."""
    return [row(*which, target, routed=True) for which in ROUTED for target in PERIODS]


@caption("Placed layouts whose wires are estimates, without and with each capacitance.")
def placed() -> Rows:
    """Return placed layouts whose wires are estimates, without and with each capacitance."""
    return [row(*which, target, routed=False) for which in PLACED for target in PERIODS]


@caption("Placed layouts of larger blocks, clocks without and with the wires of each capacitance.")
def larger() -> Rows:
    """Return placed layouts of larger blocks, clocks without and with each capacitance."""
    return [_kept(*which) for which in LARGER]


def _kept(block: str, preset: str, target: str) -> dict[str, Any]:
    known = registry.get(block)
    emitted = flow.emit(known, known.config().preset(preset))
    about = {
        "design": ledger.digest(emitted.rtlil),
        "block": block,
        "preset": preset,
        "target": target,
        "density": DENSITY,
        "tool": yosys.version(),
    }

    def make() -> dict[str, Any]:
        options: dict[str, Any] = {"routed": False, "energy": False, "picture": "png"}
        found = row(block, preset, target, **options)
        return {name: value for name, value in found.items() if not name.startswith("fJ")}

    return ledger.kept(ledger.Folder(KEPT), about, make)


def row(
    block: str,
    preset: str,
    target: str,
    *,
    routed: bool,
    energy: bool = True,
    picture: str = "svg",
) -> dict[str, Any]:
    """Map, lay out and measure a preset; its picture goes to ``docs``."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        period = PERIODS[target]
        measure_preset(block, preset, target, period_ps=period, folder=folder)
        known = registry.get(block)
        cfg = known.config().preset(preset)
        options: dict[str, Any] = {"density": DENSITY, "period_ps": period, "routed": routed}
        made = flow.layout(known, cfg, folder, target, energy=energy, **options)
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
    }
    cases = {case.wires: case for case in made.cases}
    for name, text in (("none", "without"), ("LEF", "LEF"), ("Liberty", "Liberty")):
        case = cases.get(name)
        timing, energy = (case.timing, case.energy) if case else (None, None)
        shown[f"ps, {text}"] = round(timing.period_ps) if timing else None
        shown[f"fJ, {text}"] = round(energy.per_operation_fj, 1) if energy else None
    return shown


TABLES = {"routed": routed, "placed": placed, "larger": larger}
