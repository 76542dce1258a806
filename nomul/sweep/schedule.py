"""Sweeps: the steps of the flow over a grid of configurations, on one machine or on a cluster.

Points are spread over the workers of ``dask.distributed``. Every result is stored as soon as it
arrives, so a sweep that was stopped goes on where it was, and a worker that dies costs only the
points it was at, which another one does again.
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import ledger
from nomul.registry import Block
from nomul.sweep import cluster
from nomul.sweep import grid as sweep_grid
from nomul.sweep import point as sweep_point
from nomul.sweep.point import Job, Options

if TYPE_CHECKING:
    from nomul.golden.config import Config

STORE = Path("build", "sweep", "points")


@dataclass
class Point:
    """A configuration of the grid and what is known of it.

    Attributes
    ----------
    values
        Of the axes.
    columns
        Per finished step, in the order of the steps.
    computed
        Whether any step was done now; else everything came from the store.
    error
        Why it is not complete; empty if it is.
    """

    cfg: "Config"
    values: dict[str, Any]
    columns: dict[str, dict[str, Any]]
    computed: bool = False
    error: str = "stopped before its turn"

    def row(self) -> dict[str, Any]:
        """Return everything as one flat row."""
        flat = {name: value for columns in self.columns.values() for name, value in columns.items()}
        return {**self.values, "failure": self.error, **flat}


@dataclass
class Sweep:
    """A grid and its points."""

    block: str
    axes: tuple[str, ...]
    steps: tuple[str, ...]
    points: list[Point]
    skipped: list[sweep_grid.Skipped]
    stopped: bool = False

    @property
    def failed(self) -> list[Point]:
        """Points that are not complete."""
        return [point for point in self.points if point.error]

    @property
    def computed(self) -> int:
        """How many points had steps to do, and did them."""
        return sum(point.computed and not point.error for point in self.points)


def check_steps(steps: Iterable[str]) -> tuple[str, ...]:
    """Return the steps in their order; raise ValueError for an unknown one."""
    wanted = set(steps)
    for step in wanted - set(sweep_point.STEPS):
        raise ValueError(f"there is no step {step!r}; there are {', '.join(sweep_point.STEPS)}")
    if not wanted:
        raise ValueError(f"name at least one step of {', '.join(sweep_point.STEPS)}")
    return tuple(step for step in sweep_point.STEPS if step in wanted)


def run(
    block: Block,
    preset: str | None = None,
    settings: Iterable[str] = (),
    *,
    steps: Iterable[str] = sweep_point.DEFAULT_STEPS,
    options: Options | None = None,
    store: Path = STORE,
    scheduler: str | None = None,
    workers: int | None = None,
    note: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], Any] = lambda _: nullcontext(lambda: None),
) -> Sweep:
    """Do the steps for every point of a grid that the store does not know yet.

    Parameters
    ----------
    block, preset, settings
        The grid, as in :func:`nomul.sweep.grid.expand`.
    steps
        Of :data:`nomul.sweep.point.STEPS`.
    options
        How they are done.
    store
        Folder of the finished steps, one small JSON file each.
    scheduler
        Address of a running ``dask scheduler``; processes on this machine if None.
    workers
        Number of these processes; one per core if None.
    note
        Takes a line that whoever waits should read.
    progress
        Takes the number of points; gives a context whose value is called after each.

    Returns
    -------
    Sweep
        Also after Ctrl-C, and then ``stopped``.

    Raises
    ------
    TypeError, ValueError
        The grid, the steps or the target are none.
    OSError
        The scheduler does not answer.
    """
    options = options or Options()
    steps = check_steps(steps)
    _check_target(steps, options)
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    grid = sweep_grid.expand(block, preset, settings)
    sweep = Sweep(block.name, grid.axes, steps, [], grid.skipped)
    results = ledger.Folder(store)
    todo: dict[str, tuple[Point, Job]] = {}
    before: dict[str, dict[str, Any]] = {}
    for cfg in grid.configs:
        point = Point(cfg, {name: getattr(cfg, name) for name in grid.axes}, {})
        sweep.points.append(point)
        about = {step: _depends_on(point, step, options) for step in steps}
        for step in steps:
            known = results.get(about[step])
            if known is not None:
                point.columns[step] = known["columns"]
        lacking = tuple(step for step in steps if step not in point.columns)
        if lacking:
            used = sweep_point.provenance(block.name, lacking, options)
            config = cfg.located().to_json()
            job = Job(
                block=block.name, config=config, steps=lacking, options=options, provenance=used
            )
            before[cfg.to_json()] = about
            names = (ledger.stamp(about[step])[:12] for step in lacking)
            todo[f"nomul-{'-'.join(names)}"] = point, job
        else:
            point.error = ""
    with progress(len(sweep.points)) as advance:
        for _ in range(len(sweep.points) - len(todo)):
            advance()
        try:
            jobs = {key: job for key, (_, job) in todo.items()}
            for key, done in cluster.distribute(jobs, scheduler, workers, note):
                point, _ = todo[key]
                point.error, point.computed = done.error, True
                for step, columns in done.columns.items():
                    about = before[point.cfg.to_json()][step]
                    if about != _depends_on(point, step, options):
                        point.error = "a file was written to while the sweep read it"
                        break
                    shown = {"block": block.name, "config": point.cfg.to_dict(), "step": step}
                    values = {**shown, "columns": columns}
                    known = results.put(about, values)
                    point.columns[step] = known["columns"]
                point.columns = {s: point.columns[s] for s in steps if s in point.columns}
                advance()
        except KeyboardInterrupt:
            sweep.stopped = True
    return sweep


def _check_target(steps: tuple[str, ...], options: Options) -> None:
    """Refuse what no point could be mapped to, before anything starts."""
    from nomul import flow
    from nomul.synth.map import targets

    if options.period_ps <= 0:
        raise ValueError(f"period_ps must be positive, not {options.period_ps}")
    if "synth" in steps:
        library, models = options.files
        cells = targets.get(options.target, liberty=library, models=models, defines=options.defines)
        if options.liberty and isinstance(cells, targets.StandardCells):
            cells.check()
    if "energy" in steps:
        flow.cells_with_models(options.target, *options.files, options.defines)


def _depends_on(point: Point, step: str, options: Options) -> dict[str, Any]:
    try:
        return sweep_point.depends_on(point.cfg, step, options)
    except (OSError, ValueError) as error:  # taken away or damaged while the sweep ran
        return {"missing": str(error)}
