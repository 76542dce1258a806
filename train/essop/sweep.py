"""Accuracy of networks trained with ESSOP in the loop: a sweep that can be stopped and resumed."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from threadpoolctl import threadpool_limits
from torch import nn

from nomul import ledger
from nomul.golden import bitstream
from nomul.train.essop.data import Split, moved
from nomul.train.essop.layers import Unit, convnet, mlp, resnet32
from nomul.version import __version__


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: stochastic gradient descent, and over what the sweep goes.

    Attributes
    ----------
    build
        Makes the network around a unit, or with exact gradients.
    epochs, batch, rate
        Of the descent.
    sources, stream_bits, seeds
        The settings of the sweep, and runs per setting.
    momentum, decay
        Of the descent.
    drops
        Epochs after which the rate falls to a tenth.
    shifted
        Whether training images are mirrored and moved by up to four pixels at random.
    threads
        Threads to compute with, 0 for the library's choice. Matrices of a small network are so
        small that a second thread costs more than it brings, and much more on a busy machine.
    """

    build: Callable[[Unit | None], nn.Sequential]
    epochs: int
    batch: int
    rate: float
    sources: tuple[str, ...]
    stream_bits: tuple[int, ...]
    seeds: int
    momentum: float = 0.0
    decay: float = 0.0
    drops: tuple[int, ...] = ()
    shifted: bool = False
    threads: int = 1


# ResNet-32 as He et al. (2016, section 4.2) train it on CIFAR-10, for 64,000 steps or 164 epochs.
RECIPES = {
    "mlp": Recipe(mlp, 20, 32, 0.1, bitstream.SOURCES, (1, 2, 4, 8, 16, 32), 5),
    "convnet": Recipe(convnet, 2, 32, 0.1, ("lfsr", "vdc_xor", "sobol_xor"), (4, 8, 16), 3),
    "resnet32": Recipe(
        *(resnet32, 164, 128, 0.1, ("vdc_xor",), (16,), 1),
        momentum=0.9,
        decay=1e-4,
        drops=(82, 123),
        shifted=True,
        threads=0,
    ),
}


@dataclass(frozen=True)
class Point:
    """One training run. ``source`` "fp32" means exact gradients, and then BL is 0."""

    network: str
    source: str
    stream_bits: int
    seed: int
    images: int


def recipe(network: str) -> Recipe:
    """Return how a network is trained; raise ValueError with the names there are for another."""
    if network not in RECIPES:
        raise ValueError(f"there is no network {network!r}; there are {', '.join(RECIPES)}")
    return RECIPES[network]


def points(network: str, images: int, seeds: int | None = None) -> Iterator[Point]:
    """Return the runs of a network's sweep, exact gradients first, all seeds of a setting together.

    Raises
    ------
    ValueError
        There is no such network.
    """
    how = recipe(network)
    settings = [("fp32", 0)]
    settings += [(source, bits) for bits in how.stream_bits for source in how.sources]
    for source, bits in settings:
        for seed in range(how.seeds if seeds is None else seeds):
            yield Point(network, source, bits, seed, images)


def train(point: Point, data: Split, epochs: int | None = None) -> dict[str, Any]:
    """Train one network and return its point with ``accuracy``, ``loss`` and ``seconds``.

    The seed sets initial weights, order of the images and the registers of the sources.
    """
    how = recipe(point.network)
    with _threads(how.threads):
        return _train(point, data, how, how.epochs if epochs is None else epochs)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with this many threads, or with the library's choice if 0."""
    if not count:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def _train(point: Point, data: Split, how: Recipe, epochs: int) -> dict[str, Any]:
    torch.manual_seed(point.seed)
    exact = point.source == "fp32"
    unit = (
        None if exact else Unit(cast(bitstream.Source, point.source), point.stream_bits, point.seed)
    )
    net = how.build(unit)
    optimiser = torch.optim.SGD(
        net.parameters(), lr=how.rate, momentum=how.momentum, weight_decay=how.decay
    )
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, how.drops)
    start = time.perf_counter()
    for _ in range(epochs):
        net.train()
        for chosen in torch.randperm(len(data.x)).split(how.batch):
            optimiser.zero_grad()
            x = moved(data.x[chosen]) if how.shifted else data.x[chosen]
            loss = nn.functional.cross_entropy(net(x), data.labels[chosen])
            loss.backward()
            optimiser.step()
        schedule.step()
    seconds = time.perf_counter() - start
    net.eval()
    with torch.no_grad():
        logits = torch.cat([net(part) for part in data.x_test.split(1000)])
    return {
        **asdict(point),
        "accuracy": float((logits.argmax(dim=1) == data.labels_test).double().mean()),
        "loss": float(nn.functional.cross_entropy(logits, data.labels_test)),
        "seconds": round(seconds, 2),
    }


def finished(file: Path) -> dict[Point, dict[str, Any]]:
    """Return the runs that a result file already holds; a line cut off by a kill is dropped."""
    rows = ledger.Lines(file).read()
    return {Point(*(row[name] for name in Point.__dataclass_fields__)): row for row in rows}


def sweep(
    todo: list[Point], data: Split, file: Path, advance: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Train every point that ``file`` does not hold yet, appending each as one line of JSON.

    A run that is stopped goes on where it was; ``advance`` is called after every point.
    """
    store = ledger.Lines(file)
    images = {n: ledger.digest(part.contiguous().numpy().data) for n, part in vars(data).items()}
    rows = []
    for point in todo:
        how = recipe(point.network)
        about = {
            "point": asdict(point),
            "recipe": asdict(how) | {"build": how.build.__name__},
            "data": images,
            "tools": {"nomul": __version__, "torch": torch.__version__},
        }
        rows.append(ledger.kept(store, about, partial(train, point, data)))
        advance()
    return rows


def record(network: str, rows: list[dict[str, Any]], file: Path, command: str) -> None:
    """Write all runs of a sweep as one JSON document, with what made them, a run per line."""
    how = recipe(network)
    about = {
        "command": command,
        "network": network,
        "images": rows[0]["images"],
        "epochs": how.epochs,
        "batch": how.batch,
        "rate": how.rate,
        "tools": {name: version(name) for name in ("nomul", "numpy", "torch")},
    }
    names = ("source", "stream_bits", "seed", "accuracy", "loss")
    runs = [json.dumps({name: _rounded(row[name]) for name in names}) for row in rows]
    head = json.dumps(about, indent=1).removesuffix("\n}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(head + ',\n "runs": [\n  ' + ",\n  ".join(runs) + "\n ]\n}\n")


def _rounded(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value
