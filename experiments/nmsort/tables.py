"""Tables of N:M training: accuracy of networks that are pruned both ways, and products saved."""

import itertools
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import nmtrain, spimc
from nomul.golden.arrays import Floats, Ints
from nomul.golden.spimc import layer
from nomul.train import digits

Rows = list[dict[str, Any]]

SIZES, EPOCHS, BATCH, RATE, SEEDS = (64, 64, 32, 10), 20, 32, 0.25, (1, 2, 3)
PAIRS = ((1, 1), (2, 4), (2, 8), (1, 8))

# A macro whose columns store eight weights each, so that what a mask leaves out is time.
MACRO = spimc.Config(window=64, columns=64, slots=8, max_group=8, formats=("dense", "nm"))


@caption("N:M in both directions: digits right after 20 epochs, and products of each pass.")
def both_ways() -> Rows:
    """Return accuracies, means of three seeds, and products of a step of 64-64-32-10.

    Every product of a pass that its mask leaves out is counted as saved; the first layer has no
    backward product. What is not pruned going back is dense masks, ``forward only``.
    """
    rows = []
    for keep, group in PAIRS:
        for directions in ("both ways", "forward only")[: 2 if keep < group else 1]:
            back = directions == "both ways"
            right = np.mean([_right(keep, group, back, seed) for seed in SEEDS])
            forward, backward, gradient = _products(keep, group, back)
            dense = sum(_products(1, 1, True))
            rows.append(
                {
                    "N:M": f"{keep}:{group}",
                    "pruned": directions if keep < group else "not",
                    "right": round(float(right), 3),
                    "forward": forward,
                    "backward": backward,
                    "gradient": gradient,
                    "faster": round(dense / (forward + backward + gradient), 2),
                    "cap": round(float(nmtrain.gain_cap(keep, group)), 2),
                }
            )
    return rows


def _weights(seed: int) -> list[Floats]:
    return [w.T for w in digits.initial(np.random.default_rng(seed), SIZES)]


def _products(keep: int, group: int, back: bool) -> tuple[int, int, int]:
    """Return products of forward, backward and gradient passes for one image."""
    masks = [nmtrain.masks(w, keep, group) for w in _weights(1)]
    forward = sum(int(ahead.sum()) for ahead, _ in masks)
    behind = [backward if back else np.ones_like(backward) for _, backward in masks[1:]]
    dense = sum(a * b for a, b in itertools.pairwise(SIZES))
    return forward, sum(int(mask.sum()) for mask in behind), dense


@caption("N:M on SP-IMC: cycles and words of 64-64-32-10's two pruned passes, of one image.")
def on_the_macro() -> Rows:
    """Return cycles of the passes of an image on SP-IMC's macro, and the words that load it.

    Matrices that are pruned are in its ``nm`` form, along the axis that the pass sums over, so that
    the backward one is the transposed matrix with a mask of its own; others are dense. The gradient
    is no product with weights, and not the macro's. Weights are of 8 bits, of one seed.
    """
    rows: Rows = []
    dense = 0  # cycles of the first row
    for keep, group in PAIRS:
        for back in (True, False)[: 2 if keep < group else 1]:
            ahead, behind = _passes(keep, group, back)
            cycles = [sum(part.cycles for part in one) for one in (ahead, behind)]
            words = [sum(part.beats for part in one) for one in (ahead, behind)]
            pruned = "both ways" if back else "forward only"
            dense = dense or sum(cycles)
            rows.append(
                {
                    "N:M": f"{keep}:{group}",
                    "pruned": pruned if keep < group else "not",
                    "forward, cycles": cycles[0],
                    "backward, cycles": cycles[1],
                    "faster": round(dense / sum(cycles), 2),
                    "words loaded": sum(words),
                }
            )
    return rows


def _passes(keep: int, group: int, back: bool) -> tuple[list[layer.Layer], list[layer.Layer]]:
    """Return how the macro takes the matrices of the forward and of the backward pass."""
    ahead, behind = [], []
    for k, real in enumerate(_weights(1)):
        w = np.rint(real * (127 / np.abs(real).max())).astype(np.int64)
        forward, backward = nmtrain.masks(w, keep, group)
        ahead.append(_planned(np.where(forward, w, 0), keep, group))
        if k:
            pruned = np.where(backward, w, 0) if back else w
            behind.append(_planned(pruned.T, keep, group if back else keep))
    return ahead, behind


def _planned(w: Ints, keep: int, group: int) -> layer.Layer:
    """Return how the macro takes a matrix that is N:M along its rows, or dense."""
    tile = spimc.Tile(format="dense")
    if keep < group:
        tile = spimc.Tile(format="nm", nnz_per_group=keep, group=group)
    return layer.plan(w, MACRO, tile)


def _right(keep: int, group: int, back: bool, seed: int) -> float:
    """Return the accuracy of a network that is pruned anew in every step, and when judged."""
    data, rng, weights = digits.load(1), np.random.default_rng(seed), _weights(seed)
    for _ in range(EPOCHS):
        order = rng.permutation(len(data.x))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            _step(weights, data.x[chosen], data.labels[chosen], keep, group, back)
    pruned = [w * nmtrain.masks(w, keep, group)[0] for w in weights]
    return digits.accuracy([w.T for w in pruned], data.x_test, data.labels_test)


def _step(weights: list[Floats], x: Floats, labels: Any, keep: int, group: int, back: bool) -> None:
    """Take a step: products by the pruned matrices, the dense gradient into the dense weights."""
    masks = [nmtrain.masks(w, keep, group) for w in weights]
    *inputs, logits = digits.forward(
        [(w * ahead).T for w, (ahead, _) in zip(weights, masks, strict=True)], x
    )
    delta = digits.probabilities(logits)
    delta[np.arange(len(labels)), labels] -= 1.0
    for k in reversed(range(len(weights))):
        update = inputs[k].T @ delta / len(labels)
        if k:
            behind = weights[k] * masks[k][1] if back else weights[k]
            delta = (delta @ behind.T) * (inputs[k] > 0)
        weights[k] -= RATE * update


TABLES = {"T3": both_ways, "T3-macro": on_the_macro}
