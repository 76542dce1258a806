"""Leaves of boosted trees as integers of few bits, on one scale for the whole model.

A scale that spans the widest tree leaves the others few values: on Fashion-MNIST it cost ten trees
of depth 3 more than a point. The scale taken is the one whose squared error is least, each leaf
counting as often as training samples reach it; what is beyond a tree's range then is cut to it,
which few samples see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints

# Scales that are tried, relative to the one which spans the widest tree.
_SCALES = np.linspace(0.8, 3.0, 45)

# Bits of a bias below a leaf's step, where they are worth it.
_FRACTION = 3


@dataclass(frozen=True)
class Leaves:
    """Values of one tree's leaves, how many training samples reach each, and the tree's class."""

    values: NDArray[np.float64]
    cover: NDArray[np.float64]
    owner: int


@dataclass(frozen=True)
class Rounded:
    """Leaves as integers, and what the classes' sums begin with.

    Attributes
    ----------
    leaves
        Of each tree int64[leaves], the least 0, the largest at most 2**bits - 1.
    bias
        int64[classes], in steps of 2**-fraction of a leaf's.
    fraction
        Bits of the biases below a leaf's step.
    error
        Mean squared error of a class score, in the model's units.
    """

    leaves: list[Ints]
    bias: Ints
    fraction: int
    error: float


def rounded(trees: Sequence[Leaves], base: Sequence[float], bits: int) -> Rounded:
    """Return the leaves of a model rounded to ``bits`` bits; ``base`` is where its sums begin.

    Every scale is tried with leaves on a grid that all trees share, so that their sums need no
    rounding of their own; and the widest tree's scale with leaves relative to each tree's least
    one, which is exact where leaves are multiples of a step. Of equal errors the first wins. Where
    classes have few trees, sums in whole steps would often be equal: the biases get bits below a
    step if rounding them is more than a tenth of the error.
    """
    whole, fine = (_least(trees, base, bits, fraction) for fraction in (0, _FRACTION))
    return fine if whole.error > 1.1 * fine.error else whole


def _least(trees: Sequence[Leaves], base: Sequence[float], bits: int, fraction: int) -> Rounded:
    """Return the leaves on the scale of least error."""
    spread = max(float(np.ptp(tree.values)) for tree in trees)
    if not spread:
        return _relative(trees, base, bits, 1.0, fraction)
    scale = ((1 << bits) - 1) / spread
    tried = [_relative(trees, base, bits, scale, fraction)]
    tried += [_gridded(trees, base, bits, scale * float(factor), fraction) for factor in _SCALES]
    return min(tried, key=lambda one: one.error)


def _relative(
    trees: Sequence[Leaves], base: Sequence[float], bits: int, scale: float, fraction: int
) -> Rounded:
    """Round what leaves have above the least of their tree; the rest goes to the class's sum."""
    bias = np.asarray(base, dtype=np.float64) * scale
    leaves = []
    for tree in trees:
        least = float(tree.values.min())
        leaves.append(np.rint((tree.values - least) * scale).astype(np.int64))
        bias[tree.owner] += least * scale
    parts = [
        (tree, own + tree.values.min() * scale) for tree, own in zip(trees, leaves, strict=True)
    ]
    return _scored(parts, leaves, bias * (1 << fraction), scale, fraction)


def _gridded(
    trees: Sequence[Leaves], base: Sequence[float], bits: int, scale: float, fraction: int
) -> Rounded:
    """Round leaves to integers, and cut each tree's to the range in which its error is least."""
    bias = np.asarray(base, dtype=np.float64) * scale
    most, leaves, parts = (1 << bits) - 1, [], []
    for tree in trees:
        exact = tree.values * scale
        nearest = np.rint(exact)
        # A range that begins with a leaf, or ends with one, is as good as any between.
        starts = np.unique(np.concatenate([nearest, nearest - most]))
        cut = np.clip(nearest[None, :], starts[:, None], starts[:, None] + most)
        best = cut[int(np.argmin(((cut - exact) ** 2) @ tree.cover))]
        least = best.min()
        leaves.append((best - least).astype(np.int64))
        bias[tree.owner] += least
        parts.append((tree, best))
    return _scored(parts, leaves, bias * (1 << fraction), scale, fraction)


def _scored(
    parts: Sequence[tuple[Leaves, NDArray[np.float64]]],
    leaves: list[Ints],
    bias: NDArray[np.float64],
    scale: float,
    fraction: int,
) -> Rounded:
    """Return rounded leaves with their error, that of the biases, in fine steps, included.

    Of several classes an error that all have in common changes no answer.
    """
    error = sum(
        float(((found - tree.values * scale) ** 2) @ tree.cover / tree.cover.sum())
        for tree, found in parts
    )
    begun = (np.rint(bias) - bias) / (1 << fraction)
    if len(begun) > 1:
        begun = begun - begun.mean()
    error = (error + float((begun**2).sum())) / scale**2
    return Rounded(leaves, np.rint(bias).astype(np.int64), fraction, error)
