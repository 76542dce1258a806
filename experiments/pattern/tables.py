"""Tables of dropout: what regular patterns cost in accuracy, and the work that they save."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import pattern
from nomul.golden.arrays import Floats
from nomul.train import digits

Rows = list[dict[str, Any]]

SIZES, EPOCHS, BATCH, RATE, SEEDS = (64, 128, 10), 30, 32, 0.25, (1, 2, 3)
LARGEST = 8

Masks = Callable[[], Floats]


@caption("Dropout of 128 hidden neurons: digits right after 30 epochs, and the products left.")
def dropout() -> Rows:
    """Return accuracies, means of three seeds of 64-128-10 in float64, and products of a step.

    A mask is drawn for every batch. Products are those of the neurons that stay, forward and
    gradient of both layers and backward of the second one, over those of all neurons.
    """
    rows = []
    for rate in (0.0, 0.2, 0.5, 0.7):
        for name in ("none",) if rate == 0 else ("independent", "row pattern"):
            runs = [_run(name, rate, seed) for seed in SEEDS]
            right, kept = np.mean(runs, axis=0)
            rows.append(
                {
                    "dropout": name,
                    "rate": rate,
                    "right": round(float(right), 3),
                    "products left": round(float(kept), 3),
                }
            )
    return rows


def _masks(name: str, rate: float, seed: int) -> Masks:
    """Return what draws a mask of the hidden neurons, 1 where one stays."""
    rng, neurons = np.random.default_rng(seed), SIZES[1]
    if name == "none":
        return lambda: np.ones(neurons)
    if name == "independent":
        return lambda: (rng.random(neurons) >= rate).astype(np.float64)
    cfg = pattern.Config(most=LARGEST, rate=rate, rows=neurons, seed=seed)
    drawn = pattern.draws(cfg, EPOCHS * 1437)

    def regular() -> Floats:
        dp, b, _ = next(drawn)
        mask = np.zeros(neurons)
        mask[pattern.keep(dp, b, neurons)] = 1
        return mask

    return regular


def _run(name: str, rate: float, seed: int) -> tuple[float, float]:
    """Return accuracy, and the share of neurons that stayed, which is that of the products."""
    data, rng = digits.load(1), np.random.default_rng(seed)
    weights, draw, kept = digits.initial(rng, SIZES), _masks(name, rate, seed), []
    for _ in range(EPOCHS):
        order = rng.permutation(len(data.x))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen, mask = order[start : start + BATCH], draw()
            kept.append(mask.mean())
            _step(weights, data.x[chosen], data.labels[chosen], mask / (1 - rate))
    return digits.accuracy(weights, data.x_test, data.labels_test), float(np.mean(kept))


def _step(weights: list[Floats], x: Floats, labels: Any, mask: Floats) -> None:
    """Take a step in which hidden neurons are scaled by ``mask``."""
    hidden = np.maximum(x @ weights[0].T, 0) * mask
    delta = digits.probabilities(hidden @ weights[1].T)
    delta[np.arange(len(labels)), labels] -= 1.0
    back = (delta @ weights[1]) * mask * (hidden > 0)
    weights[1] -= RATE * delta.T @ hidden / len(labels)
    weights[0] -= RATE * back.T @ x / len(labels)


TABLES = {"T6": dropout}
