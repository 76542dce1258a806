"""Vectors of a design: its bench runs on its Verilog, and what passes its ports is recorded."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.runs import folders
from nomul.synth.workload import Workload

if TYPE_CHECKING:
    from nomul.sim.record import Recording


def streams(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the streams among the ports of a manifest."""
    ends = [p["name"] for p in manifest["ports"]]
    return [name.removesuffix("__payload") for name in ends if name.endswith("__payload")]


def status(manifest: dict[str, Any]) -> list[str]:
    """Return the names of the ports that belong to no stream."""
    stream_ports = {f"{name}__{wire}" for name in streams(manifest) for wire in _WIRES}
    return [p["name"] for p in manifest["ports"] if p["name"] not in stream_ports]


_WIRES = ("payload", "valid", "ready")


def take(
    workload: Workload,
    emitted: Any,
    folder: Path | None = None,
    *,
    simulator: str = "icarus",
    seed: int = 1,
    count: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> "Recording":
    """Run a design's bench and return what it sent and received.

    Parameters
    ----------
    workload
        The bench, and the one test of it that is recorded: without stalls, so that order alone
        decides when a payload may come.
    emitted
        The design, by the names and ports that the bench knows.
    folder
        Where the simulation stays; a temporary one if None.
    seed
        Of the stimuli.
    count
        Record the first so many transfers; all of them if None.
    environment
        Further variables for the bench.

    Raises
    ------
    BenchError
        The bench failed: no vectors of a wrong design.
    ValueError
        The bench passed and nothing was recorded, or several of its tests ran.
    """
    from nomul.sim import cells, harness, record

    if folder is None:
        with folders.scratch() as scratch:
            options = {"simulator": simulator, "seed": seed, "count": count}
            return take(workload, emitted, scratch, **options, environment=environment)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    design, file = folder / f"{emitted.name}.v", folder / "record.txt"
    design.write_text(emitted.verilog)
    harness.run(
        workload.bench,
        top=workload.top,
        verilog=[design, *cells.write(design)],
        build_dir=folder / "sim",
        config=workload.config,
        tests=workload.tests,
        simulator=simulator,
        seed=seed,
        environment={
            **(environment or {}),
            **record.request(file, streams(emitted.manifest), status(emitted.manifest), count),
        },
    )
    return record.load(file)
