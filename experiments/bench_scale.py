"""Benchmark of scale: processor time and memory against the size of arrays, and how they grow.

``python -m nomul.experiments.bench_scale`` prints it; ``--write docs/scale.md`` puts it into that
page. Every measurement is a process of its own, so that its peak memory is its own too.

One file, since it is also the program that each of these processes runs.
"""

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul import ledger, registry
from nomul.golden import essop, spimc
from nomul.sweep import point as sweep_point
from nomul.sweep.point import Options
from nomul.synth.emit import Emitted, emit
from nomul.synth.map.recipes import AREA
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize
from nomul.synth.map.timing import AbcEstimate

if TYPE_CHECKING:
    from nomul.sim.harness import Report

BEGIN, END = (
    "<!-- scale: written by `python -m nomul.experiments.bench_scale` -->",
    "<!-- /scale -->",
)

# Step and sizes: rows and columns of ESSOP's array, columns of SP-IMC's, tables of LUTNet's layers.
PLAN: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("essop", "emission", (64, 128, 256, 1024)),
    ("essop", "area", (64, 256, 1024)),
    ("essop", "simulation", (16, 64, 256)),
    ("spimc", "emission", (64, 128, 256)),
    ("spimc", "area", (64, 128, 256)),
    ("spimc", "simulation", (64, 128, 256)),
    ("lutnet", "emission", (1_000, 2_000, 4_000, 8_000)),
    ("lutnet", "simulation", (1_000, 2_000, 4_000, 8_000)),
)

# A store is not searched for measurements of more tries than these.
MANY = 9

# What a step is in a sweep, whose tools are those that it uses.
IN_A_SWEEP = {"emission": "emit", "area": "synth", "simulation": "sim"}


@dataclass(frozen=True)
class Scale:
    """What one step took at one size.

    Attributes
    ----------
    block, step, size
        What was done: ``emission``, ``area`` (FreePDK45, each distinct module once, one recipe) or
        ``simulation`` (Verilator; the block's bench against the model).
    cpu_s, peak_mb
        Processor time of the process and its children, and the most memory that one of them had.
        Of a simulation, the time of its build.
    run_s
        Processor time of a simulation without its build.
    tries
        Of how many measurements this is the quickest.
    text, modules
        Bytes of the Verilog, and modules in it.
    result
        Area in um2, or values compared.
    """

    block: str
    step: str
    size: int
    cpu_s: float
    peak_mb: float
    text: int
    modules: int
    result: float | None = None
    run_s: float | None = None
    tries: int = 1


def top(block: str, size: int, folder: Path) -> Any:
    """Return the component of a block at a size."""
    if block == "essop":
        return registry.get(block).top(essop.Config.preset("small", rows=size, cols=size))
    if block == "spimc":
        return registry.get(block).top(spimc.Config.preset("paper", columns=size))
    from nomul.experiments.lutnet.bench import network
    from nomul.golden import lutnet

    network(size).save(folder / "net.npz")
    return registry.get(block).top(lutnet.Config(network=str(folder / "net.npz")))


def _area(emitted: Emitted, folder: Path) -> float:
    one = FreePdk45(recipes=(AREA,))
    result = synthesize(emitted, one, hierarchical=True, timer=AbcEstimate(), folder=folder)
    return result.area_um2 or 0.0


def _simulation(block: str, component: Any, folder: Path) -> "Report":
    from nomul import flow

    chosen = registry.get(block)
    return flow.simulate(
        chosen,
        component.cfg,
        folder,
        top=component,
        simulator="verilator",
        tests=flow.workload(chosen, component.cfg).tests,
    )


def measure(block: str, step: str, size: int) -> Scale:
    """Do one step in this process, and return what it took since the process began."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        component = top(block, size, folder)
        emitted = emit(component, block)
        result = run = None
        before = _spent()
        if step == "emission":
            cpu = before
        elif step == "area":
            result = round(_area(emitted, folder))
            cpu = _spent() - before
        else:
            report = _simulation(block, component, folder)
            result, cpu = report.compared, report.build_s
            run = round(_spent() - before - cpu, 1)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = max(u.ru_maxrss for u in usage) / 1024
    modules = emitted.verilog.count("\nmodule ")
    text = len(emitted.verilog)
    return Scale(block, step, size, round(cpu, 1), round(peak), text, modules, result, run)


def _spent() -> float:
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def apart(block: str, step: str, size: int, tries: int = 1) -> Scale:
    """Return :func:`measure` of a process of its own: of several, the one of least time."""
    quickest = min((_once(block, step, size) for _ in range(tries)), key=lambda s: s.cpu_s)
    return replace(quickest, tries=tries)


def _once(block: str, step: str, size: int) -> Scale:
    command = [
        sys.executable,
        "-m",
        "nomul.experiments.bench_scale",
        "--one",
        block,
        step,
        str(size),
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    if out.returncode:
        raise RuntimeError(f"{block} {step} {size}: {out.stderr.strip().splitlines()[-1]}")
    return Scale(**json.loads(out.stdout.splitlines()[-1]))


def known(block: str, step: str, size: int, file: Path | None = None, tries: int = 1) -> Scale:
    """Return a measurement, from a file if these sources made it on this machine before.

    One that is there counts if it is the quickest of as many tries or of more.
    """
    if file is None:
        return apart(block, step, size, tries)
    tools = sweep_point.provenance(block, (IN_A_SWEEP[step],), Options(simulator="verilator"))
    about = {"block": block, "step": step, "size": size, "machine": machine(), "tools": tools}
    store = ledger.Lines(file)
    for more in range(tries, MANY + 1):
        if (there := store.get(about | {"tries": more})) is not None:
            return Scale(**there)
    taken = asdict(apart(block, step, size, tries))
    return Scale(**store.put(about | {"tries": tries}, taken))


def exponent(before: Scale, after: Scale) -> float:
    """Return how time grows with modules and text: 1 if as they do, 0 if not at all."""
    work = (after.text + after.modules) / (before.text + before.modules)
    return math.log(after.cpu_s / before.cpu_s) / math.log(work)


def fitted(measured: Iterable[Scale], most: int) -> dict[tuple[str, str], float]:
    """Return e of time = a size^e for each block and step, by least squares of the logarithms.

    Sizes above ``most`` do not count, so that blocks are fitted over the same ones.
    """
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for s in measured:
        if s.size <= most or s.block == "lutnet":
            point = (math.log(s.size), math.log(s.cpu_s))
            times.setdefault((s.block, s.step), []).append(point)
    return {
        key: statistics.linear_regression(*zip(*points, strict=True)).slope
        for key, points in times.items()
        if len(points) > 2
    }


def fits(measured: Iterable[Scale], most: int = 256) -> str:
    """Return a Markdown table of the exponents of size."""
    lines = [("block", "step", "e of time ~ size^e"), ("---", "---", "---:")]
    lines += [(*key, f"{e:.2f}") for key, e in fitted(measured, most).items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def table(measured: Iterable[Scale]) -> str:
    """Return a Markdown table; its last column is the exponent against the line before."""
    names = ("block", "step", "size", "processor s", "tries", "peak MB", "modules", "Verilog, kB")
    lines = [[*names, "area, um2, or values", "exponent", "run, s"], ["---", "---", *["---:"] * 9]]
    before: Scale | None = None
    for s in measured:
        same = before is not None and (before.block, before.step) == (s.block, s.step)
        grown = f"{exponent(before, s):.2f}" if same and before else ""
        result = "" if s.result is None else f"{s.result:,.0f}"
        size = f"{s.size} x {s.size}" if s.block == "essop" else f"{s.size:,}"
        numbers = [
            f"{s.cpu_s:,.1f}",
            f"{s.tries}",
            f"{s.peak_mb:,.0f}",
            f"{s.modules:,}",
            f"{s.text // 1000:,}",
        ]
        run = "" if s.run_s is None else f"{s.run_s:,.1f}"
        lines.append([s.block, s.step, size, *numbers, result, grown, run])
        before = s
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def machine() -> str:
    """Return the processor, its cores and the memory, and that time is processor time."""
    info = Path("/proc/cpuinfo")
    named = [x for x in info.read_text().splitlines() if "model name" in x] if info.exists() else []
    name = named[0].partition(":")[2].strip() if named else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}"


def write(path: Path, content: str) -> None:
    """Put the content between the markers of a page."""
    head, begin, rest = path.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no {BEGIN} ... {END}")
    path.write_text(f"{head}{BEGIN}\n{content}{END}{tail}")


def main() -> None:
    """Measure what is asked for, print it, and write it into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--one", nargs=3, metavar=("BLOCK", "STEP", "SIZE"), help="only this, as JSON"
    )
    parser.add_argument("--most", type=int, default=256, help="largest array of essop (256)")
    parser.add_argument(
        "--steps", default="emission,area,simulation", help="emission,area,simulation"
    )
    parser.add_argument("--blocks", default="essop,spimc,lutnet", help="essop,spimc,lutnet")
    parser.add_argument("--tries", type=int, default=1, help="least time of so many (1)")
    parser.add_argument("--store", type=Path, help="keep results here, repeat none")
    parser.add_argument("--write", type=Path, help="page to write the table into")
    given = parser.parse_args()
    if given.one:
        block, step, size = given.one
        print(json.dumps(asdict(measure(block, step, int(size)))))
        return
    plan = [(block, step, size) for block, step, sizes in PLAN for size in sizes]
    steps, blocks = given.steps.split(","), given.blocks.split(",")
    measured = []
    for block, step, size in plan:
        if step not in steps or block not in blocks or (block == "essop" and size > given.most):
            continue
        measured.append(known(block, step, size, given.store, given.tries))
        print(measured[-1], flush=True)
    content = f"\n{table(measured)}\n{fits(measured)}\nMeasured on {machine()}.\n"
    print(content)
    if given.write:
        write(given.write, content)


if __name__ == "__main__":
    main()
