"""Accuracy of a network whose weights were written at low energy: uniform, graded, or corrected."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.experiments.captions import caption
from nomul.experiments.faultmem.schemes import SCHEMES, Writer, weights_of
from nomul.experiments.tables import Rows
from nomul.golden import network
from nomul.golden.arrays import Ints
from nomul.golden.network import Dense, Layer, Network

NETWORK, BITS, SEEDS = "digits-mlp-int8", 8, 5
# Chance of a failure, as a power of ten, of a byte's highest bit.
DECADES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)

Array = NDArray[Any]


@caption("Accuracy and write energy of the digits MLP, INT8, by how its weights are written.")
def inference() -> Rows:
    """Return accuracy and, by a model, energy for each scheme and chance of a failure."""
    from nomul.train import digits

    net, samples = network.example(NETWORK), digits.load()
    weights = [layer.w for layer in net.layers if isinstance(layer, Dense)]
    new = np.concatenate([w.ravel() for w in weights]).astype(np.int8).view(np.uint8)
    codes, words = net.encode(samples.x_test), new.astype(np.int64)

    def judged(held: Ints) -> float:
        return accuracy(_with(net, held), codes, samples.labels_test)

    return swept(weights_of(BITS), words, judged)


def swept(worth: tuple[int, ...], words: Ints, judged: Callable[[Ints], float]) -> Rows:
    """Return a row of words as they are, and one for each scheme and chance of a failure.

    Parameters
    ----------
    worth
        Of the bits of a word, as for :class:`Writer`.
    words
        int64[n], written over the same words in other places.
    judged
        Gives the accuracy of a network whose words are int64[n].
    """
    rows: Rows = [row("exact", 0.0, 1.0, [judged(words)])]
    for scheme in SCHEMES:
        for power in DECADES:
            right, spent = [], []
            for seed in range(1, SEEDS + 1):
                old = np.random.default_rng(seed).permutation(words)
                writer = Writer(scheme, worth, power, old, seed)
                writer.write(words)
                spent.append(writer.energy / int(np.bitwise_count(old ^ words).sum()))
                right.append(judged(writer.words))
            rows.append(row(scheme.name, power, float(np.mean(spent)), right))
    return rows


def row(name: str, power: float, energy: float, right: list[float]) -> dict[str, Any]:
    """Return a row of a table of accuracies: those of several runs, and their mean energy."""
    return {
        "written with": name,
        "highest bit fails": "never" if name == "exact" else f"10^-{power:g}",
        "write energy": round(energy, 3),
        "accuracy": f"{100 * np.mean(right):.1f} %",
        "worst of five": f"{100 * min(right):.1f} %",
    }


def _with(net: Network, held: Array) -> Network:
    """Return the network with weights from bytes."""
    signed, at = held.astype(np.uint8).view(np.int8).astype(np.int64), 0
    layers: list[Layer] = []
    for layer in net.layers:
        if isinstance(layer, Dense):
            size = layer.w.size
            layers.append(Dense(w=signed[at : at + size].reshape(layer.w.shape)))
            at += size
        else:
            layers.append(layer)
    return dataclasses.replace(net, layers=layers)


def accuracy(net: Network, codes: Array, labels: Array) -> float:
    """Return the share of images that a network classifies right."""
    answers = network.model(net, codes)
    labels_given = answers if answers.ndim == 1 else answers.argmax(axis=1)
    return float((labels_given == labels).mean())
