"""Accuracy of networks trained with ESSOP in the loop: a sweep that can be stopped and resumed."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from nomul.golden import bitstream
from nomul.train import digits
from nomul.train.essop import Unit, convnet, mlp, resnet32

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True)
class Split:
    """Images float32[n, ...] and labels int64[n], for training and for test."""

    x: Tensor
    labels: Tensor
    x_test: Tensor
    labels_test: Tensor


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: plain stochastic gradient descent."""

    build: Callable[[Unit | None], nn.Sequential]
    epochs: int
    batch: int
    rate: float
    sources: tuple[str, ...]
    stream_bits: tuple[int, ...]
    seeds: int


RECIPES = {
    "mlp": Recipe(mlp, 20, 32, 0.1, bitstream.SOURCES, (1, 2, 4, 8, 16, 32), 5),
    "convnet": Recipe(convnet, 2, 32, 0.1, ("lfsr", "vdc_xor", "sobol_xor"), (4, 8, 16), 3),
    "resnet32": Recipe(resnet32, 160, 128, 0.1, ("vdc_xor",), (16,), 1),
}


@dataclass(frozen=True)
class Point:
    """One training run. ``source`` "fp32" means exact gradients, and then BL is 0."""

    network: str
    source: str
    stream_bits: int
    seed: int
    images: int


def points(network: str, images: int, seeds: int | None = None) -> Iterator[Point]:
    """Return the runs of a network's sweep, exact gradients first, all seeds of a setting together.

    Raises
    ------
    ValueError
        There is no such network.
    """
    if network not in RECIPES:
        raise ValueError(f"there is no network {network!r}; there are {', '.join(RECIPES)}")
    recipe = RECIPES[network]
    settings = [("fp32", 0)]
    settings += [(source, bits) for bits in recipe.stream_bits for source in recipe.sources]
    for source, bits in settings:
        for seed in range(recipe.seeds if seeds is None else seeds):
            yield Point(network, source, bits, seed, images)


def load(network: str, path: Path | None = None, images: int | None = None) -> Split:
    """Return the images that a network learns: digits, Fashion-MNIST, or CIFAR-10 from ``path``.

    Parameters
    ----------
    network
        One of :data:`RECIPES`.
    path
        Folder of the data set; for ``convnet`` Debian's ``dataset-fashion-mnist`` if None.
    images
        How many to train on; all if None.

    Raises
    ------
    FileNotFoundError
        With what to install or to give.
    """
    if network == "mlp":
        data = digits.load(seed=0)
        arrays = data.x, data.labels, data.x_test, data.labels_test
    elif network == "convnet":
        arrays = _idx_folder(path or FASHION_MNIST)
    else:
        if path is None:
            raise FileNotFoundError("resnet32 learns CIFAR-10: give its python version with --data")
        arrays = _cifar10(path)
    x, labels, x_test, labels_test = (torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
    return Split(x.float()[:images], labels[:images], x_test.float(), labels_test)


def _idx_folder(folder: Path) -> tuple[NDArray[Any], ...]:
    """Read the four IDX files of an MNIST-like data set: images scaled to 0..1, and labels."""
    arrays: list[NDArray[Any]] = []
    for part in ("train", "t10k"):
        for kind, offset in (("images-idx3", 16), ("labels-idx1", 8)):
            file = folder / f"{part}-{kind}-ubyte.gz"
            if not file.exists():
                raise FileNotFoundError(
                    f"{file} is not there; apt-get install dataset-fashion-mnist, or give --data"
                )
            raw = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=offset)
            is_image = kind.startswith("images")
            shaped = raw.reshape(-1, 1, 28, 28) / np.float32(255) if is_image else raw
            arrays.append(shaped if is_image else shaped.astype(np.int64))
    return tuple(arrays)


def _cifar10(folder: Path) -> tuple[NDArray[Any], ...]:
    """Read the five training batches and the test batch of CIFAR-10's python version."""
    import pickle

    def batch(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        file = folder / name
        if not file.exists():
            raise FileNotFoundError(f"{file} is not there; --data names the unpacked folder")
        with file.open("rb") as stream:
            content = pickle.load(stream, encoding="bytes")
        images = np.asarray(content[b"data"], np.float32).reshape(-1, 3, 32, 32) / 255
        return images, np.asarray(content[b"labels"], np.int64)

    parts = [batch(f"data_batch_{n}") for n in range(1, 6)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return images, labels, *batch("test_batch")


def train(point: Point, data: Split, epochs: int | None = None) -> dict[str, Any]:
    """Train one network and return its point with ``accuracy``, ``loss`` and ``seconds``.

    The seed sets initial weights, order of the images and the registers of the sources.
    """
    recipe = RECIPES[point.network]
    torch.manual_seed(point.seed)
    exact = point.source == "fp32"
    unit = None if exact else Unit(point.source, point.stream_bits, point.seed)
    net = recipe.build(unit)
    optimiser = torch.optim.SGD(net.parameters(), lr=recipe.rate)
    start = time.perf_counter()
    for _ in range(recipe.epochs if epochs is None else epochs):
        net.train()
        for chosen in torch.randperm(len(data.x)).split(recipe.batch):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(data.x[chosen]), data.labels[chosen])
            loss.backward()
            optimiser.step()
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
    done = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        done[Point(*(row[name] for name in Point.__dataclass_fields__))] = row
    return done


def sweep(
    todo: list[Point], data: Split, file: Path, advance: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Train every point that ``file`` does not hold yet, appending each as one line of JSON.

    A run that is stopped goes on where it was; ``advance`` is called after every point.
    """
    done = finished(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and not file.read_bytes().endswith(b"\n"):
        with file.open("a") as stream:
            stream.write("\n")  # after a line that a kill cut off
    rows = []
    # The matrices are small: a second thread costs more than it brings.
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for point in todo:
            if point not in done:
                done[point] = train(point, data)
                with file.open("a") as stream:
                    stream.write(json.dumps(done[point]) + "\n")
            rows.append(done[point])
            advance()
    return rows


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per setting: accuracy in percent, mean and standard deviation over seeds."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["network"], row["source"], row["stream_bits"]), []).append(row)
    table = []
    for (network, source, bits), members in groups.items():
        accuracy = 100 * np.array([row["accuracy"] for row in members])
        table.append(
            {
                "network": network,
                "source": source,
                "BL": bits,
                "seeds": len(members),
                "accuracy": float(accuracy.mean()),
                "spread": float(accuracy.std(ddof=1)) if len(members) > 1 else 0.0,
                "seconds": float(np.mean([row["seconds"] for row in members])),
            }
        )
    return table
