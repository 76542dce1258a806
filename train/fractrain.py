"""FracTrain's loop on digits: operands of few bits, and more of them when the loss stops falling.

After arXiv 2012.13113, whose code was released: :mod:`nomul.golden.fractrain` has its quantiser and
its rule of when the precision grows.
"""

from typing import NamedTuple

import numpy as np

from nomul.golden import fractrain
from nomul.golden.arrays import Floats, Ints
from nomul.train import digits

LEAST = 1e-12  # chance of a class whose logarithm is still taken

Precision = tuple[int, int]


class Plan(NamedTuple):
    """How a network is trained.

    Attributes
    ----------
    sizes
        64 inputs, neurons of the hidden layers, 10 classes.
    stages
        Bits of weights and activations, and of gradients, from stage to stage.
    epsilon, alpha
        Of :func:`nomul.golden.fractrain.turning_points`, which ends a stage.
    epochs, batch, rate
        Passes over the images, images of a step, and the learning rate.
    """

    sizes: tuple[int, ...] = (64, 64, 32, 10)
    stages: tuple[Precision, ...] = ((3, 6), (4, 6), (6, 8), (8, 8))
    epsilon: float = 0.05
    alpha: float = 0.5
    epochs: int = 40
    batch: int = 32
    rate: float = 0.25


def train(plan: Plan, seed: int) -> tuple[float, list[Precision]]:
    """Return the accuracy on the test images at the last precision, and that of every epoch."""
    data, rng = digits.load(1), np.random.default_rng(seed)
    weights, losses, used = digits.initial(rng, plan.sizes), list[float](), list[Precision]()
    for _ in range(plan.epochs):
        turned = 0
        if losses:
            turned = len(fractrain.turning_points(losses, plan.epsilon, plan.alpha))
        used.append(plan.stages[min(turned, len(plan.stages) - 1)])
        order, seen = rng.permutation(len(data.x)), []
        for start in range(0, len(order) - plan.batch + 1, plan.batch):
            chosen = order[start : start + plan.batch]
            seen.append(step(weights, data.x[chosen], data.labels[chosen], used[-1], plan.rate))
        losses.append(float(np.mean(seen)))
    final = [whole(w, used[-1][0]) for w in weights]
    return digits.accuracy(final, data.x_test, data.labels_test), used


def quantised(values: Floats, bits: int) -> Floats:
    """Return the real numbers that codes of a matrix' rows stand for."""
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    codes = fractrain.quantise(values, bits)
    return np.asarray(low + codes * (high - low) / ((1 << bits) - 1), dtype=np.float64)


def whole(w: Floats, bits: int) -> Floats:
    """Return a matrix quantised with one minimum and maximum."""
    return quantised(w.reshape(1, -1), bits).reshape(w.shape)


def step(
    weights: list[Floats], x: Floats, labels: Ints, precision: Precision, rate: float
) -> float:
    """Take a step with quantised operands, in place; return the loss before it.

    Weights and activations have the first precision, gradients the second one, minimum and maximum
    of each sample for ends; what is added to the weights is not rounded.
    """
    bits, back = precision
    narrow, inputs = [whole(w, bits) for w in weights], [quantised(x, bits)]
    for w in narrow[:-1]:
        inputs.append(quantised(np.maximum(inputs[-1] @ w.T, 0), bits))
    chances = digits.probabilities(inputs[-1] @ narrow[-1].T)
    chosen = np.maximum(chances[np.arange(len(labels)), labels], LEAST)
    loss = float(-np.log(chosen).mean())
    chances[np.arange(len(labels)), labels] -= 1.0
    delta = quantised(chances, back)
    for k in reversed(range(len(weights))):
        update = delta.T @ inputs[k] / len(labels)
        if k:
            delta = quantised((delta @ narrow[k]) * (inputs[k] > 0), back)
        weights[k] -= rate * update
    return loss
