"""Training of spiking networks, quantised to the hardware from the first step."""

import dataclasses
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from nomul.golden import lif
from nomul.golden.lif import Layer, Network
from nomul.train.data import Data
from nomul.train.lif.module import Net


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What is trained, and how long.

    Parameters
    ----------
    hidden
        Neurons of the hidden layers.
    steps, coder
        T, and how pixels become spikes.
    weight_bits, threshold, leak, fraction, state_bits, reset, rounding
        Of the hidden layers, as of :class:`nomul.golden.lif.Layer`.
    output_bits
        Bits of the last layer's potentials; it neither leaks nor resets.
    epochs, batch, rate, seed
        Of Adam, with the rate going down by a cosine.
    sparsity
        Weight of the hidden layers' mean rate in the loss.
    dropout
        Share of the inputs that an image loses while training, in all its steps.
    """

    hidden: tuple[int, ...] = (128,)
    steps: int = 10
    coder: str = "accumulate"
    weight_bits: int = 8
    threshold: int = 64
    leak: int | tuple[int, ...] = 4
    fraction: int = 3
    state_bits: int = 16
    output_bits: int = 17
    reset: str = "subtract"
    rounding: str = "floor"
    epochs: int = 12
    batch: int = 128
    rate: float = 2e-3
    seed: int = 1
    sparsity: float = 0.0
    dropout: float = 0.0

    def layers(self, inputs: int, classes: int) -> tuple[Layer, ...]:
        """Return the layers of a network for data of a shape."""
        sizes = (inputs, *self.hidden, classes)
        own = ("weight_bits", "threshold", "leak", "fraction", "state_bits", "reset", "rounding")
        values = {name: getattr(self, name) for name in own}
        layers = [Layer(inputs=a, neurons=b, **values) for a, b in pairwise(sizes)]
        last = {"leak": 0, "fraction": 0, "state_bits": self.output_bits, "reset": "none"}
        return (*layers[:-1], layers[-1].replace(**last))


# What the networks that come with nomul were trained with. Rate and dropout of the digits were
# chosen on held-out training images (table T5); sizes and all else were given.
_SMALL: dict[str, Any] = {
    "weight_bits": 6,
    "threshold": 16,
    "state_bits": 14,
    "output_bits": 15,
    "steps": 8,
}
PRESETS = {
    "digits-32": Options(
        hidden=(32,), epochs=80, batch=32, leak=3, rate=4e-3, dropout=0.1, **_SMALL
    ),
    "digits": Options(hidden=(128,), epochs=80, batch=32, leak=3, rate=4e-3, dropout=0.1),
    "fashion-mnist": Options(),
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network, its accuracy on test data by the integer model, rate of spikes, and seconds.

    ``rates`` are the mean spikes per neuron and step: of the input, then of each hidden layer.
    """

    network: Network
    accuracy: float
    rates: tuple[float, ...]
    seconds: float


def fit(
    data: Data, options: Options, *, advance: Callable[[float], None] = lambda _: None
) -> Trained:
    """Return a network trained on data.

    Parameters
    ----------
    data
        Codes as of :class:`nomul.train.data.Data`.
    options
        See :class:`Options`.
    advance
        Called after each epoch with its mean loss.
    """
    begun = time.monotonic()
    torch.manual_seed(options.seed)
    net = Net(options.layers(data.x.shape[1], data.classes), options.seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=options.rate)
    batch = min(options.batch, len(data.x))  # of fewer samples, all of them
    batches = len(data.x) // batch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs * batches)
    rng = np.random.default_rng(options.seed)
    labels = torch.from_numpy(data.labels)
    for _ in range(options.epochs):
        order, losses = rng.permutation(len(data.x)), []
        for start in range(0, batches * batch, batch):
            chosen = order[start : start + batch]
            spikes = encoded(data, data.x[chosen], options)
            if options.dropout:
                spikes = spikes * (torch.rand(spikes.shape[1:]) >= options.dropout)
            v, rate = net(spikes)
            logits = v / (options.threshold * options.steps**0.5)
            loss = torch.nn.functional.cross_entropy(logits, labels[chosen])
            loss = loss + options.sparsity * rate
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        advance(float(np.mean(losses)))
    network = net.network(options.coder, options.steps, data.bits)
    seconds = time.monotonic() - begun
    return Trained(network, accuracy(network, data), rates(network, data), seconds)


def encoded(data: Data, x: np.ndarray, options: Options) -> torch.Tensor:
    """Return the spikes of images, float32[T, n, inputs]."""
    spikes = lif.encode(options.coder, x, options.steps, data.bits)
    return torch.from_numpy(spikes.swapaxes(0, 1).astype(np.float32))


def accuracy(network: Network, data: Data) -> float:
    """Return the share of test images that the integer model labels right."""
    return float((lif.predict(network, data.x_test).label == data.labels_test).mean())


def rates(network: Network, data: Data, count: int = 1000) -> tuple[float, ...]:
    """Return the mean rates of input and hidden spikes over the first test images."""
    spikes = network.spikes(data.x_test[:count])
    trains = [spikes, *(answer.out for answer in lif.responses(network, spikes)[:-1])]
    return tuple(float(train.mean()) for train in trains)
