"""The table of the flow's own page: every block on two open libraries of standard cells."""

import tempfile
from pathlib import Path
from typing import Any

from nomul import registry
from nomul.synth import power, rows, stdcells
from nomul.synth.tables import Rows

# Clock periods in picoseconds at which both are mapped and their energy is estimated.
PERIODS = {stdcells.FreePdk45(): 1000, stdcells.Osu018(): 5000}

# Of each block the preset that is mapped and simulated: the first but where that is very large.
PRESETS = {"sotfp": "fp8"}


def libraries() -> Rows:
    """Return area, clock and energy of every block on FreePDK45 and on OSU's 180 nm cells."""
    return [on_both(block) for block in registry.BLOCKS.values()]


def on_both(block: registry.Block) -> dict[str, Any]:
    """Return the row of one block; the mapped cells do what the model says, or this raises."""
    preset = PRESETS.get(block.name, next(iter(block.config().presets)))
    cfg = block.config().preset(preset)
    row: dict[str, Any] = {"block": block.name, "preset": preset}
    for cells, period in PERIODS.items():
        with tempfile.TemporaryDirectory() as folder:
            measured = rows.measure(
                block.name,
                preset,
                cells.name,
                period_ps=period,
                hierarchical=f"{block.name}/{preset}" in rows.HIERARCHICAL,
                folder=Path(folder),
            )
            spent = power.measure(
                block,
                cfg,
                Path(folder, "mapped.v"),
                cells,
                folder=Path(folder, "energy"),
                period_ps=period,
            )
        assert measured.area_um2 is not None
        assert measured.timing is not None
        row |= {
            f"{cells.name}, um2": round(measured.area_um2),
            f"{cells.name}, MHz": round(measured.timing.fmax_mhz),
            f"{cells.name}, fJ": round(spent.per_operation_fj),
        }
        row["energy per"] = row.pop("energy per", spent.operation)
    row["energy per"] = row.pop("energy per")
    return row


TABLES = {"libraries": libraries}
