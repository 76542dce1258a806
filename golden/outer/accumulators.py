"""Accumulators: products of many pairs, shifted to one unit and added with saturation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import lfsr
from nomul.golden.arrays import Ints
from nomul.golden.bitstream import Side
from nomul.golden.outer.config import Unit


def accumulate(
    cfg: Unit, y: ArrayLike, exponent: ArrayLike, n_vectors_before: int = 0
) -> tuple[Ints, bool]:
    """Add V results into accumulators that start at 0.

    acc <- sat(acc + y shifted by exponent - acc_exponent). A left shift is exact; a right shift
    rounds down, or adds a random rho in [0, 2**shift) first. One random word serves all cells of a
    pair: its top bits are rho.

    Parameters
    ----------
    y
        Signed products [V, M, N].
    exponent
        Their units [V], from :func:`unit_exponent`.
    n_vectors_before
        Pairs accumulated since the last reset: the rounding register runs on through read-outs.

    Returns
    -------
    int64[M, N], and whether any addition saturated.
    """
    accumulators = cfg.array.accumulators
    if accumulators is None:
        raise ValueError(f"{cfg.block_name}.accumulate is None: there are no accumulators")
    y = np.asarray(y, dtype=np.int64)
    high = (1 << (accumulators.width - 1)) - 1
    acc, saturated = np.zeros(y.shape[1:], dtype=np.int64), False
    rounding = rounding_words(cfg, len(y), n_vectors_before)
    for counts, unit, word in zip(y, np.asarray(exponent).tolist(), rounding, strict=True):
        total = acc + shifted(cfg, counts, unit - accumulators.exponent, int(word))
        acc = np.clip(total, -high - 1, high)
        saturated |= bool((acc != total).any())
    return acc, saturated


def max_right_shift(cfg: Unit) -> int:
    """Return the right shift beyond which every product vanishes the same way."""
    return cfg.array.max_right_shift


def shifted(cfg: Unit, counts: Ints, left: int, word: int) -> Ints:
    """Return products brought to the accumulators' unit; ``word`` is the pair's random word."""
    array = cfg.array
    assert array.accumulators is not None
    if left >= 0:
        return counts << min(left, array.accumulators.width)
    right = min(-left, array.max_right_shift)
    random = array.accumulators.rounding == "stochastic"
    rho = (word << right) >> array.words.lfsr_width if random else 0
    return (counts + rho) >> right


def rounding_words(cfg: Unit, n: int, before: int = 0) -> Ints:
    """Return the words of the rounding register, one per pair, int64[n].

    The second polynomial from the first seed, L steps per pair: apart from both sources.
    """
    words = cfg.array.words
    step = lfsr.leap_matrix(words.lfsr_width, words.taps(Side.D), words.lfsr_width)
    first = np.array([words.seeds[0]], dtype=np.int64)
    return lfsr.walk(step, lfsr.jump(step, before, first), n)[:, 0]
