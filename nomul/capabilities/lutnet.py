"""What networks of look-up tables can do besides: be trained, and run on a test set.

One file, since a third of it is the declaration of options of two commands.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nomul import present
from nomul.capabilities import trials
from nomul.flow.results import Question, Trial
from nomul.options import AsJson, Seed

if TYPE_CHECKING:
    from nomul.block import Rival
    from nomul.golden.arrays import Ints
    from nomul.golden.lutnet import Config

# How features of a user's own samples become codes, where nobody says.
BITS, EDGES = 4, "quantile"

GOES_ON = "the same command goes on after the last whole epoch"


def train(
    preset: Annotated[
        str | None, typer.Option(help="Network to train, by name; the first one if not given.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Own samples, .csv, .npz, .npy or .parquet; or the set of a preset: digits, "
            "fashion-mnist."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Column of own samples that holds the classes.")
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="SHARE|FILE", help="Own samples kept for the test; 0.2 if none."),
    ] = None,
    luts: Annotated[
        int | None, typer.Option(help="Most look-up tables for own samples; 500 if not given.")
    ] = None,
    bits: Annotated[
        int, typer.Option(help="Number of bits of a feature's code, for own samples.")
    ] = BITS,
    edges: Annotated[
        str,
        typer.Option(help="Way to choose where codes of own samples change: quantile or uniform."),
    ] = EDGES,
    epochs: Annotated[
        int | None, typer.Option(help="Number of passes over own samples; 8 to 60 if not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File of the network to write, .json or .npz.")] = Path(
        "build/net.npz"
    ),
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the IDX files of Fashion-MNIST.")
    ] = None,
    seed: Seed = 1,
    seeds: Annotated[
        int,
        typer.Option(
            help="Number of networks to train; the best on held-out training images is kept."
        ),
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
    if data is not None and Path(data).suffix:
        if preset is not None or seeds != 1:
            raise ValueError("--preset and --seeds are for the data sets that presets name")
        luts = 500 if luts is None else luts
        about = Own(data=Path(data), target=target, test=test, luts=luts, bits=bits, edges=edges)
        result = train_own(about, out, seed, epochs)
        present.as_json(result) if json else present.pairs("", result)
        return
    own = {"--target": target, "--test": test, "--luts": luts, "--epochs": epochs}
    own |= {"--bits": None if bits == BITS else bits, "--edges": None if edges == EDGES else edges}
    for option, value in own.items():
        if value is not None:
            raise ValueError(f"{option} is for a file of samples, not for {data or 'a preset'}")
    name, what = to_train(preset, data)
    chosen = list(range(seed, seed + seeds))
    epochs = what.recipe.epochs * (1 if seeds == 1 else 2 * seeds)
    bar = present.counting(f"training {name}, epochs", epochs)
    with present.stopped(GOES_ON), bar as advance:
        result = train_network(name, out, folder, chosen, lambda _: advance())
    if json:
        present.as_json(result)
        return
    present.pairs("", result)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Own:
    """A user's samples, and what network is wanted for them: see :func:`nomul.train.fit`."""

    data: Path
    target: str | None
    test: str | None
    luts: int
    bits: int
    edges: str


def train_own(own: Own, out: Path, seed: int, epochs: int | None) -> dict[str, Any]:
    """Train a network on a user's samples, save it, and return its file, size and accuracies.

    An interrupted run goes on from what it left beside ``out``.

    Raises
    ------
    ValueError
        The samples cannot be read, or a parameter is out of its range.
    """
    from nomul import train
    from nomul.runs import folders
    from nomul.train import samples, sheets
    from nomul.train.fitted import default_epochs

    if own.target is None:
        raise ValueError("--data with a file needs --target, the column that holds the classes")
    whole = samples.load(own.data, own.target)
    if len(whole.classes) < 2:
        raise ValueError(
            f"{own.data.name}: target {own.target!r} must hold at least 2 classes, not "
            f"{whole.classes[0]!r} alone"
        )
    share = sheets.number(own.test or "0.2")
    if share is None:
        rest = whole
        held = samples.load(Path(str(own.test)), own.target, whole.columns, whole.classes)
    else:
        rest, held = whole.split(share, seed)
    folders.writable(out.parent)
    epochs = default_epochs(len(rest.labels)) if epochs is None else epochs
    bar = present.counting(f"training on {own.data.name}, epochs", epochs)
    with present.stopped(GOES_ON), bar as advance:
        fitted = train.fit(
            *(rest.x, rest.labels),
            luts=own.luts,
            bits=own.bits,
            edges=own.edges,
            epochs=epochs,
            seed=seed,
            checkpoint=out,
            advance=lambda _: advance(),
        )
    network = fitted.network
    network.about |= {
        "data": own.data.name,
        "target": own.target,
        "columns": [column.to_dict() for column in whole.columns],
        "classes": [whole.classes[i] for i in fitted.classes],
    }
    network.save(out)
    return {
        "file": str(out),
        "samples, training": len(rest.labels),
        "samples, test": len(held.labels),
        "classes": len(fitted.classes),
        "tables": network.n_tables,
        "LUTs, estimated": fitted.luts,
        "accuracy, training": round(fitted.score(rest.x, rest.labels), 4),
        "accuracy, test": round(fitted.score(held.x, held.labels), 4),
    }


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
    from nomul.runs import folders
    from nomul.train import lutnet

    name, what = to_train(preset)
    data = lutnet.load(what.data, folder or lutnet.FASHION)
    folders.writable(out.parent)
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
        raise ValueError(f"data must be a file, or one of digits, fashion-mnist, not {data!r}")
    name = preset or next(iter(presets))
    if name not in presets:
        raise ValueError(f"there is no {name!r} to train; there are {', '.join(presets)}")
    return name, presets[name]


def rivals(name: str) -> "list[Rival]":
    """Return the networks that come with nomul and were trained on a data set."""
    from nomul.block import Rival
    from nomul.golden import lutnet
    from nomul.train import data

    found = []
    for preset in lutnet.Config.presets:
        cfg = lutnet.Config.preset(preset)
        network = cfg.load()
        if network.about.get("data") != name:
            continue
        test = data.load(name)
        x = cfg.codes(test.x_test)
        right = lutnet.predict(network, x) == test.labels_test
        tables: list[Any] = [layer for layer in network.layers if hasattr(layer, "tt")]
        found.append(
            Rival(
                preset=preset,
                accuracy=float(right.mean()),
                bits=sum(len(layer.tt) << layer.k for layer in tables),
                weights=network.n_tables,
                x=x,
            )
        )
    return found


def test_set(
    cfg: "Config", name: str, folder: Path, images: int | None, target: str | None
) -> Trial:
    """Return the trial of a file of samples with its ``target``, or of digits or fashion-mnist.

    See :mod:`nomul.capabilities.trials`.

    Raises
    ------
    ValueError
        There is no such data set, it does not fit the network, or no sample is asked for.
    """
    import numpy as np

    from nomul.golden import lutnet
    from nomul.train import data

    network = cfg.load()
    if Path(name).suffix:
        if target is None:
            raise ValueError("--data with a file needs --target, the column that holds the classes")
        codes, labels, classes = own_test_set(cfg, Path(name), target)
    else:
        test = data.load(name)
        codes, labels = cfg.codes(test.x_test), test.labels_test
        classes = tuple(map(str, range(test.classes)))
    codes, labels = codes[:images], labels[:images]
    modelled = lutnet.predict(network, codes)
    told = trials.environment(folder, codes)

    def judge() -> dict[str, Any]:
        given = trials.answered(told)
        if given.shape[1] > 1:
            simulated = given.argmax(axis=1)
        else:  # a class, or the score of class 1 against class 0
            chosen = isinstance(network.layers[-1], lutnet.Argmax)
            simulated = given[:, 0] if chosen else (given[:, 0] > 0).astype(np.int64)
        found = trials.accuracies(simulated, modelled, labels)
        table = folder / "answers.csv"
        _write_answers(table, classes, labels, modelled, simulated)
        return {**found, "answers": str(table)}

    return Trial(told, judge)


def narrow(cfg: "Config") -> tuple[Any, str] | None:
    """Return the network fed code by code, and its bench; None if no encoder comes first."""
    from nomul.golden.lutnet import Thermometer
    from nomul.hw.lutnet.serial import Serial

    network = cfg.load()
    if not isinstance(network.layers[0], Thermometer) or network.tiled:
        return None
    return Serial(cfg), "nomul.sim.lutnet.serial"


def predict(cfg: "Config", x: Any, words: Mapping[str, Any]) -> Question:
    """Return the question of samples x[n, features] to a board; a word is one sample.

    Raises
    ------
    ValueError
        The samples do not fit the network.
    """
    import numpy as np

    from nomul.golden.lutnet import model

    network, codes = cfg.load(), cfg.codes(x)
    model(cfg, codes[:1])  # refuses what does not fit
    sent = [words["x"].pack(x=row) for row in codes.tolist()]
    names = network.about.get("classes")
    (lanes,) = words["y"].fields.keys() - {"last"}

    def classes(answers: Mapping[str, Sequence[int]]) -> Any:
        y = np.array([words["y"].unpack(lanes, word) for word in answers["y"]], dtype=np.int64)
        y = y.reshape(len(y), words["y"].fields[lanes]["count"])
        if "scale" in network.about:  # of a regression
            return y[:, 0] * network.about["scale"] + network.about["offset"]
        if y.shape[1] > 1:
            chosen = y.argmax(axis=1)
        else:
            numbers = network.layers[-1].kind == "argmax"
            chosen = y[:, 0] if numbers else (y[:, 0] > 0).astype(np.int64)
        return np.array(names)[chosen] if names else chosen

    return Question({"x": sent}, {"y": len(sent)}, classes)


def own_test_set(cfg: "Config", file: Path, target: str) -> tuple["Ints", "Ints", tuple[str, ...]]:
    """Return codes, labels and names of the classes of a user's samples, as the network has them.

    Raises
    ------
    ValueError
        The samples do not fit the network.
    """
    import numpy as np

    from nomul.golden.lutnet import Network, predict
    from nomul.train import samples

    network = cfg.load()
    if Path(cfg.network).is_file():
        network = Network.load(cfg.network)
    columns = [samples.Column.from_dict(values) for values in network.about.get("columns", [])]
    classes = tuple(network.about.get("classes", ()))
    if not classes:  # numbers of the network's outputs
        scores = network.lanes[len(network.body)].count
        classes = tuple(map(str, range(max(2, scores))))
    found = samples.load(file, target, columns, classes)
    if found.x.shape[1] != network.inputs:
        raise ValueError(
            f"{file.name}: has {found.x.shape[1]} features, the network takes {network.inputs}"
        )
    if network.quantiser is not None:
        return network.quantise(found.x), found.labels, found.classes
    codes = found.x.astype(np.int64)
    wrong = np.argwhere(codes != found.x)
    if len(wrong):
        row, place = (int(i) for i in wrong[0])
        raise ValueError(
            f"{file.name}: row {row + 1}, feature {place} must be an integer code, since the "
            f"network has no quantiser, not {found.x[row, place]}"
        )
    predict(network, codes[:1])  # says what is out of range
    return codes, found.labels, found.classes


def _write_answers(
    path: Path, classes: tuple[str, ...], labels: "Ints", modelled: "Ints", simulated: "Ints"
) -> None:
    """Write one line per sample: its class, the model's answer and the simulated Verilog's."""
    import csv

    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sample", "class", "model", "verilog"))
        for i, row in enumerate(zip(labels, modelled, simulated, strict=True)):
            writer.writerow((i, *(classes[j] for j in row)))
