"""The network that is compared, and the data that it is judged by and takes its operands from."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nomul import ledger
from nomul.golden import network
from nomul.golden.arrays import Ints
from nomul.golden.network import Network, examples
from nomul.golden.network.evaluate import Sums

CALIBRATION = 500


@dataclass(frozen=True, eq=False)
class Samples:
    """Real inputs float32[n, ...] and labels int64[n] for test, and for training if there are."""

    name: str
    x_test: Any
    labels_test: Ints
    x: Any = None
    labels: Ints | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A network of integers, and its samples."""

    name: str
    net: Network
    samples: Samples

    @cached_property
    def codes(self) -> Ints:
        """The test set as the network takes it."""
        return self.net.encode(self.samples.x_test)

    @cached_property
    def calibration(self) -> Ints:
        """What tables are fitted to, as the network takes it: samples for training if there are."""
        x = self.samples.x_test if self.samples.x is None else self.samples.x
        return self.net.encode(x[:CALIBRATION])

    @cached_property
    def own_accuracy(self) -> float:
        """The share that the network itself recognises."""
        return self.accuracy(self.net)

    @cached_property
    def digest(self) -> str:
        """What stands for network and test set."""
        parts = [digest_of(self.net), _hash(self.codes), _hash(self.samples.labels_test)]
        return ledger.digest(" ".join(parts))

    @cached_property
    def training(self) -> str:
        """What stands for the samples for training; nothing where there are none."""
        given = self.samples.x, self.samples.labels
        return " ".join(_hash(part) for part in given if part is not None)

    def accuracy(self, net: Network, sums: Mapping[int, Sums] | None = None) -> float:
        """Return the share of the whole test set that a network recognises.

        ``sums`` as for :func:`nomul.golden.network.model`. On one core: threads that wait for each
        other beside other work cost ten times what they bring.
        """
        with _one_core():
            scores = network.model(net, self.codes, sums)
        chosen = scores if scores.ndim == 1 else scores.argmax(axis=1)
        return float((chosen == self.samples.labels_test).mean())


def _one_core() -> AbstractContextManager[object]:
    """Return what holds matrix products to one core, where the package for it is installed."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1)


def load(name: str, data: str, target: str | None = None, training: str | None = None) -> Subject:
    """Return a network and its samples.

    Parameters
    ----------
    name
        A network that comes with nomul, or a file that :func:`nomul.golden.network.load` reads; one
        in real numbers is quantised to 8 bits with samples of the data.
    data
        ``digits``, ``fashion-mnist``, or a file of samples, all of them for test.
    target
        Column of a file's classes.
    training
        A file of the same columns, with samples for calibration and fine-tuning.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such network or data, or they do not fit each other.
    """
    samples = samples_of(data, target, training)
    if name in examples.names():
        net = network.example(name)
    elif not Path(name).suffix:
        known = ", ".join(examples.names())
        raise ValueError(f"network must be a file or one of {known}, not {name!r}")
    else:
        net = _from_file(Path(name), samples)
    have = list(samples.x_test.shape[1:])
    if int(np.prod(have)) != int(np.prod(net.input_shape)):
        raise ValueError(f"{name} takes {list(net.input_shape)}, and samples of {data} are {have}")
    return Subject(Path(name).stem, net, _shaped(samples, net.input_shape))


def _from_file(path: Path, samples: Samples) -> Network:
    if path.suffix == ".npz":
        return network.load(path)
    graph = network.read(path)
    if graph.quantised:
        return network.load(path)
    source = samples.x_test if samples.x is None else samples.x
    return network.load(path, source[:CALIBRATION].reshape(-1, *graph.input_shape))


def samples_of(data: str, target: str | None, training: str | None = None) -> Samples:
    """Return the samples of a data set by name, or of files."""
    from nomul.train import digits, fashion
    from nomul.train import samples as files

    if training is not None and data in ("digits", "fashion-mnist"):
        raise ValueError(f"--train is for samples of files: {data} has its own")
    if data == "digits":
        d = digits.load()
        return Samples(data, _single(d.x_test), d.labels_test, _single(d.x), d.labels)
    if data == "fashion-mnist":
        parts = [fashion.load(part) for part in ("test", "train")]
        test, train = (_single(_single(p.images[:, None]) / np.float32(255)) for p in parts)
        return Samples(data, test, parts[0].labels, train, parts[1].labels)
    if not Path(data).suffix:
        raise ValueError(f"--data must be digits, fashion-mnist or a file, not {data!r}")
    if target is None:
        raise ValueError("--data with a file needs --column, the one that holds the classes")
    found = files.load(Path(data), target)
    if training is None:
        return Samples(Path(data).name, _single(found.x), found.labels)
    # Columns are in the order of the test set, which the network takes; the training set says which
    # values and classes there are.
    train = files.load(Path(training), target)
    place = {column.name: number for number, column in enumerate(found.columns)}
    columns = sorted(train.columns, key=lambda column: place.get(column.name, 0))
    found, train = (
        files.load(Path(name), target, columns, train.classes) for name in (data, training)
    )
    return Samples(Path(data).name, _single(found.x), found.labels, _single(train.x), train.labels)


def _single(x: Any) -> Any:
    return np.asarray(x, dtype=np.float32)


def _shaped(samples: Samples, shape: tuple[int, ...]) -> Samples:
    x = None if samples.x is None else samples.x.reshape(-1, *shape)
    test = samples.x_test.reshape(-1, *shape)
    return Samples(samples.name, test, samples.labels_test, x, samples.labels)


def digest_of(net: Network) -> str:
    """Return what stands for everything that a network computes with."""
    parts = [f"{net.input_shape} {net.input_low} {net.input_high} {net.weight_bits} {net.act_bits}"]
    for layer in net.layers:
        for name, value in sorted(vars(layer).items()):
            parts.append(f"{name} {_hash(value) if isinstance(value, np.ndarray) else value}")
    return ledger.digest(" ".join(parts))


def _hash(array: Any) -> str:
    return ledger.digest(np.ascontiguousarray(array).data)
