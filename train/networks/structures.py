"""Networks fine-tuned under a structure of their weights, beside rivals of equal storage.

A perceptron for digits is trained in real numbers, and then on with 8 bits while each layer is
projected to what a member of the products' family holds, with scales that follow the weights that
are left, and one gradient for weights that are one value. Rivals are N:M masks of equal density,
fewer bits per weight, and a narrower network whose plain weights take as many bits; all train as
long.
"""

from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from nomul.golden import network
from nomul.golden.arrays import Ints
from nomul.golden.network import Conv2d, Dense, Network
from nomul.golden.network.reals import Graph
from nomul.train.networks import prototypes
from nomul.train.networks.export import to_onnx
from nomul.train.networks.projection import BITS, Case, Projection
from nomul.train.networks.settle import SETTLED, settle
from nomul.train.networks.study import CALIBRATION, Data, accuracy, accuracy_of_module, data_of, fit
from nomul.train.networks.tune import Tuned, tune

SIZES = (64, 64, 32, 10)
EPOCHS = 80
TUNING = 60
EVERY = 2  # steps from one projection to the next
RATE = 8e-3
# What records of every network depend on.
METHOD = {
    "bits": BITS,
    "method": "scales follow, gradients are shared",
    "tables": [prototypes.LENGTH, prototypes.SOFTNESS],
}

CASES = (
    Case("dense", 8),
    Case("dense", 4),
    Case("dense", 2),
    Case("powers of two", 4),
    *(Case("permdiag", p) for p in (4, 8, 16)),
    *(Case("permdiag, chosen", p) for p in (4, 8, 16)),
    *(Case("circulant", k) for k in (4, 8, 16)),
    *(Case("pow2basis", part) for part in (1, 2, 4, 8)),
    *(Case("pq", share) for share in (1, 2, 4)),
    *(Case("epitome", factor) for factor in (4, 8, 16)),
    *(Case("1:M", m) for m in (4, 8, 16)),
    *(Case("narrower", factor) for factor in (4, 8, 16)),
)


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


def recipe(case: Case) -> dict[str, Any]:
    """Return what a record of a case depends on, beside case and seed."""
    return {
        "sizes": SIZES,
        "epochs": EPOCHS,
        "tuning": TUNING,
        "every": EVERY,
        "rate": RATE,
        **method(case),
    }


def method(case: Case) -> dict[str, Any]:
    """Return what records of a case in every network depend on."""
    settled = {"begins": "settled", "epitome": "all rows, patches far apart"}
    return METHOD | (settled if case.structure in SETTLED else {})


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
    if case.structure in SETTLED:
        settle(held, seen)
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
