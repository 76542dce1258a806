"""The convnet for Fashion-MNIST under structures of its weights, once each.

It begins with the network of 8 bits that comes with nomul, and goes on under each structure.
"""

from typing import Any

import torch

from nomul.golden.arrays import Ints
from nomul.golden.network import Conv2d, Dense, Network
from nomul.golden.network.examples import example
from nomul.train.networks.lift import lift
from nomul.train.networks.structures import BITS, Case, Projection
from nomul.train.networks.study import CALIBRATION, accuracy, data_of
from nomul.train.networks.tune import Tuned, tune

NETWORK = "fashion-convnet-int8"
CASES = (
    Case("dense", 4),
    Case("permdiag", 4),
    Case("circulant", 4),
    Case("pow2basis", 2),
    Case("1:M", 4),
)
EPOCHS = 1
EVERY = 10
RATE = 1e-3


def run(case: Case, seed: int) -> dict[str, Any]:
    """Train one case, and return its record: accuracies on the test set, and bits stored."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, net = data_of("fashion-convnet"), example(NETWORK)
    bits = case.size if case.structure == "dense" else BITS
    projection = Projection(case)
    plain = case.structure == "dense"
    calibration = data.x[:CALIBRATION]
    tuned = Tuned(lift(net), calibration, bits, BITS, None if plain else projection)
    imposed = accuracy(tuned.network(), data)
    x, labels = torch.from_numpy(data.x), torch.from_numpy(data.labels)
    tune(tuned, x, labels, EPOCHS, RATE, seed=seed, every=EVERY, relative=True)
    found = tuned.network()
    return {
        "structure": case.structure,
        "size": case.size,
        "seed": seed,
        "float": accuracy(net, data),
        "imposed": imposed,
        "tuned": accuracy(found, data),
        "weights": found.weights,
        "bits": sum(projection.bits(w) for w in matrices(found)),
    }


def matrices(net: Network) -> list[Ints]:
    """Return the weights of a network's layers as matrices int64[inputs, outputs]."""
    found = []
    for layer in net.layers:
        if isinstance(layer, Dense):
            found.append(layer.w)
        elif isinstance(layer, Conv2d):
            found.append(layer.w.reshape(len(layer.w), -1).T)
    return found
