"""From an emitted design to mapped cells: area, counts by type, clock."""

import re
import shutil
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from nomul.runs import folders, progress
from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.map import census, mixtures, repeaters, targets, timing
from nomul.synth.map.census import Census, Part
from nomul.synth.map.recipes import RUSH, SPEED
from nomul.synth.map.targets import StandardCells, Target
from nomul.synth.map.timing import Timer, Timing


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a design became.

    Attributes
    ----------
    name, target, period_ps, hierarchical
        What was asked for.
    recipe
        Which of the target's ways was kept; ``mapped`` where it has one.
    cells
        Number of cells of each type.
    resources
        Counts that the target is known by: cells; gates and ffs; or luts, ffs, carry, dsp, bram.
    area_um2, sequential_um2
        Area of all cells and of flip-flops and latches, in square micrometres; None for FPGAs and
        internal gates.
    parts
        By module, in a design that kept its hierarchy; else empty.
    timing
        Clock; None for FPGAs, where place and route says it, and internal gates.
    tools
        Versions of all tools that had a part in it.
    netlist, netlist_json
        The mapped design, as Verilog and as Yosys' JSON; None where no folder was given.
    """

    name: str
    target: str
    period_ps: int
    hierarchical: bool
    recipe: str
    cells: dict[str, int]
    resources: dict[str, int]
    area_um2: float | None = None
    sequential_um2: float | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    timing: Timing | None = None
    tools: dict[str, str] = field(default_factory=dict)
    netlist: Path | None = None
    netlist_json: Path | None = None


def synthesize(
    emitted: Emitted,
    target: Target | str,
    *,
    hierarchical: bool = False,
    period_ps: int = 1000,
    folder: Path | None = None,
    timer: Timer | None = None,
) -> Result:
    """Map a design to a target and measure it.

    Parameters
    ----------
    emitted
        The design, from :func:`nomul.synth.emit.emit`.
    target
        A target or its name.
    hierarchical
        Keep the hierarchy: each distinct module is mapped once, and counts are summed over its
        instances. Nothing is optimised across modules.
    period_ps
        Clock period to aim at, in picoseconds. Standard cells are sized for it.
    folder
        Where scripts, logs and netlists stay; a temporary one if None.
    timer
        Who says how fast standard cells are; OpenSTA if it is installed, else ABC.

    Raises
    ------
    YosysError
        The design has a latch, a wire with several drivers or with none, or connects ports of
        different widths; or a tool failed.
    FileNotFoundError
        The target's Liberty file is not installed; the message says what to install.
    ValueError
        The target does not exist, or the period is not positive.
    """
    if period_ps <= 0:
        raise ValueError(f"period_ps must be positive, not {period_ps!r}")
    target = targets.get(target) if isinstance(target, str) else target
    options = (emitted, target, hierarchical, period_ps, timer or timing.installed())
    if folder is not None:
        return _synthesize(*options, folder.resolve())
    with folders.scratch() as scratch:
        result = _synthesize(*options, scratch)
    return Result(**{**vars(result), "netlist": None, "netlist_json": None})


def _synthesize(
    emitted: Emitted,
    target: Target,
    hierarchical: bool,
    period_ps: int,
    timer: Timer,
    folder: Path,
) -> Result:
    top = emitted.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.il").write_text(emitted.rtlil)
    commands = [
        "read_rtlil design.il",
        f"hierarchy -check -top {top}",
        "proc -norom -latches error",
        "rename -enumerate -pattern n%",
        "check -assert -nolatches",
        *target.commands(top, period_ps, hierarchical, folder),
    ]
    log = yosys.run(commands, folder, warned=target.warned)
    candidates = list(target.candidates)
    if hierarchical and isinstance(target, StandardCells) and target.repeater:
        candidates = _across_modules(target, top, folder)
    results = []
    for candidate in candidates:
        progress.stage(f"timing {candidate}")
        counted = census.take(folder / f"{candidate}.json", top, target.sequential())
        clock = None
        if isinstance(target, StandardCells):
            netlist = folder / f"{candidate}.v"
            # Sign means nothing between cells, and OpenSTA cannot read it.
            netlist.write_text(re.sub(r"^( *\w+) signed ", r"\1 ", netlist.read_text(), flags=re.M))
            delay = max(_abc_delay(log, recipe) for recipe in candidate.split("+"))
            clock = timer.measure(netlist, top, target, period_ps, delay)
        results.append((candidate, counted, clock))
    recipe, counted, clock = min(results, key=_rank)
    for suffix in (".v", ".json"):
        if recipe != "mapped":
            shutil.copyfile(folder / f"{recipe}{suffix}", folder / f"mapped{suffix}")
    tools = {"amaranth": version("amaranth"), "yosys": yosys.version(), **target.tools()}
    return Result(
        name=top,
        target=target.name,
        period_ps=period_ps,
        hierarchical=hierarchical,
        recipe=recipe,
        timing=clock,
        resources=target.resources(counted.cells),
        tools=tools | (timer.tools() if clock else {}),
        netlist=folder / "mapped.v",
        netlist_json=folder / "mapped.json",
        **{**vars(counted), "parts": counted.parts if hierarchical else {}},
    )


def _across_modules(target: StandardCells, top: str, folder: Path) -> list[str]:
    """Mix recipes, and put buffers on nets that are loaded too much; return all candidates.

    What is written replaces what Yosys has written before.
    """
    assert target.repeater
    candidates = list(target.candidates)
    if SPEED.name in candidates:
        counted = census.take(folder / f"{candidates[0]}.json", top, target.sequential())
        areas = {name: p.count * (p.area_um2 or 0.0) for name, p in counted.parts.items()}
        largest = max(areas, key=lambda name: areas[name])
        mixed = [name for name in candidates if name != RUSH.name]
        candidates += mixtures.write(folder, mixed, SPEED.name, largest)
    library = target.cells()
    commands = []
    for candidate in candidates:
        source, after = folder / f"{candidate}.json", folder / f"{candidate}.repeated.json"
        repeaters.repeat(source, after, top, library, target.repeater, target.load_ff)
        commands += target.repeated(candidate, folder)
    yosys.run(commands, folder, warned=target.warned)
    return candidates


def _rank(result: tuple[str, Census, Timing | None]) -> tuple[bool, float, float]:
    """Order results: those that meet the period by area, then the others by speed."""
    _, counted, clock = result
    if clock is None or clock.slack_ps is None:
        return False, 0.0, 0.0
    if clock.slack_ps >= 0:
        return False, counted.area_um2 or 0.0, clock.period_ps
    return True, clock.period_ps, counted.area_um2 or 0.0


def _abc_delay(log: str, recipe: str) -> float:
    """Return the longest of the delays that ABC printed for a recipe, in picoseconds."""
    section = log.partition(f"recipe {recipe}\n")[2].partition("\nrecipe ")[0]
    return max(map(float, re.findall(r"Delay =\s*([\d.]+) ps", section)), default=0.0)
