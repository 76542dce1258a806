"""The table of the flow's own page: every block on two open libraries of standard cells."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from nomul import flow, ledger, registry
from nomul.experiments.captions import caption
from nomul.experiments.rows import measure_preset
from nomul.experiments.tables import Rows
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.energy import power
from nomul.synth.map import stdcells

# Clock periods in picoseconds at which both are mapped and their energy is estimated.
PERIODS = {stdcells.FreePdk45(): 1000, stdcells.Osu018(): 5000}

# Of each block the preset that is mapped and simulated: the first but where that is very large.
PRESETS = {"sotfp": "fp8"}


# Finished blocks stay here, under the current folder.
KEPT = Path("build/libraries")


@caption("Area, clock and energy of every block on FreePDK45 and on OSU's 180 nm cells.")
def libraries() -> Rows:
    """Return area, clock and energy of every block on FreePDK45 and on OSU's 180 nm cells."""
    rows = []
    for block in registry.BLOCKS.values():
        preset = PRESETS.get(block.name, block.first_preset)
        design = emit(block.top(block.config().preset(preset)), block.name).rtlil
        tools = {cells.name: cells.tools() for cells in PERIODS}
        about = {
            "table": "libraries",
            "block": block.name,
            "preset": preset,
            "design": ledger.digest(design),
            "periods": {cells.name: period for cells, period in PERIODS.items()},
            "tools": tools | {"yosys": yosys.version()},
        }
        rows.append(ledger.kept(ledger.Folder(KEPT), about, partial(on_both, block, preset)))
    return rows


def on_both(block: registry.Block, preset: str) -> dict[str, Any]:
    """Return the row of one block; the mapped cells do what the model says, or this raises."""
    row: dict[str, Any] = {"block": block.name, "preset": preset}
    for cells, period in PERIODS.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            options: dict[str, Any] = {"period_ps": period, "folder": folder}
            mapped = measure_preset(block.name, preset, cells.name, **options)
            cfg, options["folder"] = block.config().preset(preset), folder / "energy"
            spent = power.measure(flow.workload(block, cfg), folder / "mapped.v", cells, **options)
        assert mapped.area_um2 is not None
        assert mapped.timing is not None
        row |= {
            f"{cells.name}, um2": round(mapped.area_um2),
            f"{cells.name}, MHz": round(mapped.timing.fmax_mhz),
            f"{cells.name}, fJ": round(spent.per_operation_fj),
        }
    return row | {"energy per": spent.operation}


TABLES = {"libraries": libraries}
