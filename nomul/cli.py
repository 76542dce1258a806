"""The command line: list, show, emit, sim, synth, pnr, report, sweep, train, pack, doctor, demo."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import nomul
from nomul import flow, present, registry

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Neural-network hardware without multiplier arrays: Verilog, models, measured numbers.",
)

Name = Annotated[str, typer.Argument(metavar="BLOCK", help="One of those that `list` names.")]
Preset = Annotated[str | None, typer.Option(help="Named configuration; the first if not given.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one parameter; may be repeated."),
]
Network = Annotated[
    Path | None, typer.Option(help="Network file of lutnet; the preset's network if not given.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Target = Annotated[
    str | None, typer.Option(help="freepdk45 (if not given), generic, ice40, ecp5, xc7.")
]
Liberty = Annotated[Path | None, typer.Option(help="Map to the cells of this file.")]
Models = Annotated[Path | None, typer.Option(help="Verilog of those cells, for energy.")]
Period = Annotated[int, typer.Option(metavar="PS", help="Clock period to aim at.")]
Simulator = Annotated[
    str | None, typer.Option(help="icarus or verilator; the one found if not given.")
]
Seed = Annotated[int, typer.Option(help="Of everything random: stimuli, stalls, initial weights.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder for results; build/BLOCK/PRESET if not given.")
]


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Neural-network hardware without multiplier arrays: Verilog, models, measured numbers."""
    if version:
        print(nomul.__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_blocks(json: AsJson = False) -> None:
    """Name the blocks, the parts they share, and the baselines they are measured against."""
    rows = [
        {
            "name": block.name,
            "kind": block.kind,
            "title": block.title,
            "paper": block.paper,
            "presets": list(block.config().presets),
        }
        for block in registry.BLOCKS.values()
    ]
    if json:
        present.as_json(rows)
        return
    columns = ("block", "kind", "title", "source", "presets")
    cells = [[*list(row.values())[:-1], ", ".join(row["presets"])] for row in rows]
    present.table("", columns, cells)


@app.command()
def show(
    name: Name, preset: Preset = None, settings: Settings = None, json: AsJson = False
) -> None:
    """Explain a block's parameters, and what a configuration of it means in cycles."""
    block = registry.get(name)
    cfg: Any = flow.configure(block, preset, settings or ())
    notes = present.parameter_notes(type(cfg))
    timing = {
        "latency": cfg.latency,
        "interval": cfg.interval,
        "cycles(1)": cfg.cycles(1),
        "cycles(1000)": cfg.cycles(1000),
    }
    if json:
        about = {"name": block.name, "kind": block.kind, "title": block.title}
        presets = {n: dict(values) for n, values in cfg.presets.items()}
        extra = {"paper": block.paper, "presets": presets, "notes": notes}
        present.as_json({**about, **extra, "config": cfg.to_dict(), "timing": timing})
        return
    source = f" ({block.paper})" if block.paper else ""
    present.line(f"{block.name}: {block.title}{source}")
    present.line(f"presets: {', '.join(cfg.presets)}\n")
    rows = [(n, str(value), notes.get(n, "")) for n, value in cfg.to_dict().items()]
    present.table("", ("parameter", "value", "meaning"), rows)
    present.pairs("\nclock cycles", timing)


@app.command()
def emit(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    axi: Annotated[
        bool, typer.Option("--axi", help="Behind AXI4-Stream, with status on AXI4-Lite.")
    ] = False,
    testbench: Annotated[
        bool, typer.Option("--testbench", help="With a testbench in plain Verilog, and vectors.")
    ] = False,
    reset: Annotated[str, typer.Option(help="sync or async.")] = "sync",
    active: Annotated[str, typer.Option(help="Level of the reset: high or low.")] = "high",
    period: Annotated[int, typer.Option(metavar="PS", help="Of the constraints' clock.")] = 10_000,
    seed: Seed = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Write a block's Verilog, its manifest, its FuseSoC core and its constraints."""
    from nomul.hw.reset import Reset

    block = registry.get(name)
    cfg = flow.configure(block, preset, _with_network(settings, network))
    emitted = flow.emit(block, cfg, axi=axi, reset=Reset(reset, active))
    if testbench:
        with present.working(f"recording vectors of {name}"):
            emitted = flow.add_testbench(block, cfg, emitted, seed=seed)
    paths = emitted.write(out or flow.default_folder(block, preset), period)
    if json:
        present.as_json({"files": [str(path) for path in paths], **emitted.manifest})
        return
    for path in paths:
        present.line(str(path))


@app.command()
def sim(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    out: Out = None,
    simulator: Simulator = None,
    seed: Seed = 1,
    waves: Annotated[bool, typer.Option("--waves", help="Record a waveform.")] = False,
    weights: Annotated[
        Path | None, typer.Option(help="spimc: run this packed layer, on the macro it names.")
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(help="spimc: activations of that layer, .npy.")
    ] = None,
    network: Network = None,
    data: Annotated[
        str | None, typer.Option(help="lutnet: compare on the whole test set of digits.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Run a block's Verilog in a simulator, and compare every output with the golden model."""
    block = registry.get(name)
    # The bench runs in another folder, so a path has to be whole.
    cfg = flow.configure(
        block, preset, _with_network(settings, network.resolve() if network else None)
    )
    folder = out or flow.default_folder(block, preset)
    options: dict[str, Any] = {"simulator": simulator, "seed": seed, "waves": waves}
    extra = flow.test_set(block, cfg, data, folder) if data else {}
    if extra:
        options["environment"] = {"NOMUL_STIMULI": extra.pop("stimuli")}
    with present.working(f"simulating {name}"):
        if weights is not None or inputs is not None:
            from nomul import pack

            cfg, report = pack.simulate(name, weights, inputs, out, **options)
        else:
            report = flow.simulate(block, cfg, folder, **options)
    result = {"tests": report.tests, "compared": report.compared, **report.records, **extra}
    if json:
        present.as_json({"block": name, "config": cfg.to_dict(), **result, "log": str(report.log)})
        return
    present.line(f"{name}: {report.tests} tests passed, {report.compared:,} values equal the model")
    if report.records or extra:
        present.pairs("", {**report.records, **extra})


def _with_network(settings: list[str] | None, network: Path | None) -> list[str]:
    """Return the settings with that of a network file."""
    return [*(settings or []), *([f"network={network}"] if network else [])]


training = typer.Typer(help="Train networks for the hardware, or with it in the loop.")
app.add_typer(training, name="train")


@training.command("lutnet")
def train_lutnet(
    preset: Annotated[str | None, typer.Option(help="What to train; the first if none.")] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Of which data set: digits, fashion-mnist."),
    ] = None,
    out: Annotated[Path, typer.Option(help="File of the network, .json or .npz.")] = Path(
        "build/net.npz"
    ),
    folder: Annotated[
        Path | None, typer.Option(help="Where the IDX files of Fashion-MNIST are.")
    ] = None,
    seed: Seed = 1,
    seeds: Annotated[
        int, typer.Option(help="Train so many, and keep the best on held-out training images.")
    ] = 1,
    study: Annotated[
        str | None, typer.Option(help="Train a study instead: density, fashion, start, levels.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Train a network of look-up tables on the CPU, and save it.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    if study is not None:
        from nomul.train import lutnet_study

        file = Path("build", "train", f"lutnet_{study}.jsonl")
        with present.counting(f"studying {study}", len(lutnet_study.cases(study))) as advance:
            lines = lutnet_study.study(study, file, advance=advance)
        present.as_json(lines) if json else present.pairs("", {"file": file, "runs": len(lines)})
        return
    block = registry.get("lutnet")
    name, what = flow.to_train(block, preset, data)
    chosen = list(range(seed, seed + seeds))
    epochs = what.recipe.epochs * (1 if seeds == 1 else 2 * seeds)
    with present.counting(f"training {name}, epochs", epochs) as advance:
        result = flow.train(block, name, out, folder, chosen, lambda _: advance())
    if json:
        present.as_json(result)
        return
    present.pairs("", result)


@app.command()
def synth(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    out: Out = None,
    target: Target = None,
    liberty: Liberty = None,
    models: Models = None,
    period: Period = 1000,
    hierarchy: Annotated[
        bool, typer.Option("--hierarchy", help="Keep modules apart, and count each.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Of place and route; the median of three if not given.")
    ] = None,
    energy: Annotated[
        bool, typer.Option("--energy", help="Simulate the cells, and estimate their energy.")
    ] = False,
    glitches: Annotated[
        bool,
        typer.Option("--glitches", help="Energy with a delay in every cell, and with glitches."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Map a block to gates or to an FPGA, and measure its area, clock and energy."""
    block = registry.get(name)
    settings = _with_network(settings, network)
    cfg = flow.configure(block, preset, settings)
    folder = (out or flow.default_folder(block, preset)) / (target or "cells")
    cells = flow.cells_with_models(target, liberty, models) if energy or glitches else None
    with present.working(f"synthesizing {name}"):
        row = flow.measure(
            block,
            cfg,
            folder,
            preset=_label(block, preset, settings),
            target=target,
            liberty=liberty,
            period_ps=period,
            hierarchical=hierarchy,
            seeds=(1, 2, 3) if seed is None else (seed,),
        )
    spent = None
    if cells:
        with present.working(f"simulating the cells of {name}"):
            spent = flow.energy(block, cfg, folder, cells, period_ps=period, glitches=glitches)
    if json:
        present.as_json(row.to_dict() | ({"energy": spent.to_dict()} if spent else {}))
        return
    present.line(
        f"{name} {row.preset}, {row.target} ({', '.join(map(' '.join, row.tools.items()))})"
    )
    present.pairs("", present.measured(row) | (present.spent(spent) if spent else {}))


@app.command()
def pnr(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    target: Annotated[str, typer.Option(help="ecp5 or ice40.")] = "ecp5",
    device: Annotated[
        str | None, typer.Option(help="25k, 45k, 85k; hx1k, hx8k, up5k, ...; the smallest if none.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The median of three if not given.")] = None,
    bitstream: Annotated[
        bool, typer.Option("--bitstream", help="With a serial line, on the pins of --board.")
    ] = False,
    board: Annotated[str | None, typer.Option(help="ulx3s, icebreaker or hx8k.")] = None,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Place and route a block on an FPGA: its clock with wires, and what it occupies."""
    block = registry.get(name)
    settings = _with_network(settings, network)
    cfg = flow.configure(block, preset, settings)
    if bitstream != (board is not None):
        raise ValueError("--bitstream and --board go together: ulx3s, icebreaker or hx8k")
    if board is not None:
        folder = (out or flow.default_folder(block, preset)) / board
        with present.working(f"placing and routing {name}"):
            about = flow.bitstream(block, cfg, folder, board, seed=seed or 1)
        if json:
            present.as_json(about)
            return
        clock, sites = about["placed"]["fmax_mhz"], about["placed"]["utilisation"]
        present.line(about["bitstream"])
        present.pairs("", {f"clock (MHz), {about['board']}": clock, **sites})
        return
    folder = (out or flow.default_folder(block, preset)) / target
    seeds = (1, 2, 3) if seed is None else (seed,)
    with present.working(f"placing and routing {name}"):
        placed = flow.place(block, cfg, folder, target, device=device, seeds=seeds)
    if json:
        about = {"block": name, "config": cfg.to_dict(), "fmax_mhz": placed.fmax_mhz}
        present.as_json({**about, **vars(placed), "seeds": seeds, "folder": str(folder)})
        return
    tools = ", ".join(map(" ".join, placed.tools.items()))
    present.line(f"{name} {_label(block, preset, settings)}, {placed.device} ({tools})".strip())
    present.pairs("", present.placed(placed))


def _label(block: registry.Block, preset: str | None, settings: list[str] | None) -> str:
    """Return the preset's name as long as nothing changes it."""
    return "" if settings else preset or next(iter(block.config().presets))


@app.command()
def report(
    blocks: Annotated[list[str] | None, typer.Argument(metavar="[BLOCK]...")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="May be repeated; all if absent.")
    ] = None,
    preset: Annotated[
        list[str] | None, typer.Option(help="With --update or --check: only these.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Measure, replace the rows.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Measure, compare with the rows.")] = False,
    readme: Annotated[bool, typer.Option("--readme", help="Write them into README.md.")] = False,
    name: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="NAME", help="A table of the block's page, or all."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write one page about the blocks there.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option(help="With --html: run the benches, and draw a transaction of each.")
    ] = True,
    json: AsJson = False,
) -> None:
    """Show committed numbers, rows or tables; measure them again; write them into pages."""
    from nomul import report

    if html:
        from nomul import page

        with present.steps() as step:
            present.line(str(page.write(html, blocks or (), simulate=simulate, step=step)))
        return
    if name:
        _report_tables(blocks or [], name, update=update, json=json)
        return
    which = (target or (), blocks or ())
    if check or update:
        with present.steps() as step:
            measured = report.measure(*which, preset or (), keep=update, step=step)
        if check:
            compared = report.compare(measured)
            present.line(str(compared))
            raise typer.Exit(0 if compared.equal else 1)
    if readme:
        report.write_readme(Path("README.md"))
    rows = report.committed(*which)
    if json:
        present.as_json([row.to_dict() for row in rows])
    else:
        present.markdown_table(report.table(rows))


def _report_tables(blocks: list[str], names: list[str], *, update: bool, json: bool) -> None:
    """Show tables of one block's page, measured again if ``update``."""
    from nomul import report

    found = []
    for block, name in report.tables_named(blocks, names):
        if update:
            with present.working(f"measuring {block} {name}"):
                found.append(report.update_table(block, name))
        else:
            found.append(report.committed_table(block, name))
    if json:
        present.as_json([vars(table) for table in found])
        return
    for table in found:
        present.line(f"{table.block} {table.name}: {table.title}")
        present.markdown_table(table.markdown())


@app.command()
def sweep(
    name: Name,
    preset: Preset = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=A,B,...", help="Values of one parameter, or all; repeatable."
        ),
    ] = None,
    steps: Annotated[
        str, typer.Option(help="Of model, emit, sim, synth and energy, with commas between.")
    ] = "model,emit,sim,synth",
    target: Target = None,
    liberty: Liberty = None,
    models: Models = None,
    period: Period = 1000,
    hierarchy: Annotated[
        bool, typer.Option("--hierarchy", help="Map each distinct module once.")
    ] = False,
    simulator: Simulator = None,
    seed: Seed = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a dask scheduler, tcp://host:port.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine; one per core if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table and plot; build/sweep/BLOCK if not given.")
    ] = None,
    store: Annotated[
        Path, typer.Option(help="Folder of finished points, which are never done twice.")
    ] = Path("build/sweep/points"),
    pareto: Annotated[
        str | None, typer.Option(metavar="X,Y", help="Columns to compare; x,y:max if more is good.")
    ] = None,
    colour: Annotated[str | None, typer.Option(help="Column that the plot tells apart.")] = None,
    json: AsJson = False,
) -> None:
    """Emit, simulate and synthesize a grid of configurations, here or on a cluster; resumes."""
    from nomul import sweep, sweep_point, sweep_table

    options = sweep_point.Options(
        target=target or (liberty.stem if liberty else "freepdk45"),
        liberty=str(liberty.resolve()) if liberty else None,
        models=str(models.resolve()) if models else None,
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


@app.command()
def pack(
    weights: Annotated[Path, typer.Argument(help=".npy, .npz or .safetensors.")],
    layer: Annotated[str | None, typer.Option(help="Which array of the file.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="auto, dense, coo, rl, nm, bitmap, or N:M.")
    ] = "auto",
    preset: Annotated[str, typer.Option(help="Of the macro, spimc.")] = "paper",
    settings: Settings = None,
    act_bits: Annotated[
        int | None, typer.Option(help="Of activations; the most if absent.")
    ] = None,
    signed: Annotated[bool, typer.Option("--signed", help="Activations are signed.")] = False,
    transpose: Annotated[
        bool | None,
        typer.Option("--transpose/--as-is", help="Rows of the file are outputs; safetensors' are."),
    ] = None,
    balance: Annotated[
        bool, typer.Option("--balance", help="Fold overloaded columns over several.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="With N:M: drop the smallest of each group.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The container, .npz.")] = None,
    json: AsJson = False,
) -> None:
    """Choose a sparse format for a layer's weights, and pack them for the macro spimc."""
    from nomul import pack

    cfg: Any = flow.configure(registry.get("spimc"), preset, settings or ())
    result = pack.run(
        weights,
        cfg,
        layer=layer,
        form=form,
        act_bits=act_bits,
        x_signed=signed,
        transpose=transpose,
        balance=balance,
        prune=prune,
        out=out,
    )
    if json:
        present.as_json(result)
        return
    pack.show(result)


@app.command()
def doctor(json: AsJson = False) -> None:
    """Say which tools are here, at which version, and what each command still needs."""
    from nomul import doctor

    found = doctor.versions()
    lacking = doctor.lacking(found)
    if json:
        present.as_json({"tools": found, "missing": lacking})
        return
    rows = [
        (t.name, t.purpose, found[t.name] or f"missing: {t.install}") for t in doctor.TOOLS.values()
    ]
    present.table("", ("tool", "for", "version"), [("python", "", found["python"]), *rows])
    state = [(command, ", ".join(names) or "ready") for command, names in lacking.items()]
    present.table("\ncommands", ("nomul ...", "missing"), state)


@app.command()
def verify(
    name: Name,
    exhaustive: Annotated[str, typer.Option(help="Format whose pairs to go through: fp16.")],
    op: Annotated[list[str] | None, typer.Option(help="add, mul; both if absent.")] = None,
    rows: Annotated[int, typer.Option(help="First operands, of 65536, to have done.")] = 1 << 16,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Compare a block's model with another library on all operand pairs; resumes where it was."""
    from nomul import verify

    found = verify.run(name, exhaustive, op or (), out or Path("build/verify"), rows)
    if json:
        present.as_json([vars(record) for record in found])
    else:
        present.table("", ("operation", "pairs", "of", "wrong", "seconds"), verify.table(found))
    raise typer.Exit(1 if any(record.wrong for record in found) else 0)


@training.command("essop")
def train_essop(
    network: Annotated[str, typer.Option(help="mlp, convnet or resnet32.")] = "mlp",
    data: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Images to train on; all if absent.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs per setting.")] = None,
    out: Annotated[Path | None, typer.Option(help="Result file, one run per line.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write all runs here at the end, as one JSON document.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Train with stochastic weight gradients, every source and stream length; resumes by itself."""
    from nomul.synth import essop_training
    from nomul.train import essop_data, essop_sweep

    essop_sweep.recipe(network)
    split = essop_data.load(network, data, images)
    todo = list(essop_sweep.points(network, len(split.x), seeds))
    file = out or Path("build", "train", f"essop-{network}.jsonl")
    with present.counting(f"training {network}", len(todo)) as advance:
        runs = essop_sweep.sweep(todo, split, file, advance)
    if record is not None:
        given = {"--network": network, "--images": images, "--seeds": seeds}
        words = [f"{name} {value}" for name, value in given.items() if value is not None]
        essop_sweep.record(network, runs, record, f"nomul train essop {' '.join(words)}")
    rows = essop_training.summary(runs)
    if json:
        present.as_json(rows)
        return
    present.table("", list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def demo(out: Out = None, seed: Seed = 1, json: AsJson = False) -> None:
    """Compute one training step's weight update in ESSOP hardware, on real data, and measure it."""
    from nomul import demo

    result = demo.run(out or Path("build/demo"), seed)
    if json:
        present.as_json(result)
        return
    demo.show(result)


def main() -> None:
    """Run the command line; an error is one line, and 2 (misuse) or 1 (failure) the exit code.

    With ``NOMUL_DEBUG`` in the environment an error shows its traceback instead.
    """
    from nomul.sim.harness import BenchError
    from nomul.synth.yosys import ToolError

    misuse: tuple[type[Exception], ...] = (TypeError, ValueError)
    failure: tuple[type[Exception], ...] = (BenchError, ToolError, ImportError, OSError)
    if os.environ.get("NOMUL_DEBUG"):
        misuse = failure = ()
    try:
        sys.exit(app(standalone_mode=False, prog_name="nomul"))
    except typer.TyperException as error:
        present.error(present.usage(error))
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except misuse as error:
        present.error(str(error))
        sys.exit(2)
    except failure as error:
        hint = "; see nomul doctor" if isinstance(error, ImportError) else ""
        present.error(f"{error}{hint}")
        sys.exit(1)
