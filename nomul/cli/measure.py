"""Commands that measure: synthesis, layout, place and route, and sweeps.

One file, since most of it declares the options that these commands share.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import flow, present, registry
from nomul.flow import Design, figures
from nomul.options import (
    AsJson,
    Defines,
    Libraries,
    Models,
    Name,
    Network,
    Out,
    Period,
    Preset,
    Scheduler,
    Seed,
    Settings,
    Simulator,
    Target,
    changes,
    with_network,
)
from nomul.runs import folders

Hierarchy = Annotated[
    bool | None,
    typer.Option(
        "--hierarchy/--flat",
        help="Keep modules apart, and show the cells of each, or map all of them as one; "
        "kept where that saves minutes if neither is given.",
    ),
]


def synth(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    out: Out = None,
    target: Target = None,
    liberty: Libraries = None,
    models: Models = None,
    define: Defines = None,
    period: Period = 1000,
    hierarchy: Hierarchy = None,
    clock_gating: Annotated[
        int,
        typer.Option(
            min=0,
            help="Smallest number of registers with one enable whose clock is gated; 0: none.",
        ),
    ] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Seed of place and route; the median of three if not given.")
    ] = None,
    energy: Annotated[
        bool, typer.Option("--energy", help="Simulate the mapped cells, and estimate their energy.")
    ] = False,
    glitches: Annotated[
        bool,
        typer.Option(
            "--glitches", help="Estimate energy with a delay in every cell, so that glitches count."
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Run the block's vectors on the mapped cells.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Map a block to gates or to an FPGA, and measure its area, clock and energy."""
    design = Design.parse(name, preset, with_network(settings, network))
    folder = (out or design.folder) / (target or "cells")
    energy = energy or glitches
    if energy or models is not None:  # refuse now what could not be measured later
        flow.cells_with_models(target, liberty, models, define or ())
    done: dict[str, Any] = {}
    stopped = False
    with folders.private(folder) as work:  # another command may use the same folder
        with present.working(f"synthesizing {name}"):
            mapped = design.synthesize(
                target,
                work,
                liberty=liberty,
                models=models,
                defines=define or (),
                period_ps=period,
                hierarchical=hierarchy,
                seeds=(1, 2, 3) if seed is None else (seed,),
                clock_gating=clock_gating,
            )
        if not json:
            present.line(f"{mapped.title} ({_versions(mapped.row.tools)})")
            present.pairs("", mapped.figures)
        steps: dict[str, tuple[str, Callable[[], Any]]] = {}
        if energy:
            steps["energy"] = ("simulating", lambda: mapped.energy(glitches=glitches))
        if check:
            steps["checked"] = ("checking", mapped.check)
        try:  # what is finished is worth having, whatever stops the rest
            for what, (doing, step) in steps.items():
                with present.working(f"{doing} the cells of {name}"):
                    done[what] = step()
                if not json:
                    present.pairs("", done[what].figures)
        except KeyboardInterrupt:
            stopped = True
    if stopped:
        present.note(f"stopped; the mapped cells are in {folder}")
        raise typer.Exit(130)
    if json:
        spent = {"energy": done["energy"].to_dict()} if energy else {}
        checked = {"checked": vars(done["checked"].value)} if check else {}
        timing = mapped.row.timing
        clock = {"clock_mhz": round(timing.fmax_mhz, 1)} if timing and timing.period_ps else {}
        present.as_json(mapped.row.to_dict() | clock | spent | checked)


def _versions(tools: Mapping[str, str]) -> str:
    return ", ".join(map(" ".join, tools.items()))


def layout(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    target: Annotated[
        str, typer.Option(help="Standard cells to lay out: freepdk45 or osu018.")
    ] = "freepdk45",
    density: Annotated[
        float, typer.Option(help="Share of the rows that cells fill, above 0, at most 1.")
    ] = 0.8,
    period: Period = 1000,
    hierarchy: Hierarchy = None,
    energy: Annotated[
        bool, typer.Option(help="Run the block's bench on the cells, for their energy.")
    ] = True,
    route: Annotated[
        bool | None,
        typer.Option(
            "--route/--estimate",
            help="Route the wires, or estimate them; if neither, up to 2,500 cells are routed.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of placement and stimuli.")] = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Place a block's standard cells, and measure clock and energy without and with wires."""
    design = Design.parse(name, preset, with_network(settings, network))
    # Refuse before the synthesis what could not be done after it.
    flow.demand_layout(target, density=density, routed=bool(route))
    folder = (out or design.folder) / target
    with present.working(f"synthesizing {name}"):
        mapped = design.synthesize(target, folder, period_ps=period, hierarchical=hierarchy)
    with present.stopped(f"the mapped cells are in {folder}"), present.working(f"placing {name}"):
        made = mapped.layout(density=density, energy=energy, route=route, seed=seed)
    if json:
        present.as_json(made.value.to_dict() | {"row": mapped.row.to_dict()})
    else:
        present.line(f"{made.title} ({_versions(made.tools)})")
        present.pairs("", made.figures)
        present.line(str(made.files["svg"]))
    if not made.complete:
        present.error(f"this layout does not work: {figures.faults(made)}")
        raise typer.Exit(1)


def pnr(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    target: Annotated[str, typer.Option(help="FPGA family: ecp5, ice40 or gowin.")] = "ecp5",
    device: Annotated[
        str | None,
        typer.Option(
            help="Device: 25k, 45k, 85k; hx1k, hx8k, up5k; 9k, 20k; ...; the smallest if none."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of place and route; the median of three if not given.")
    ] = None,
    bitstream: Annotated[
        bool,
        typer.Option(
            "--bitstream", help="Write a bitstream with a serial line on the pins of --board."
        ),
    ] = False,
    board: Annotated[
        str | None,
        typer.Option(
            help="Board of the bitstream: ulx3s, ulx3s25f, icebreaker, hx8k, tangnano20k or 9k, or "
            "a file of pins, NAME.toml."
        ),
    ] = None,
    link: Annotated[
        str, typer.Option(help="Line between computer and board: uart or spi.")
    ] = "uart",
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Place and route a block on an FPGA: its clock with wires, and what it occupies."""
    design = Design.parse(name, preset, with_network(settings, network))
    block, cfg = design.block, design.cfg
    if bitstream != (board is not None):
        raise ValueError(
            "--bitstream and --board go together: ulx3s, icebreaker, hx8k, tangnano20k, ..."
        )
    if board is None and link != "uart":
        raise ValueError("--link goes with --bitstream and --board")
    if board is not None:
        folder = (out or design.folder) / Path(board).stem
        with present.working(f"placing and routing {name}"):
            about = flow.bitstream(block, cfg, folder, board, seed=seed or 1, link=link)
        if json:
            present.as_json(about)
            return
        clock, sites = about["placed"]["fmax_mhz"], about["placed"]["utilisation"]
        present.line(about["bitstream"])
        present.pairs("", {f"clock (MHz), {about['board']}": clock, **sites})
        return
    folder = (out or design.folder) / target
    seeds = (1, 2, 3) if seed is None else (seed,)
    with present.working(f"placing and routing {name}"):
        with folders.private(folder) as work:
            placed = flow.place(block, cfg, work, target, device=device, seeds=seeds)
    if json:
        about = {"block": name, "config": cfg.to_dict(), "fmax_mhz": placed.fmax_mhz}
        present.as_json({**about, **vars(placed), "seeds": seeds, "folder": str(folder)})
        return
    present.line(f"{design.title}, {placed.device} ({_versions(placed.tools)})")
    present.pairs("", figures.placed(placed))


def sweep(
    name: Name,
    preset: Preset = None,
    settings: Annotated[
        list[str] | None,
        changes("Values of a parameter to go through, or `all`; may be repeated.", "NAME=A,B,..."),
    ] = None,
    steps: Annotated[
        str, typer.Option(help="Steps to do, with commas between: model, emit, sim, synth, energy.")
    ] = "model,emit,sim,synth",
    target: Target = None,
    liberty: Libraries = None,
    models: Models = None,
    define: Defines = None,
    period: Period = 1000,
    hierarchy: Annotated[
        bool,
        typer.Option("--hierarchy", help="Map each distinct module once, and keep them apart."),
    ] = False,
    simulator: Simulator = None,
    seed: Seed = 1,
    scheduler: Scheduler = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Number of processes on this machine; one per core if not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table and plot; build/sweep/BLOCK if not given.")
    ] = None,
    store: Annotated[
        Path, typer.Option(help="Folder of finished points, which are never done twice.")
    ] = Path("build/sweep/points"),
    pareto: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="Two columns that the plot compares; X,Y:max where more is better."
        ),
    ] = None,
    colour: Annotated[
        str | None, typer.Option(help="Column whose values the plot tells apart by colour.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Emit, simulate and synthesize a grid of configurations, here or on a cluster; resumes."""
    from nomul import sweep
    from nomul.sweep import point
    from nomul.sweep import table as sweep_table

    options = point.Options(
        target=flow.target_name(target, liberty),
        liberty=tuple(str(path.resolve()) for path in liberty or ()),
        models=str(models.resolve()) if models else None,
        defines=tuple(define or ()),
        period_ps=period,
        hierarchical=hierarchy,
        seed=seed,
        simulator=simulator,
    )
    result = sweep.run(
        registry.get(name),
        preset,
        settings or (),
        steps=[step.strip() for step in steps.split(",")],
        options=options,
        store=store,
        scheduler=scheduler,
        workers=workers,
        note=present.note,
        progress=lambda total: present.counting(f"sweeping {name}", total),
    )
    files = sweep_table.write(result, out or Path("build", "sweep", name), pareto, colour)
    present.swept(result, files, json)
    if result.stopped:
        raise typer.Exit(130)
    raise typer.Exit(1 if result.failed else 0)
