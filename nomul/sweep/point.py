"""One point of a sweep: what is done with a configuration, and what names its result.

Each step of a point is kept in a ledger under a stamp of what its result depends on: the
configuration, nomul's own sources, the options that matter to the step, and the versions of the
tools that do it. A step whose result is there is not done again.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nomul
from nomul import flow, registry
from nomul import tools as tool_table
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config

STEPS = ("model", "emit", "sim", "synth", "energy")
DEFAULT_STEPS = STEPS[:4]

# The harness sets the process' environment, so a worker with several threads takes turns.
_TURN = threading.Lock()

_SOURCES = ("golden", "hw", "sim", "synth")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the steps of a sweep are done, the same for all its points.

    Attributes
    ----------
    target, liberty, period_ps, hierarchical
        As in :func:`nomul.flow.measure`; ``liberty`` are the paths of one library's files.
    models, defines
        Verilog of the library's cells, and what it wants to be defined.
    place_seeds
        Of place and route.
    seed, simulator
        Of the bench.
    """

    target: str = "freepdk45"
    liberty: tuple[str, ...] = ()
    models: str | None = None
    defines: tuple[str, ...] = ()
    period_ps: int = 1000
    hierarchical: bool = False
    place_seeds: tuple[int, ...] = (1, 2, 3)
    seed: int = 1
    simulator: str | None = None

    @property
    def files(self) -> tuple[list[Path] | None, Path | None]:
        """The library's files, and the Verilog of its cells."""
        models = Path(self.models) if self.models else None
        return [Path(path) for path in self.liberty] or None, models


@dataclass(frozen=True, kw_only=True)
class Job:
    """A configuration, the steps to do with it, and what they must be done with."""

    block: str
    config: str
    steps: tuple[str, ...]
    options: Options
    provenance: dict[str, str]


@dataclass(frozen=True)
class Done:
    """Columns per finished step; ``error`` says why the next one did not finish, if so."""

    columns: dict[str, dict[str, Any]]
    error: str = ""


class ForeignWorkerError(RuntimeError):
    """A worker has another nomul, or other tools, than the one that planned the sweep."""


def tools(steps: tuple[str, ...], options: Options) -> tuple[str, ...]:
    """Return the names of the tools that these steps use, as ``nomul doctor`` knows them."""
    simulator = options.simulator or flow.installed_simulator()
    sim = (*tool_table.BENCH, tool_table.SIMULATORS.get(simulator, ("iverilog",))[0])
    cells = (*tool_table.CELLS, tool_table.TIMER)
    routed = {family: (router,) for family, router in tool_table.ROUTERS.items()}
    synth = {"freepdk45": cells, **routed}.get(options.target, ())
    emit = tool_table.EMIT
    used = {
        "model": (),
        "emit": emit,
        "sim": (*emit, *sim),
        "synth": (*emit, *(cells if options.liberty else synth)),
        "energy": (*emit, *sim, *(cells if options.liberty else synth)),
    }
    return tuple(dict.fromkeys(["numpy", *(name for step in steps for name in used[step])]))


def provenance(block: str, steps: tuple[str, ...], options: Options) -> dict[str, str]:
    """Return the versions of nomul, of the sources, and of the tools that these steps use.

    Sources are nomul's, and those of the package that a block comes with if that is another one.
    """
    versions = {name: _version(name) for name in tools(steps, options)}
    owner = registry.get(block)
    package = {} if owner.own else {owner.home: package_hash(block)}
    return {"nomul": nomul.__version__, "sources": source_hash(), **package, **versions}


@cache
def _version(tool: str) -> str:
    return tool_table.TOOLS[tool].found()


@cache
def source_hash() -> str:
    """Return a hash of the files of nomul that a result may depend on, as they are installed."""
    total = hashlib.sha256()
    for room in _SOURCES:
        folder = Path(str(registry.room(room).__path__[0]))
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            name = path.relative_to(folder).as_posix()
            total.update(f"{room}/{name}\n".encode() + path.read_bytes())
    steps = sorted(Path(flow.__file__).parent.glob("*.py"))
    for path in (*steps, Path(__file__)):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


@cache
def package_hash(block: str) -> str:
    """Return a hash of the files that another package's block consists of."""
    total = hashlib.sha256()
    for path in registry.get(block).sources():
        total.update(f"{path.name}\n".encode() + path.read_bytes())
    return total.hexdigest()[:16]


def depends_on(cfg: "Config", step: str, options: Options) -> dict[str, Any]:
    """Return everything that the result of one step depends on; of files it is the content."""
    matters: dict[str, Any] = {}
    if step in ("sim", "energy"):
        simulator = options.simulator or flow.installed_simulator()
        matters |= {"seed": options.seed, "simulator": simulator}
    if step in ("synth", "energy"):
        cells = _library_hash(options.liberty) if options.liberty else None
        matters |= {"target": options.target, "liberty": cells, "period_ps": options.period_ps}
        matters |= {"hierarchical": options.hierarchical, "place_seeds": options.place_seeds}
    if step == "energy":
        matters |= {"models": _file_hash(options.models) if options.models else None}
        matters |= {"defines": options.defines}
    values = cfg.to_dict() | {name: _file_hash(path) for name, path in cfg.files().items()}
    return {
        "block": cfg.block_name,
        "config": values,
        "step": step,
        "options": matters,
        "tools": provenance(cfg.block_name, (step,), options),
    }


def _library_hash(paths: tuple[str, ...]) -> str:
    """Hash the files of a library, with what they include."""
    from nomul.synth.map import liberty

    return liberty.digest([Path(path) for path in paths])


def _file_hash(path: str | Path) -> str:
    about = Path(path).stat()
    changed = (about.st_ino, about.st_mtime_ns, about.st_ctime_ns, about.st_size)
    return _content_hash(str(path), changed)


@cache
def _content_hash(path: str, changed: tuple[int, ...]) -> str:
    """Hash a file once for all points, and again when it was written to."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def run(job: Job) -> Done:
    """Do the steps of a job in a scratch folder; this is what a worker executes.

    An error ends the point, not the sweep: what finished before it is returned with its message.

    Raises
    ------
    ForeignWorkerError
        This process has another nomul, or other tools, than the job was made with.
    """
    here = provenance(job.block, job.steps, job.options)
    for name, wanted in job.provenance.items():
        there = here.get(name) or "not at all"
        if there != (wanted or "not at all"):
            raise ForeignWorkerError(f"this worker has {name} {there}, and the sweep has {wanted}")
    block = registry.get(job.block)
    cfg = block.config().from_json(job.config)
    columns: dict[str, dict[str, Any]] = {}
    with _TURN, folders.scratch("nomul-sweep-") as scratch:
        for step in job.steps:
            start = time.perf_counter()
            try:
                values = _DO[step](block, cfg, scratch / step, job.options)
            except Exception as error:  # whatever it is, the other points are worth having
                folders.quote_log(error, scratch)
                text = " ".join(str(error).split())
                return Done(columns, f"{step}: {text or type(error).__name__}")
            columns[step] = {**values, f"{step}_s": round(time.perf_counter() - start, 2)}
    return Done(columns)


def _model(block: registry.Block, cfg: Any, folder: Path, options: Options) -> dict[str, Any]:
    return {"latency": cfg.latency, "interval": cfg.interval, **block.metrics(cfg)}


def _emit(block: registry.Block, cfg: Any, folder: Path, options: Options) -> dict[str, Any]:
    emitted = flow.emit(block, cfg)
    lines = emitted.verilog.count("\n")
    return {"verilog_lines": lines, "verilog_sha256": emitted.manifest["sha256"][:16]}


def _sim(block: registry.Block, cfg: Any, folder: Path, options: Options) -> dict[str, Any]:
    report = flow.simulate(
        block, cfg, folder, simulator=options.simulator, seed=options.seed, waves=False
    )
    measured = {f"sim_{name}": value for name, value in report.records.items()}
    plain = {n: v for n, v in measured.items() if isinstance(v, str | int | float)}
    return {"sim_tests": report.tests, "sim_compared": report.compared, **plain}


def _synth(block: registry.Block, cfg: Any, folder: Path, options: Options) -> dict[str, Any]:
    row = flow.measure(
        block,
        cfg,
        folder,
        target=options.target,
        liberty=options.files[0],
        period_ps=options.period_ps,
        hierarchical=options.hierarchical,
        seeds=options.place_seeds,
    )
    columns: dict[str, Any] = dict(row.resources)
    if row.area_um2 is not None:
        columns |= {"area_um2": row.area_um2, "sequential_um2": row.sequential_um2}
    if row.timing is not None and row.timing.period_ps:  # a library may have no delays
        columns["clock_mhz"] = round(row.timing.fmax_mhz, 1)
        columns["ns_per_result"] = round(row.timing.period_ps * row.interval / 1000, 3)
        columns["clock_tool"] = row.timing.tool
    return columns


def _energy(block: registry.Block, cfg: Any, folder: Path, options: Options) -> dict[str, Any]:
    """Simulate the mapped cells; they are mapped here again unless `synth` has just done so."""
    mapped = folder.with_name("synth")
    if not (mapped / "mapped.v").exists():
        _synth(block, cfg, mapped, options)
    cells = flow.cells_with_models(options.target, *options.files, options.defines)
    spent = flow.energy(block, cfg, mapped, cells, period_ps=options.period_ps, seed=options.seed)
    return {
        "energy_fj": round(spent.per_operation_fj, 2),
        "energy_per": spent.operation,
        "power_uw": round(spent.power_uw, 3),
    }


_Step = Callable[[registry.Block, Any, Path, Options], dict[str, Any]]
_DO: dict[str, _Step] = {
    "model": _model,
    "emit": _emit,
    "sim": _sim,
    "synth": _synth,
    "energy": _energy,
}
