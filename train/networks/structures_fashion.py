"""The convnet for Fashion-MNIST under structures of its weights, once each.

It begins with the network of 8 bits that comes with nomul, and goes on under each structure. The
rival of equal storage has half of the channels, and is trained from the start.
"""

from functools import cache
from typing import Any

import torch

from nomul.golden import network
from nomul.golden.network.examples import example
from nomul.golden.network.reals import Graph
from nomul.train.networks.export import to_onnx
from nomul.train.networks.lift import lift
from nomul.train.networks.nets import FashionConvnet
from nomul.train.networks.projection import Case
from nomul.train.networks.structures import EVERY, method, tuned
from nomul.train.networks.study import EPOCHS as TRAINING
from nomul.train.networks.study import (
    Data,
    accuracy,
    accuracy_of_module,
    data_of,
    fit,
)

NETWORK = "fashion-convnet-int8"
CASES = (
    Case("dense", 8),
    Case("dense", 4),
    Case("powers of two", 4),
    Case("permdiag", 4),
    Case("circulant", 4),
    Case("pow2basis", 4),
    Case("pq", 1),
    Case("epitome", 4),
    Case("1:M", 4),
    Case("narrower", 4),
)
# Of the narrower network: 7,592 weights for 29,584.
CHANNELS, HIDDEN = (8, 12, 16), 32
EPOCHS = 3
RATE = 2e-3


def recipe(case: Case) -> dict[str, Any]:
    """Return what a record of a case depends on, beside case and seed."""
    return {
        "network": NETWORK,
        "narrower": [CHANNELS, HIDDEN, TRAINING["fashion-convnet"]],
        "epochs": epochs(case),
        "every": EVERY,
        "rate": RATE,
        **method(case),
    }


def run(case: Case, seed: int) -> dict[str, Any]:
    """Train one case, and return its record: accuracies on the test set, and bits stored."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, net = data_of("fashion-convnet"), example(NETWORK)
    begun = narrow(seed) if case.structure == "narrower" else (lift(net), accuracy(net, data))
    return tuned(case, data, begun, epochs(case), RATE, seed)


def epochs(case: Case) -> int:
    """Return how long a case is trained: distances to prototypes take six times as long as sums."""
    return 1 if case.structure == "pq" else EPOCHS


@cache
def narrow(seed: int) -> tuple[Graph, float]:
    """Return a convnet of half of the channels, trained in real numbers, and its accuracy."""
    data: Data = data_of("fashion-convnet")
    torch.manual_seed(seed)
    net = FashionConvnet(CHANNELS, HIDDEN)
    fit(net, data, TRAINING["fashion-convnet"], seed=seed)
    return network.read(to_onnx(net, data.x[:2])), accuracy_of_module(net, data)
