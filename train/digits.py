"""A small ReLU network on scikit-learn's digits, in numpy: real operands for a weight update."""

import itertools
from dataclasses import dataclass

import numpy as np

from nomul.golden.arrays import Floats, Ints

SIZES = (64, 16, 16, 10)


@dataclass(frozen=True)
class Data:
    """Images float64[n, 64] in 0..1 and labels int64[n], split into training and test."""

    x: Floats
    labels: Ints
    x_test: Floats
    labels_test: Ints


@dataclass(frozen=True)
class Operands:
    """What one layer's weight update multiplies, one row per image.

    The exact update of the layer's weights [n_out, n_in] is the mean over the images of
    ``outer(gradient, activation)``, times minus the learning rate.
    """

    activations: Floats  # [n, n_in], inputs of the layer, outputs of the ReLU before it
    gradients: Floats  # [n, n_out], of the loss with respect to the layer's sums


def load(seed: int = 1, test: int = 360) -> Data:
    """Return the 1,797 8 x 8 images of handwritten digits, shuffled, ``test`` of them set apart.

    They come with scikit-learn; nothing is fetched.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.data))
    x, labels = digits.data[order] / 16.0, digits.target[order].astype(np.int64)
    return Data(x[test:], labels[test:], x[:test], labels[:test])


def initial(rng: np.random.Generator, sizes: tuple[int, ...] = SIZES) -> list[Floats]:
    """Return weights [n_out, n_in] per layer, normal with variance 2 / n_in (He et al., 2015)."""
    return [
        rng.normal(0.0, np.sqrt(2.0 / n_in), (n_out, n_in))
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def forward(weights: list[Floats], x: Floats) -> list[Floats]:
    """Return the inputs of every layer, and last the logits; ReLU everywhere but at the end."""
    inputs = [x]
    for weight in weights[:-1]:
        inputs.append(np.maximum(inputs[-1] @ weight.T, 0.0))
    return [*inputs, inputs[-1] @ weights[-1].T]


def probabilities(logits: Floats) -> Floats:
    """Return the softmax of each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def backward(weights: list[Floats], x: Floats, labels: Ints) -> list[Operands]:
    """Return the operands of each layer's update, by back-propagation of the cross-entropy."""
    *inputs, logits = forward(weights, x)
    delta = probabilities(logits)
    delta[np.arange(len(labels)), labels] -= 1.0
    operands = [Operands(inputs[-1], delta)]
    for weight, before in zip(weights[:0:-1], inputs[-2::-1], strict=True):
        delta = (delta @ weight) * (operands[0].activations > 0)
        operands.insert(0, Operands(before, delta))
    return operands


def exact_update(operands: Operands) -> Floats:
    """Return the mean outer product float64[n_out, n_in]: the layer's gradient."""
    return operands.gradients.T @ operands.activations / len(operands.activations)


def loss(weights: list[Floats], x: Floats, labels: Ints) -> float:
    """Return the mean cross-entropy in nats."""
    chosen = probabilities(forward(weights, x)[-1])[np.arange(len(labels)), labels]
    return float(-np.log(chosen).mean())


def accuracy(weights: list[Floats], x: Floats, labels: Ints) -> float:
    """Return the fraction of images whose largest logit is at their label."""
    return float((forward(weights, x)[-1].argmax(axis=1) == labels).mean())


def train(
    data: Data,
    rng: np.random.Generator,
    epochs: int,
    rate: float = 0.25,
    batch: int = 32,
    sizes: tuple[int, ...] = SIZES,
) -> list[Floats]:
    """Return the weights after ``epochs`` of plain stochastic gradient descent from scratch."""
    weights = initial(rng, sizes)
    for _ in range(epochs):
        order = rng.permutation(len(data.x))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            steps = backward(weights, data.x[chosen], data.labels[chosen])
            for weight, operands in zip(weights, steps, strict=True):
                weight -= rate * exact_update(operands)
    return weights
