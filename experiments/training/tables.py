"""Tables of training in hardware that belong to no single block: a precision that grows."""

import itertools
from functools import cache
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import bitplanes, fractrain
from nomul.golden.arrays import Floats
from nomul.train import digits

Rows = list[dict[str, Any]]

SIZES, EPOCHS, BATCH, RATE, SEEDS = (64, 64, 32, 10), 40, 32, 0.25, (1, 2, 3)
PRECISIONS = ((3, 6), (4, 6), (6, 8), (8, 8))  # going forward and back, of the four stages
EPSILON, ALPHA = 0.05, 0.5
LEAST = 1e-12  # chance of a class whose logarithm is still taken


@caption(
    "Precision that grows after FracTrain: digits right after 40 epochs, and cycles of a plane."
)
def schedule() -> Rows:
    """Return accuracies and cycles of 64-64-32-10, means of three seeds.

    Weights and activations are quantised to the first precision of a stage, gradients to the second
    one, minimum and maximum of each sample for ends; updates are in float64. Cycles are those of
    the products of all epochs on an array of bit planes whose lanes hold a layer's inputs, as
    ``bitplanes`` counts them, over those at 8 bits throughout.
    """
    full = EPOCHS * _cycles(*PRECISIONS[-1])
    rows = []
    for name, stages in (
        ("grows", PRECISIONS),
        *((f"{n} / {m}", ((n, m),)) for n, m in PRECISIONS),
    ):
        runs = [_run(stages, seed) for seed in SEEDS]
        right = np.mean([run[0] for run in runs])
        spent = np.mean([sum(itertools.starmap(_cycles, run[1])) for run in runs])
        turns = [
            [k + 1 for k, (a, b) in enumerate(itertools.pairwise(run[1])) if a != b] for run in runs
        ]
        rows.append(
            {
                "precision": name,
                "right": round(float(right), 3),
                "cycles, share": round(float(spent / full), 3),
                "turns after epochs": "; ".join(", ".join(map(str, turn)) for turn in turns),
            }
        )
    return rows


@cache
def _cycles(bits: int, back: int) -> int:
    """Return the steps of forward, backward and gradient products of one image at a precision."""
    total = 0
    for k, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        ways = [(inputs, outputs, bits, bits), (inputs, outputs, bits, back)]
        ways += [(outputs, inputs, back, bits)] if k else []
        for rows, columns, acts, planes in ways:
            cfg = bitplanes.Config(inputs=rows, outputs=columns, lanes=rows)
            total += cfg.steps(acts, planes, planes)
    return total


def _quantised(values: Floats, bits: int) -> Floats:
    """Return the real numbers that codes of a matrix' rows stand for."""
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    codes = fractrain.quantise(values, bits)
    return np.asarray(low + codes * (high - low) / ((1 << bits) - 1), dtype=np.float64)


def _run(stages: tuple[tuple[int, int], ...], seed: int) -> tuple[float, list[tuple[int, int]]]:
    """Return the accuracy at the last precision, and the precision of every epoch."""
    data, rng = digits.load(1), np.random.default_rng(seed)
    weights, losses, used = digits.initial(rng, SIZES), list[float](), list[tuple[int, int]]()
    for _ in range(EPOCHS):
        turned = len(fractrain.turning_points(losses, EPSILON, ALPHA)) if losses else 0
        used.append(stages[min(turned, len(stages) - 1)])
        order, seen = rng.permutation(len(data.x)), []
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            seen.append(_step(weights, data.x[chosen], data.labels[chosen], *used[-1]))
        losses.append(float(np.mean(seen)))
    final = [_whole(w, used[-1][0]) for w in weights]
    return digits.accuracy(final, data.x_test, data.labels_test), used


def _whole(w: Floats, bits: int) -> Floats:
    """Return a matrix quantised with one minimum and maximum."""
    return _quantised(w.reshape(1, -1), bits).reshape(w.shape)


def _step(weights: list[Floats], x: Floats, labels: Any, bits: int, back: int) -> float:
    """Take a step with quantised operands; return the loss before it."""
    narrow, inputs = [_whole(w, bits) for w in weights], [_quantised(x, bits)]
    for w in narrow[:-1]:
        inputs.append(_quantised(np.maximum(inputs[-1] @ w.T, 0), bits))
    chances = digits.probabilities(inputs[-1] @ narrow[-1].T)
    chosen = np.maximum(chances[np.arange(len(labels)), labels], LEAST)
    loss = float(-np.log(chosen).mean())
    chances[np.arange(len(labels)), labels] -= 1.0
    delta = _quantised(chances, back)
    for k in reversed(range(len(weights))):
        update = delta.T @ inputs[k] / len(labels)
        if k:
            delta = _quantised((delta @ narrow[k]) * (inputs[k] > 0), back)
        weights[k] -= RATE * update
    return loss


TABLES = {"T5": schedule}
