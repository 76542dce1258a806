"""Weight clustering: few centroids stand for the weights of a layer, and zero stays zero."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints

_ROUNDS = 300


def cluster(weights: ArrayLike, clusters: int, code_bits: int = 6) -> tuple[Floats, Ints]:
    """Return a codebook and the codes of a layer's weights.

    Zeros take code 0. The others are sorted and cut into parts of equal mass, as many as there are
    clusters; the parts' means are the first centroids, and Lloyd's iteration moves them until no
    weight changes its cluster. Layer-wise clustering with equal-mass initial centroids is the
    paper's; running Lloyd's iteration to its end is our reconstruction.

    Parameters
    ----------
    weights
        float of any shape, finite.
    clusters
        Centroids beside zero, 1 .. 2**code_bits - 1.

    Returns
    -------
    codebook : float64[clusters + 1]
        0, then the centroids, ascending. Shorter where there are fewer distinct weights than
        clusters: these are the centroids then.
    codes : int64, of the weights' shape

    Raises
    ------
    ValueError
        There are more clusters than codes, or a weight is not finite.
    """
    weights = np.asarray(weights, dtype=np.float64)
    most = (1 << code_bits) - 1
    if not 1 <= clusters <= most:
        raise ValueError(f"clusters must be in 1..{most}, not {clusters!r}")
    if not np.isfinite(weights).all():
        raise ValueError("weights must be finite")
    used = weights != 0
    values = np.sort(weights[used])
    centroids = np.unique(values)
    if len(centroids) > clusters:
        centroids = _lloyd(values, clusters)
    codes = np.zeros(weights.shape, dtype=np.int64)
    if len(centroids):
        codes[used] = 1 + np.searchsorted(_borders(centroids), weights[used])
    return np.concatenate([[0.0], centroids]), codes


def _borders(centroids: Floats) -> Floats:
    return np.asarray((centroids[1:] + centroids[:-1]) / 2)


def _lloyd(values: Floats, clusters: int) -> Floats:
    """Return centroids of sorted values; a cluster that runs empty keeps its centroid."""
    edges = np.linspace(0, len(values), clusters + 1).round().astype(np.int64)
    total = np.concatenate([[0.0], np.cumsum(values)])
    means = np.zeros(0)
    for _ in range(_ROUNDS):
        size = np.diff(edges)
        filled = means if len(means) else values[np.minimum(edges[:-1], len(values) - 1)]
        means = np.where(size > 0, np.diff(total[edges]) / np.maximum(size, 1), filled)
        means = np.sort(means)
        inner = np.searchsorted(values, _borders(means), side="right")
        moved = np.concatenate([[0], inner, [len(values)]])
        if np.array_equal(moved, edges):
            break
        edges = moved
    return means


def levels(codebook: ArrayLike, level_bits: int) -> tuple[Ints, int]:
    """Return a codebook rounded to ``level_bits``, and the exponent e of its unit 2**e.

    e is the smallest with all levels in range; rounding is to the nearest, ties to even.
    """
    codebook = np.asarray(codebook, dtype=np.float64)
    high = (1 << (level_bits - 1)) - 1
    largest = float(np.abs(codebook).max(initial=0.0))
    if largest == 0.0:
        return np.zeros(codebook.shape, dtype=np.int64), 0
    exponent = int(np.ceil(np.log2(largest / (high + 0.5))))
    if np.rint(largest * 2.0**-exponent) > high:
        exponent += 1
    return np.rint(codebook * 2.0**-exponent).astype(np.int64), exponent
