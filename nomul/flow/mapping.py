"""The steps from a configured block to cells: synthesis, energy, comparison, place and route.

One file, since half of it documents the arguments of steps that are one call each.
"""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import lines
from nomul.flow.steps import add_testbench, emit, workload
from nomul.registry import Block
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.synth.check.netcheck import Checked
    from nomul.synth.energy.power import Energy
    from nomul.synth.layout.layout import Layout
    from nomul.synth.map.targets import StandardCells
    from nomul.synth.measure import Row
    from nomul.synth.place.pnr import Placed


Files = Path | Sequence[Path] | None
"""A Liberty file, several that share a library, or none."""


def target_name(target: str | None, liberty: Files) -> str:
    """Return the target's name: what was asked for, else the file's, else ``freepdk45``."""
    first = liberty if isinstance(liberty, Path) else next(iter(liberty or ()), None)
    return target or (first.name.partition(".")[0] if first else "freepdk45")


def measure(
    block: Block,
    cfg: "Config",
    folder: Path,
    *,
    preset: str = "",
    target: str | None = None,
    liberty: Files = None,
    period_ps: int = 1000,
    hierarchical: bool | None = False,
    seeds: Sequence[int] = (1, 2, 3),
    clock_gating: int = 0,
) -> "Row":
    """Synthesize a block into ``folder`` and return the row of what was measured.

    Parameters
    ----------
    preset
        Label of the configuration in the row; empty if it has no name.
    target
        Name of a target; ``freepdk45`` if None. With ``liberty`` a label, by default the file's.
    liberty
        Standard cells to map to.
    period_ps, hierarchical, seeds, clock_gating
        As of :meth:`nomul.flow.design.Design.synthesize`, which also says what is raised.
    """
    from nomul.synth import measure
    from nomul.synth.map import targets

    name = target_name(target, liberty)
    chosen = targets.get(name, liberty=liberty)
    if clock_gating:
        if not isinstance(chosen, targets.StandardCells):
            raise ValueError(f"target {name} has no standard cells to gate clocks with")
        chosen = dataclasses.replace(chosen, clock_gating=clock_gating)
    return measure.measure(
        block.top(cfg),
        cfg,
        block.name,
        chosen,
        preset=preset,
        paper=block.paper,
        period_ps=period_ps,
        hierarchical=hierarchical,
        seeds=seeds,
        folder=folder,
    )


def _standard(what: str, found: object, target: str | None) -> "StandardCells":
    """Return a target's standard cells, or raise ValueError with what needs them."""
    from nomul.synth.map import targets

    if not isinstance(found, targets.StandardCells):
        raise ValueError(f"{what} needs standard cells, and {target} has none; try freepdk45")
    return found


def cells_with_models(
    target: str | None = None,
    liberty: Files = None,
    models: Path | None = None,
    defines: Sequence[str] = (),
) -> "StandardCells":
    """Return the standard cells of :func:`measure`'s arguments, if energy can be measured on them.

    ``models`` is the Verilog of the cells of ``liberty``, and ``defines`` what it wants to be
    defined, ``NAME`` or ``NAME=VALUE``.

    Raises
    ------
    FileNotFoundError
        The library is not installed, or has no Verilog models of its cells.
    ValueError
        The target has no standard cells.
    """
    from nomul.synth.map import targets

    name = target_name(target, liberty)
    cells = targets.get(name, liberty=liberty, models=models, defines=defines)
    found = _standard("energy", cells, target)
    found.models()
    return found


def energy(
    block: Block,
    cfg: "Config",
    folder: Path,
    cells: "StandardCells",
    *,
    period_ps: int = 1000,
    glitches: bool = False,
    seed: int = 1,
) -> "Energy":
    """Run a block's bench on the netlist that :func:`measure` left in ``folder``; see its energy.

    Parameters
    ----------
    cells
        What it was mapped to, from :func:`cells_with_models`.
    period_ps, glitches, seed
        As of :meth:`nomul.flow.mapped.Mapped.energy`, which also says what is raised.
    """
    from nomul.synth.energy import gatesim, power

    with folders.private(folder / "energy") as work:
        return power.measure(
            workload(block, cfg),
            folder / "mapped.v",
            cells,
            folder=work,
            period_ps=period_ps,
            seed=seed,
            delays=gatesim.UnitDelay() if glitches else None,
        )


def layout(
    block: Block,
    cfg: "Config",
    folder: Path,
    target: str | None = None,
    *,
    density: float = 0.8,
    period_ps: int = 1000,
    energy: bool = True,
    routed: bool = False,
    limit_s: float = 480,
    seed: int = 1,
) -> "Layout":
    """Lay out the netlist that :func:`measure` left in ``folder``, into ``folder/layout``.

    Parameters
    ----------
    target
        Name of a target with LEF files; ``freepdk45`` if None.
    density, energy, seed
        As of :meth:`nomul.flow.mapped.Mapped.layout`, which says what is raised too.
    period_ps
        Clock period of timing and energy.
    routed
        Route the wires; else they are estimated.
    limit_s
        Time that the router may take.
    """
    from nomul.synth.energy import power
    from nomul.synth.layout import layout

    cells = demand_layout(target, density=density, routed=routed)
    netlist, simulated = folder / "mapped.v", None
    if energy:
        with folders.private(folder / "energy") as work:
            simulated = power.simulate(workload(block, cfg), netlist, cells, folder=work, seed=seed)
    options: dict[str, Any] = {"density": density, "period_ps": period_ps, "seed": seed}
    options |= {"routed": routed, "limit_s": limit_s, "simulated": simulated}
    final = folder / "layout"
    # Of an earlier layout nothing may stay: its wires would be taken for those of this one.
    with folders.private(final) as work:
        made = layout.lay_out(netlist, block.name, cells, work, **options)
    files = {kind: final.resolve() / path.name for kind, path in made.files.items()}
    return dataclasses.replace(made, files=files)


def worth_routing(cells: int) -> bool:
    """Whether a layout of so many cells is routed where nobody says, in a few minutes at most."""
    from nomul.synth.layout import route

    return cells <= route.MOST_CELLS and route.installed()


def demand_layout(
    target: str | None = None, *, density: float = 0.8, routed: bool = False
) -> "StandardCells":
    """Return the standard cells of a target, if a layout of them can be made here.

    Raises
    ------
    FileNotFoundError, ImportError
        The library, the placer, the router if it is asked for, or what writes masks and pictures is
        not installed; the message says how to install it.
    ValueError
        The target has no standard cells, or no LEF files, or there is no such density.
    """
    from nomul.synth.layout import demands

    demands.density(density)
    cells = cells_with_lef(target)
    demands.tools(cells, routed=routed)
    return cells


def cells_with_lef(target: str | None = None) -> "StandardCells":
    """Return the standard cells of a target that can be laid out.

    Raises
    ------
    FileNotFoundError
        The library is not installed.
    ValueError
        The target has no standard cells, or no LEF files.
    """
    from nomul.synth.map import targets

    found = targets.get(target_name(target, None))
    cells = _standard("a layout", found, target)
    cells.lef()
    return cells


def check(
    block: Block,
    cfg: "Config",
    folder: Path,
    target: str | None = None,
    liberty: Files = None,
    models: Path | None = None,
    defines: Sequence[str] = (),
    *,
    count: int = 1000,
) -> "Checked":
    """Run a block's vectors on the netlist that :func:`measure` left in ``folder``.

    Parameters
    ----------
    target, liberty
        As for :func:`measure`.
    models
        Verilog of the cells of ``liberty``; None to read their functions there.
    defines
        What the models want to be defined.
    count
        Transfers to record.

    Raises
    ------
    NetlistError
        An answer differs from that of the golden model, or does not come.
    """
    from nomul.synth.check import netcheck
    from nomul.synth.map import targets

    name = target_name(target, liberty)
    cells = targets.get(name, liberty=liberty, models=models, defines=defines)
    emitted = add_testbench(block, cfg, emit(block, cfg), count=count)
    with folders.private(folder / "check") as work:
        return netcheck.check(emitted, folder / "mapped.v", cells, work)


def place(
    block: Block,
    cfg: "Config",
    folder: Path,
    target: str,
    *,
    device: str | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    netlist_json: Path | None = None,
) -> "Placed":
    """Place and route a block into ``folder``, and return clock and utilisation.

    Parameters
    ----------
    target, device, seeds, netlist_json
        As in :func:`nomul.synth.place.pnr.place_and_route`.

    Raises
    ------
    PnrError
        The block fits no device, or cannot be routed.
    ValueError
        There is no such target, or device.
    """
    from nomul.synth.place import pnr

    with folders.private(folder, beside=True) as work:
        emitted = emit(block, cfg, work)
        options: dict[str, Any] = {"device": device, "netlist_json": netlist_json, "folder": work}
        return pnr.place_and_route(emitted, target, seeds, **options)


def _beside(cfg: "Config", name: str, folder: Path) -> dict[str, str]:
    """Keep the files of a configuration beside its bitstream; return their names by parameter.

    What a board answers is read with the network that it holds, whatever becomes of the file that
    it was made of.
    """
    kept = {}
    for parameter, path in cfg.files().items():
        kept[parameter] = f"{name}.{parameter}{path.suffix}"
        shutil.copyfile(path, folder / kept[parameter])
    return kept


def bitstream(
    block: Block,
    cfg: "Config",
    folder: Path,
    board: str,
    *,
    seed: int = 1,
    target: str | None = None,
    link: str = "uart",
) -> dict[str, Any]:
    """Put a block on a board with its serial line, and write bitstream and what feeds it.

    Returns what ``<block>_<board>.json`` says: manifest, clock, sites, serial line, bitstream, and
    for a ``uart`` a host program in C. A network's file is kept beside it.

    Raises
    ------
    PnrError
        The block does not fit the board, or is slower than its oscillator.
    ValueError
        There is no such board or link, or the board carries another FPGA than ``target``, if that
        is given.
    """
    from nomul.hosts import words_host
    from nomul.synth.place import boards

    chosen = boards.get(board)
    if target not in (None, chosen.target):
        raise ValueError(f"board {board} carries {chosen.target}, and the target is {target}")
    with folders.private(folder) as work:
        top = block.top(cfg)
        file, placed, emitted = boards.bitstream(
            top, block.name, chosen, work, seed=seed, link=link
        )
        line = boards.serial_line(top, link=link, clock_hz=chosen.clock_hz)
        about = {
            **emitted.manifest,
            "board": chosen.title,
            "bitstream": str(folder / file.name),
            "serial": line,
            **lines.described(block, cfg, top),
            "files": _beside(cfg, emitted.name, work),
            "placed": {**vars(placed), "fmax_mhz": placed.fmax_mhz},
        }
        if link == "uart":
            title, source = f"{block.name} on the {chosen.title}", f"{emitted.name}.c"
            about["host"] = str(folder / source)
            (work / source).write_text(words_host(title, line, source))
        (work / f"{emitted.name}.json").write_text(json.dumps(about, indent=2) + "\n")
    return about
