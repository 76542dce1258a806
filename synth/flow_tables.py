"""The table of the flow's own page: every block on two open libraries of standard cells."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from nomul import registry
from nomul.synth import power, rows, stdcells, yosys
from nomul.synth.emit import emit
from nomul.synth.tables import Rows

# Clock periods in picoseconds at which both are mapped and their energy is estimated.
PERIODS = {stdcells.FreePdk45(): 1000, stdcells.Osu018(): 5000}

# Of each block the preset that is mapped and simulated: the first but where that is very large.
PRESETS = {"sotfp": "fp8"}


def libraries() -> Rows:
    """Return area, clock and energy of every block on FreePDK45 and on OSU's 180 nm cells."""
    return [kept(block) for block in registry.BLOCKS.values()]


def kept(block: registry.Block, folder: Path = Path("build/libraries")) -> dict[str, Any]:
    """Return the row of one block, from an interrupted run if it measured the same design."""
    cfg = configuration(block)
    tools = {cells.name: cells.tools() for cells in PERIODS}
    about = [emit(block.top(cfg), block.name).rtlil, tools, yosys.version()]
    path = folder / f"{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        row = on_both(block)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def configuration(block: registry.Block) -> Any:
    """Return the configuration of a block that is measured."""
    return block.config().preset(_preset(block))


def _preset(block: registry.Block) -> str:
    return PRESETS.get(block.name, next(iter(block.config().presets)))


def on_both(block: registry.Block) -> dict[str, Any]:
    """Return the row of one block; the mapped cells do what the model says, or this raises."""
    preset, cfg = _preset(block), configuration(block)
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
