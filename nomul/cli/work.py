"""Commands that work for hours, or on files: training, verification, packing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import flow, present, registry
from nomul.cli.options import AsJson, Name, Out, Seed, Settings


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
        str | None,
        typer.Option(help="Train a study instead: density, fashion, start, levels, tiles."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Train a network of look-up tables on the CPU, and save it.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    if study is not None:
        from nomul.train.lutnet import cases
        from nomul.train.lutnet import study as lutnet_study

        file = Path("build", "train", f"lutnet_{study}.jsonl")
        with present.counting(f"studying {study}", len(cases.cases(study))) as advance:
            networks = file.with_suffix(".npz")
            lines = lutnet_study.study(study, file, networks=networks, advance=advance)
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
    from nomul.experiments.essop import training
    from nomul.train.essop import data as essop_data
    from nomul.train.essop import sweep

    sweep.recipe(network)
    split = essop_data.load(network, data, images)
    todo = list(sweep.points(network, len(split.x), seeds))
    file = out or Path("build", "train", f"essop-{network}.jsonl")
    with present.counting(f"training {network}", len(todo)) as advance:
        runs = sweep.sweep(todo, split, file, advance)
    if record is not None:
        given = {"--network": network, "--images": images, "--seeds": seeds}
        words = [f"{name} {value}" for name, value in given.items() if value is not None]
        sweep.record(network, runs, record, f"nomul train essop {' '.join(words)}")
    rows = training.summary(runs)
    if json:
        present.as_json(rows)
        return
    present.table("", list(rows[0]), [list(row.values()) for row in rows])


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
