"""What spiking networks can do besides: be trained, and run on a test set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nomul import present
from nomul.capabilities import trials
from nomul.flow.results import Trial
from nomul.options import AsJson, Seed

if TYPE_CHECKING:
    from nomul.golden.lif import Config


def train(
    preset: Annotated[
        str | None, typer.Option(help="Network that comes with nomul, whose options to take.")
    ] = None,
    data: Annotated[
        str, typer.Option(help="Data set to train on: digits, fashion-mnist, or a file .npz.")
    ] = "digits",
    out: Annotated[Path, typer.Option(help="File of the network to write, .npz.")] = Path(
        "build/lif.npz"
    ),
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the IDX files of Fashion-MNIST.")
    ] = None,
    hidden: Annotated[
        list[int] | None, typer.Option(help="Number of neurons of a hidden layer; may be repeated.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Number of time steps per image.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of passes over the images.")
    ] = None,
    bits: Annotated[
        int | None, typer.Option(min=2, max=16, help="Number of bits of a weight.")
    ] = None,
    reset: Annotated[
        str | None,
        typer.Option(help="Reset of a neuron: subtract, zero, subtract_now, zero_now or none."),
    ] = None,
    seed: Seed = 1,
    json: AsJson = False,
) -> None:
    """Train a spiking network on the integers of the hardware, and save it."""
    from dataclasses import replace

    from nomul.golden.lif import files
    from nomul.runs import folders
    from nomul.train import lif

    samples = lif.load(data, folder or lif.FASHION)
    given: dict[str, Any] = {
        "hidden": tuple(hidden) if hidden else None,
        "steps": steps,
        "epochs": epochs,
        "weight_bits": bits,
        "reset": reset,
        "seed": seed,
    }
    name = preset or data
    if preset is not None and preset not in lif.PRESETS:
        raise ValueError(f"there is no {preset!r} to train; there are {', '.join(lif.PRESETS)}")
    options = lif.PRESETS.get(name, lif.Options())
    options = replace(options, **{n: v for n, v in given.items() if v is not None})
    folders.writable(out.parent)
    bar = present.counting(f"training on {samples.name}, epochs", options.epochs)
    with present.stopped("nothing is kept; --epochs N trains for less"), bar as advance:
        trained = lif.fit(samples, options, advance=lambda _: advance())
    files.save(out, trained.network)
    result = {
        "file": str(out),
        "data": samples.name,
        "accuracy, test": round(trained.accuracy, 4),
        "rates of spikes": ", ".join(f"{rate:.3f}" for rate in trained.rates),
        "seconds": round(trained.seconds, 1),
    }
    present.as_json(result) if json else present.pairs("", result)


def test_set(
    cfg: "Config", name: str, folder: Path, images: int | None, target: str | None
) -> Trial:
    """Return the trial of digits, fashion-mnist, or a file ``.npz`` as training takes it.

    See :mod:`nomul.capabilities.trials`; a file has its labels in an array of its own, and takes no
    ``target``.

    Raises
    ------
    ValueError
        There is no such data set, it does not fit the network, or a target was given.
    """

    from nomul.golden import lif
    from nomul.train import lif as training

    if target is not None:
        raise ValueError("--target is not for lif: its files have an array labels_test")
    test, network = training.load(name), cfg.load()
    if test.x_test.shape[1] != network.inputs:
        raise ValueError(
            f"{name} has {test.x_test.shape[1]} pixels, and the network takes {network.inputs}"
        )
    x, labels = test.x_test[:images], test.labels_test[:images]
    modelled, told = lif.predict(network, x).label, trials.environment(folder, x)
    return Trial(told, lambda: trials.accuracies(trials.answered(told), modelled, labels))
