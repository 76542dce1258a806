"""Vectors of a block: its bench runs on its Verilog, and what passes its ports is recorded."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.registry import Block

if TYPE_CHECKING:
    from nomul.sim.record import Recording

# One test of each bench: without stalls, so that order alone decides when a payload may come.
UNSTALLED = (
    r"\.(\w+_(equal_the_model|pass_unchanged)|partial_batches_and_both_programs)"
    r"(/\w+=never)*$"
)


def streams(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the streams among the ports of a manifest."""
    ends = [p["name"] for p in manifest["ports"]]
    return [name.removesuffix("__payload") for name in ends if name.endswith("__payload")]


def status(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the ports that belong to no stream."""
    mine = {f"{name}__{wire}" for name in streams(manifest) for wire in _WIRES}
    return [p["name"] for p in manifest["ports"] if p["name"] not in mine]


_WIRES = ("payload", "valid", "ready")


def take(
    block: Block,
    emitted: Any,
    folder: Path | None = None,
    *,
    simulator: str = "icarus",
    seed: int = 1,
    count: int | None = None,
) -> "Recording":
    """Run the block's bench and return what it sent and received.

    Parameters
    ----------
    emitted
        The design, by the names and ports of the block's own top level.
    folder
        Where the simulation stays; a temporary one if None.
    seed
        Of the stimuli.
    count
        Record the first so many transfers; all of them if None.

    Raises
    ------
    BenchError
        The bench failed: no vectors of a wrong design.
    ValueError
        The bench passed and nothing was recorded, or several of its tests ran.
    """
    from nomul.sim import cells, harness, record

    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return take(block, emitted, Path(scratch), simulator=simulator, seed=seed, count=count)
    folder.mkdir(parents=True, exist_ok=True)
    design, file = folder / f"{emitted.name}.v", folder / "record.txt"
    design.write_text(emitted.verilog)
    harness.run(
        block.bench,
        top=emitted.name,
        verilog=[design, *cells.write(design)],
        build_dir=folder / "sim",
        config=json.dumps(emitted.manifest["config"]),
        tests=UNSTALLED,
        simulator=simulator,
        seed=seed,
        environment=record.request(
            file, streams(emitted.manifest), status(emitted.manifest), count
        ),
    )
    return record.load(file)
