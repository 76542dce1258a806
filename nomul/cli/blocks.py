"""Commands about a block: what it is, its Verilog, its bench."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import flow, present, registry
from nomul.flow import Design
from nomul.options import (
    AsJson,
    Images,
    Liberty,
    Name,
    Network,
    Out,
    Preset,
    Seed,
    Settings,
    Simulator,
    with_network,
)
from nomul.runs import folders

# The blocks that some options of `sim` are for.
_LAYERS, _WORDS, _DATA = (", ".join(registry.able(name)) for name in ("layer", "words", "test_set"))


def list_blocks(json: AsJson = False) -> None:
    """Name the blocks, the parts they share, and the baselines they are measured against."""
    every = registry.blocks()
    rows = [
        {
            "name": block.name,
            "kind": block.kind,
            "title": block.title,
            "paper": block.paper,
            "package": block.home,
            "presets": list(block.config().presets),
        }
        for block in every.values()
    ]
    for name, fault in every.faults.items():
        present.note(f"block {name} cannot be used: {fault}")
    if json:
        present.as_json(rows)
        return
    # Where all of them are nomul's own, a column that says so would say nothing.
    keys = [k for k in rows[0] if k != "package" or any(not b.own for b in every.values())]
    heads = {"name": "block", "paper": "source"}
    cells = [[*(row[k] for k in keys[:-1]), ", ".join(row["presets"])] for row in rows]
    present.table("", [heads.get(k, k) for k in keys], cells)


def new(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of the new block: small letters, digits and _."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder to write the package into; ./NAME if absent."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Write a package with a working block of your own, which nomul lists once it is installed."""
    from nomul import starter

    folder = out or Path(name)
    files = starter.write(name, folder)
    if json:
        present.as_json({"files": [str(path) for path in files]})
        return
    for path in files:
        present.line(str(path))
    present.note(f"next: pip install -e {folder}; nomul sim {name}; pytest {folder}")


def show(
    name: Name, preset: Preset = None, settings: Settings = None, json: AsJson = False
) -> None:
    """Explain a block's parameters, and what a configuration of it means in cycles."""
    design = Design.parse(name, preset, settings or ())
    block, cfg = design.block, design.cfg
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


def emit(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    network: Network = None,
    axi: Annotated[
        bool, typer.Option("--axi", help="Wrap the block in AXI4-Stream, with status on AXI4-Lite.")
    ] = False,
    testbench: Annotated[
        bool,
        typer.Option(
            "--testbench", help="Write a testbench in plain Verilog, with recorded vectors."
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            help=f"Write the macro that this packed layer is for, its words, and a testbench of "
            f"this layer ({_WORDS})."
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Activations of the testbench of --weights, .npy; random if not given."),
    ] = None,
    reset: Annotated[str, typer.Option(help="Kind of the reset: sync or async.")] = "sync",
    active: Annotated[str, typer.Option(help="Active level of the reset: high or low.")] = "high",
    period: Annotated[
        int,
        typer.Option(
            metavar="PS", help="Clock period that the constraints demand, in picoseconds."
        ),
    ] = 10_000,
    tinytapeout: Annotated[
        Path | None,
        typer.Option(
            "--tinytapeout",
            metavar="DIR",
            help="Write a project for Tiny Tapeout into this folder, and nothing else.",
        ),
    ] = None,
    author: Annotated[
        str, typer.Option(help="Author of the Tiny Tapeout project; part of its module's name.")
    ] = "nomul",
    liberty: Liberty = None,
    data: Annotated[
        str | None,
        typer.Option(
            help=f"Test set that the project's test sends, digits or fashion-mnist ({_DATA}); the "
            "bench's own words if not given."
        ),
    ] = None,
    images: Images = None,
    seed: Seed = 1,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Write a block's Verilog, its manifest, its FuseSoC core and its constraints."""
    design = Design.parse(name, preset, with_network(settings, network))
    if tinytapeout is not None:
        if axi or testbench or reset != "sync" or active != "high" or out is not None:
            raise ValueError("--tinytapeout has pins, a reset, a test and a folder of its own")
        with present.working(f"recording words of {name}, estimating tiles"):
            made = design.tinytapeout(
                tinytapeout, author=author, liberty=liberty, data=data, images=images, seed=seed
            )
        written = [str(tinytapeout / name) for name in made.files]
        if json:
            size = {"tiles": made.tiles, "gates": made.gates, "library": made.library}
            present.as_json({"files": written, "top_module": made.emitted.name, **size})
            return
        for line in written:
            present.line(line)
        present.note(
            f"{made.gates} NANDs of two inputs by the cells of {made.library}: {made.tiles} tiles"
        )
        return
    if (liberty, data, images, author) != (None, None, None, "nomul"):
        raise ValueError("--author, --liberty, --data and --images go with --tinytapeout")
    if period < 1:
        raise ValueError(f"--period must be positive, not {period}")
    if inputs is not None and weights is None:
        raise ValueError("--inputs goes with --weights")
    recorded = testbench or weights is not None
    folder = out or (design.folder.with_name("layer") if weights else design.folder)
    with present.working(f"recording vectors of {name}") if recorded else nullcontext():
        if weights is not None:
            if preset is not None or settings or network:
                raise ValueError("the file of --weights says which configuration it is for")
            from nomul.hw.reset import Reset

            emitted = flow.emit_layer(
                design.block, weights, inputs, axi=axi, reset=Reset(reset, active), seed=seed
            )
        else:
            emitted = design.emit(
                axi=axi, reset=reset, active=active, testbench=testbench, seed=seed
            ).value
    paths = emitted.write(folder, period)
    if json:
        present.as_json({"files": [str(path) for path in paths], **emitted.manifest})
        return
    for path in paths:
        present.line(str(path))


def sim(
    name: Name,
    preset: Preset = None,
    settings: Settings = None,
    out: Out = None,
    simulator: Simulator = None,
    seed: Seed = 1,
    waves: Annotated[
        bool, typer.Option("--waves", help="Record a waveform of the simulation.")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            help=f"Run this packed layer, or tile, on the block that it is for ({_LAYERS})."
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(help=f"File of activations for the layer of --weights, .npy ({_LAYERS})."),
    ] = None,
    network: Network = None,
    data: Annotated[
        str | None,
        typer.Option(
            help=f"Run a test set, a file of samples, digits or fashion-mnist, and count the right "
            f"answers ({_DATA})."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column of the file of --data that holds the classes.")
    ] = None,
    images: Images = None,
    json: AsJson = False,
) -> None:
    """Run a block's Verilog in a simulator, and compare every output with the golden model."""
    # The bench runs in another folder, so a path has to be whole; a name of nomul's is none.
    network = network.resolve() if network and network.exists() else network
    design = Design.parse(name, preset, with_network(settings, network))
    options: dict[str, Any] = {"simulator": simulator, "seed": seed, "waves": waves}
    trial = None
    layer = weights is not None or inputs is not None
    folder = out or (design.folder.with_name("layer") if layer else design.folder)
    fewer = "--images N takes fewer samples" if data else "a smaller configuration takes less"
    advice = f"nothing of this simulation is kept; {fewer}, and --simulator verilator runs faster"
    # Another command may use the same folder.
    with present.stopped(advice), folders.private(folder, beside=True) as work:
        if data:
            trial = flow.test_set(design.block, design.cfg, data, work, images, target)
            options["environment"] = trial.environment
        with present.working(f"simulating {name}"):
            if layer:
                cfg, _, packed = flow.layer(design.block, weights, inputs, work)
                design, options = Design(design.block, cfg), options | packed
            report = design.simulate(work, **options)
        extra = trial.judge() if trial else {}
    extra = {
        key: value.replace(str(work), str(folder)) if isinstance(value, str) else value
        for key, value in extra.items()
    }
    result = {"tests": report.tests, "compared": report.compared, **report.records, **extra}
    if json:
        files = {"log": str(folder.resolve() / "sim" / report.log.name)}
        files |= {"waves": str(folder.resolve() / "sim" / report.waves.name)} if waves else {}
        present.as_json({"block": name, "config": design.cfg.to_dict(), **result, **files})
        return
    present.line(f"{name}: {report.tests} tests passed, {report.compared:,} values equal the model")
    if report.records or extra:
        present.pairs("", {**report.records, **extra})
    if report.waves:
        waveform = folder / "sim" / report.waves.name
        present.line(f"{waveform}: a waveform, for GTKWave or Surfer (gtkwave FILE, surfer FILE)")
