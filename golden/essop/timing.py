"""Cycles of the outer-product unit that depend on its operands."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.essop.config import Config
from nomul.golden.essop.counts import bits


def beats(cfg: Config, x: ArrayLike, n_vectors_before: int = 0) -> Ints:
    """Return the cycles that each pair's bits take, int64[V].

    BL / U. With early stop, in ascending order of the rows' words, a pair ends with the first beat
    in which every row sends zero, which is needed to see it: one more than the longest run of ones,
    and no more than BL.
    """
    x = np.asarray(x, dtype=np.int64)
    if not cfg.early_stop:
        return np.full(len(x), cfg.beats)
    r, _ = bits(cfg, len(x), n_vectors_before)
    runs = (r < x.max(axis=1, keepdims=True)).sum(axis=1)
    return np.minimum(runs + 1, cfg.beats)


def cycles(cfg: Config, x: ArrayLike) -> int:
    """Return ``cfg.cycles`` for given magnitudes of the rows, exact with early stop too."""
    each = beats(cfg, x)
    intervals = each[1:] if cfg.accumulate else np.maximum(each[1:], cfg.rows)
    return int(cfg.latency - cfg.beats + each[0] + cfg.rows + intervals.sum())
