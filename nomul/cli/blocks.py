"""Commands about a block: what it is, its Verilog, its bench."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import flow, present, registry
from nomul.cli.options import (
    AsJson,
    Name,
    Network,
    Out,
    Preset,
    Seed,
    Settings,
    Simulator,
    with_network,
)


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
    cfg = flow.configure(block, preset, with_network(settings, network))
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
        str | None, typer.Option(help="lutnet: compare on a test set, digits or fashion-mnist.")
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="With --data: on so many images, the whole set if absent.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Run a block's Verilog in a simulator, and compare every output with the golden model."""
    block = registry.get(name)
    # The bench runs in another folder, so a path has to be whole.
    cfg = flow.configure(
        block, preset, with_network(settings, network.resolve() if network else None)
    )
    folder = out or flow.default_folder(block, preset)
    options: dict[str, Any] = {"simulator": simulator, "seed": seed, "waves": waves}
    extra = flow.test_set(block, cfg, data, folder, images) if data else {}
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
