"""What networks of look-up tables can do besides: be trained, and run on a test set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nomul import present
from nomul.options import AsJson, Seed

if TYPE_CHECKING:
    from nomul.golden.lutnet import Config


def train(
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
    name, what = to_train(preset, data)
    chosen = list(range(seed, seed + seeds))
    epochs = what.recipe.epochs * (1 if seeds == 1 else 2 * seeds)
    with present.counting(f"training {name}, epochs", epochs) as advance:
        result = train_network(name, out, folder, chosen, lambda _: advance())
    if json:
        present.as_json(result)
        return
    present.pairs("", result)


def train_network(
    preset: str | None,
    out: Path,
    folder: Path | None = None,
    seeds: Sequence[int] = (1,),
    advance: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Train a network, save it, and return its file, tables and accuracies.

    An interrupted run goes on from what it left beside ``out``. Of several seeds that which is best
    on images held out of the training set is kept.

    Raises
    ------
    ValueError
        There is no such preset.
    FileNotFoundError
        The data set is not installed.
    """
    from nomul.train import lutnet

    name, what = to_train(preset)
    data = lutnet.load(what.data, folder or lutnet.FASHION)
    out.parent.mkdir(parents=True, exist_ok=True)
    if len(seeds) > 1:
        runs = out.with_name(f"{out.name}.runs")
        trained = lutnet.choose(what, data, list(seeds), runs, advance)
    else:
        checkpoint = out.with_name(f"{out.name}.pt")
        trained = lutnet.train(what, data, seeds[0], checkpoint=checkpoint, advance=advance)
    trained.network.about["preset"] = name
    trained.network.save(out)
    return {
        "file": str(out),
        "data": what.data,
        "tables": trained.network.n_tables,
        "accuracy, training": round(trained.accuracy_train, 4),
        "accuracy, test": round(trained.accuracy, 4),
        **{
            f"seeds, {split}": ", ".join(map(str, trained.network.about[split]))
            for split in ("validation", "test")
            if len(seeds) > 1
        },
    }


def to_train(preset: str | None, data: str | None = None) -> tuple[str, Any]:
    """Return the name of what is to be trained, and the preset itself.

    Raises
    ------
    ValueError
        There is no such preset, or data set.
    """
    from nomul.train import lutnet

    presets = {n: p for n, p in lutnet.PRESETS.items() if data in (None, p.data)}
    if not presets:
        raise ValueError(f"data must be one of digits, fashion-mnist, not {data!r}")
    name = preset or next(iter(presets))
    if name not in presets:
        raise ValueError(f"there is no {name!r} to train; there are {', '.join(presets)}")
    return name, presets[name]


def test_set(cfg: "Config", name: str, folder: Path, images: int | None) -> dict[str, Any]:
    """Write a test set where a bench finds it, and return that and the model's accuracy on it.

    With ``images`` it is the first so many of the set.

    Raises
    ------
    ValueError
        There is no such data set, it does not fit the network, or no image is asked for.
    """
    if images is not None and images < 1:
        raise ValueError(f"images must be at least 1, not {images}")
    import numpy as np

    from nomul.golden import lutnet
    from nomul.train import data

    test = data.load(name)
    x, labels = cfg.codes(test.x_test[:images]), test.labels_test[:images]
    right = lutnet.predict(cfg.load(), x) == labels
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / "stimuli.npz").resolve()
    np.savez(path, x=x)
    return {"stimuli": str(path), "samples": len(right), "accuracy": round(float(right.mean()), 4)}
