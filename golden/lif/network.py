"""Networks: layers one after another, with their weights, their coder and their readout."""

import dataclasses
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.lif import coders, readouts, response
from nomul.golden.lif.layer import Layer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """A feed-forward network of spiking layers.

    Parameters
    ----------
    layers
        Parameters of each layer; each takes as many inputs as the one before has neurons.
    weights
        int64[inputs, neurons] of each.
    coder, readout
        One of :data:`nomul.golden.lif.coders.CODERS`, :data:`nomul.golden.lif.readouts.READOUTS`.
    steps
        T, steps of an image; 0 for a network that runs on and forgets nothing, which needs coder
        ``direct`` and readout ``spikes``.
    pixel_bits
        Bits of a pixel, 1..8; without meaning for coder ``direct``.
    """

    layers: tuple[Layer, ...]
    weights: tuple[Ints, ...]
    coder: str = "direct"
    readout: str = "spikes"
    steps: int = 0
    pixel_bits: int = 4

    def __post_init__(self) -> None:
        if not self.layers or len(self.layers) != len(self.weights):
            raise ValueError(
                f"a network has a layer or more and weights for each, not {len(self.layers)} "
                f"layers and {len(self.weights)} arrays"
            )
        for number, (before, after) in enumerate(pairwise(self.layers)):
            if before.neurons != after.inputs:
                raise ValueError(
                    f"layer {number + 1} takes {after.inputs} inputs, but layer {number} has "
                    f"{before.neurons} neurons"
                )
        checked = []
        for number, (layer, w) in enumerate(zip(self.layers, self.weights, strict=True)):
            try:
                checked.append(response.weights(layer, w))
            except (TypeError, ValueError) as error:
                raise type(error)(f"layer {number}: {error}") from None
        object.__setattr__(self, "weights", tuple(checked))
        for name, value, choices in (
            ("coder", self.coder, coders.CODERS),
            ("readout", self.readout, readouts.READOUTS),
        ):
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        if not 1 <= self.pixel_bits <= 8:
            raise ValueError(f"pixel_bits must be in 1..8, not {self.pixel_bits}")
        if not 0 <= self.steps <= 4096:
            raise ValueError(f"steps must be in 0..4096, not {self.steps}")
        if self.steps == 0 and (self.coder, self.readout) != ("direct", "spikes"):
            raise ValueError(
                f"steps must be more than 0 for coder {self.coder!r} and readout {self.readout!r}"
            )

    @property
    def inputs(self) -> int:
        """Inputs of the first layer."""
        return self.layers[0].inputs

    def spikes(self, x: ArrayLike) -> Ints:
        """Return the first layer's spikes: ``x`` itself, or the coder's for pixels [n, inputs]."""
        if self.coder == "direct":
            return response.frames(self.layers[0], x)
        return coders.encode(self.coder, x, self.steps, self.pixel_bits)


def responses(network: Network, spikes: ArrayLike) -> list[response.Response]:
    """Return every layer's response to spikes [..., T, inputs]."""
    found, train = [], response.frames(network.layers[0], spikes)
    for layer, w in zip(network.layers, network.weights, strict=True):
        answer, _ = response.run(layer, response.currents(w, train))
        found.append(answer)
        train = answer.out
    return found


def counts(network: Network, spikes: ArrayLike) -> list[response.Counts]:
    """Return what every layer's counters show after all runs."""
    trains = [response.frames(network.layers[0], spikes)]
    trains += [answer.out for answer in responses(network, spikes)[:-1]]
    rows = zip(network.layers, network.weights, trains, strict=True)
    return [response.count(layer, w, train) for layer, w, train in rows]


def predict(network: Network, x: ArrayLike, batch: int = 500) -> readouts.Answer:
    """Return label and value int64[n] of images.

    Parameters
    ----------
    x
        Pixels [n, inputs], or spikes [n, T, inputs] for coder ``direct``.
    batch
        Images computed at a time; memory only.
    """
    x = np.asarray(x)
    if network.readout == "spikes":
        raise ValueError("a network with readout 'spikes' gives trains, not labels")
    answers = []
    for start in range(0, len(x), batch):
        last = responses(network, network.spikes(x[start : start + batch]))[-1]
        answers.append(readouts.read(network.readout, last.out, last.v))
    label, value = (np.concatenate(part) for part in zip(*answers, strict=True))
    return readouts.Answer(label, value)
