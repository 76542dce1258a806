"""Networks fine-tuned under a structure of their weights, beside rivals of equal storage.

A perceptron for digits is trained in real numbers, and then on with 8 bits while each layer is
projected to what a member of the products' family holds, with scales that follow the weights that
are left, and one gradient for weights that are one value. Rivals are N:M masks of equal density,
fewer bits per weight, and a narrower network whose plain weights take as many bits; all train as
long.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from nomul.golden import circulant, epitome, network, permdiag, pow2basis
from nomul.golden.arrays import Ints
from nomul.golden.network import Conv2d, Dense, Network
from nomul.golden.network.reals import Graph
from nomul.golden.spimc.config import bits_for
from nomul.train.networks import prototypes
from nomul.train.networks.export import to_onnx
from nomul.train.networks.study import CALIBRATION, Data, accuracy, accuracy_of_module, data_of, fit
from nomul.train.networks.tune import Tuned, tune

SIZES = (64, 64, 32, 10)
EPOCHS = 80
TUNING = 60
EVERY = 2  # steps from one projection to the next
RATE = 8e-3
BITS = 8
# What records of every network depend on.
METHOD = {
    "bits": BITS,
    "method": "scales follow, gradients are shared",
    "tables": [prototypes.LENGTH, prototypes.SOFTNESS],
}


@dataclass(frozen=True)
class Case:
    """A structure in one size.

    Attributes
    ----------
    structure
        What the weights are.
    size
        p, k, M, bits, of pow2basis the outputs of which one is kept, of pq the elements of a
        subvector by its prototypes, or the factor by which storage is smaller.
    """

    structure: str
    size: int


CASES = (
    Case("dense", 8),
    Case("dense", 4),
    Case("dense", 2),
    *(Case("permdiag", p) for p in (4, 8, 16)),
    *(Case("permdiag, chosen", p) for p in (4, 8, 16)),
    *(Case("circulant", k) for k in (4, 8, 16)),
    *(Case("pow2basis", part) for part in (1, 2, 4, 8)),
    *(Case("pq", share) for share in (1, 2, 4)),
    *(Case("epitome", factor) for factor in (4, 8, 16)),
    *(Case("1:M", m) for m in (4, 8, 16)),
    *(Case("narrower", factor) for factor in (4, 8, 16)),
)


class Projection:
    """Projects weights of any shape to a case's structure, and counts what they are stored in.

    Where a method goes on from what it found before, it does so for each layer.
    """

    def __init__(self, case: Case):
        self.case = case
        self.before: dict[tuple[int, ...], pow2basis.Packed] = {}
        self.chosen: dict[tuple[int, ...], permdiag.Config] = {}

    def __call__(self, w: Ints) -> Ints:
        """Return the nearest weights int64[inputs, outputs] of the structure that was found."""
        match self.case.structure:
            case "permdiag":
                return permdiag.project(_diagonals(w.shape, self.case.size), w)
            case "permdiag, chosen":
                return permdiag.project(self._chosen(w), w)
            case "epitome":
                cfg, entries = _patches(w.shape, self.case.size)
                e = epitome.project(cfg, w, entries)
                return epitome.weights(cfg, e, entries, len(w))
            case "circulant":
                return circulant.project(_circulants(w.shape, self.case.size), w)
            case "1:M":
                return nearest_of(w, self.case.size)
        return self._based(w)

    def _chosen(self, w: Ints) -> permdiag.Config:
        """Return shifts that keep the most of the first weights of this shape."""
        if w.shape not in self.chosen:
            self.chosen[w.shape] = permdiag.best(_diagonals(w.shape, self.case.size), w)[0]
        return self.chosen[w.shape]

    def shares(self, shape: tuple[int, int]) -> Ints | None:
        """Return which stored value each weight is, where several are one."""
        if self.case.structure == "circulant":
            return circulant.shares(_circulants(shape, self.case.size))
        if self.case.structure == "epitome":
            return epitome.shares(*_patches(shape, self.case.size))
        return None

    def _based(self, w: Ints) -> Ints:
        cfg, start = _bases(w.shape), self.before.get(w.shape)
        kept = -(-w.shape[1] // self.case.size)
        found = pow2basis.project(cfg, w, start, None if self.case.size == 1 else kept)
        self.before[w.shape] = pow2basis.compress(cfg, found)
        return np.asarray(found)

    def bits(self, w: Ints) -> int:
        """Return the bits that weights of the structure are stored in, indices included."""
        size = self.case.size
        match self.case.structure:
            case "permdiag":
                return permdiag.compress(_diagonals(w.shape, size), w).bits
            case "permdiag, chosen":
                return permdiag.compress(self._chosen(w), w).bits
            case "epitome":
                cfg, entries = _patches(w.shape, size)
                return cfg.rows * cfg.cols * BITS + len(entries) * cfg.table_bits
            case "circulant":
                return circulant.compress(_circulants(w.shape, size), w).bits
            case "1:M":
                return -(-w.shape[0] // size) * w.shape[1] * (BITS + bits_for(size))
            case "dense":
                return w.size * size
            case "narrower":
                return w.size * BITS
        packed = self.before[w.shape]
        assert np.array_equal(packed.weights(), w)
        return packed.bits


@cache
def _diagonals(shape: tuple[int, int], p: int) -> permdiag.Config:
    return permdiag.Config(inputs=shape[0], outputs=shape[1], p=p)


@cache
def _circulants(shape: tuple[int, int], k: int) -> circulant.Config:
    return circulant.Config(inputs=shape[0], outputs=shape[1], k=k)


@cache
def _bases(shape: tuple[int, int]) -> pow2basis.Config:
    return pow2basis.Config(inputs=shape[0], outputs=shape[1], units=1)


@cache
def _patches(shape: tuple[int, int], factor: int) -> tuple[epitome.Config, list[epitome.Entry]]:
    """Return an epitome of at most so many times fewer cells than weights, and its patches.

    Patches are as wide as it and a quarter as high. Those of other outputs stand elsewhere in its
    rows, or outputs would be equal.
    """
    down, across = {4: (2, 2), 8: (4, 2), 16: (4, 4)}[factor]
    rows, cols = max(1, shape[0] // down), max(1, shape[1] // across)
    count, high = shape[0] * shape[1], max(1, rows // 4)
    cfg = epitome.Config(inputs=shape[0], outputs=shape[1], rows=rows, cols=cols, entries=count)
    entries = epitome.cover(cfg, high, cols, high, 1, high // 2 + 1)
    return cfg.replace(entries=len(entries)), entries


def nearest_of(w: Ints, group: int) -> Ints:
    """Return weights of which the largest of every ``group`` inputs stays, for each output."""
    padded = np.zeros((-(-len(w) // group) * group, w.shape[1]), dtype=np.int64)
    padded[: len(w)] = w
    cut = padded.reshape(-1, group, w.shape[1])
    largest = np.abs(cut).argmax(axis=1)[:, None]
    mask = np.arange(group)[None, :, None] == largest
    return np.asarray((cut * mask).reshape(padded.shape)[: len(w)])


def narrower(factor: int) -> tuple[int, ...]:
    """Return sizes of a perceptron whose weights are at most so many times fewer: as many as fit.

    Of equally large ones the one whose second layer is nearest to half of its first.
    """
    whole = sum(a * b for a, b in pairwise(SIZES))
    fitting = []
    for first in range(2, SIZES[1] + 1):
        for second in range(2, first + 1):
            count = SIZES[0] * first + first * second + second * SIZES[3]
            if count <= whole // factor:
                fitting.append((count, -abs(2 * second - first), first, second))
    *_, first, second = max(fitting)
    return SIZES[0], first, second, SIZES[3]


def perceptron(sizes: tuple[int, ...]) -> nn.Module:
    """Return a perceptron of these sizes, ReLU between layers."""
    parts: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        parts += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def recipe() -> dict[str, Any]:
    """Return what a record depends on, beside its case and seed."""
    return {
        "sizes": SIZES,
        "epochs": EPOCHS,
        "tuning": TUNING,
        "every": EVERY,
        "rate": RATE,
        **METHOD,
    }


def run(case: Case, seed: int) -> dict[str, Any]:
    """Train one case, and return its record: accuracies on the test set, and bits stored."""
    torch.set_num_threads(1)
    data = data_of("digits")
    sizes = narrower(case.size) if case.structure == "narrower" else SIZES
    return tuned(case, data, trained(sizes, seed), TUNING, RATE, seed)


def tuned(
    case: Case, data: Data, begun: tuple[Graph, float], epochs: int, rate: float, seed: int
) -> dict[str, Any]:
    """Train a network of real numbers on under a case's structure, and return its record.

    Parameters
    ----------
    begun
        The network, and its accuracy in real numbers.
    """
    (graph, real), seen = begun, data.x[:CALIBRATION]
    held: Tuned
    if case.structure == "pq":
        length = prototypes.LENGTH
        held = looked = prototypes.Looked(graph, seen, length, length // case.size)

        def judged(net: Network) -> tuple[float, int]:
            tiles = looked.tiles(net)
            right = accuracy(net, data, prototypes.sums(tiles))
            return right, sum(packed.bits for packed in tiles.values())

    else:
        bits = case.size if case.structure == "dense" else BITS
        plain = case.structure in ("dense", "narrower")
        projection = Projection(case)
        project, shares = (None, None) if plain else (projection, projection.shares)
        held = Tuned(graph, seen, bits, BITS, project, shares, follow=True)

        def judged(net: Network) -> tuple[float, int]:
            return accuracy(net, data), sum(projection.bits(w) for w in matrices(net))

    before, _ = judged(held.network())
    x, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)
    tune(held, x, labels, epochs, rate, seed=seed, every=EVERY, relative=True)
    net = held.network()
    after, stored = judged(net)
    return {
        "structure": case.structure,
        "size": case.size,
        "seed": seed,
        "float": real,
        "imposed": before,
        "tuned": after,
        "weights": net.weights,
        "bits": stored,
    }


def matrices(net: Network) -> list[Ints]:
    """Return the weights of a network's layers as matrices int64[inputs, outputs]."""
    kinds = Dense | Conv2d
    return [prototypes.matrix(net, n) for n, one in enumerate(net.layers) if isinstance(one, kinds)]


@cache
def trained(sizes: tuple[int, ...], seed: int) -> tuple[Graph, float]:
    """Return a perceptron trained on digits as a graph in real numbers, and its accuracy."""
    data: Data = data_of("digits")
    torch.manual_seed(seed)
    net = perceptron(sizes)
    fit(net, data, EPOCHS, seed=seed)
    return network.read(to_onnx(net, data.x[:2])), accuracy_of_module(net, data)
