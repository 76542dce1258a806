"""Rounding and saturation of everything that is shifted right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import lfsr
from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config

WORD_BITS = 16


def rounded(cfg: Config, values: ArrayLike, shift: int, words: ArrayLike = 0) -> Ints:
    """Return values / 2^shift, rounded as ``cfg.rounding`` says, of the same shape.

    Parameters
    ----------
    values
        int[...].
    shift
        At least 0.
    words
        Random words of 16 bits that broadcast to the values, for ``stochastic``: their top bits are
        what is added before the low bits are dropped.
    """
    values = np.asarray(values, dtype=np.int64)
    if shift == 0:
        return values
    if cfg.rounding == "rne":
        odd = (values >> shift) & 1
        return (values + (1 << (shift - 1)) - 1 + odd) >> shift
    if cfg.rounding == "zero":
        return (values + np.where(values < 0, (1 << shift) - 1, 0)) >> shift
    if cfg.rounding == "stochastic":
        added = (np.asarray(words, dtype=np.int64) << shift) >> WORD_BITS
        return (values + added) >> shift
    return values >> shift


def saturated(cfg: Config, values: Ints) -> Ints:
    """Return values within the B bits of a weight, activation or gradient."""
    high = (1 << (cfg.bits - 1)) - 1
    return np.clip(values, -high - 1, high)


def words_per_step(cfg: Config) -> int:
    """Return the random words of a step: one per rounded value, and one per row of an update."""
    updates = sum(cfg.groups(k) * cfg.sizes[k - 1] for k in range(1, cfg.layers + 1))
    return sum(cfg.sizes[1:]) + sum(cfg.sizes[1:-1]) + updates


def rounding_state(cfg: Config, steps: int, inferences: int = 0) -> int:
    """Return what the rounding register holds after so many steps and inferences."""
    matrix = lfsr.leap_matrix(WORD_BITS, lfsr.second_taps(WORD_BITS), WORD_BITS)
    before = steps * words_per_step(cfg) + inferences * sum(cfg.sizes[1:])
    return int(lfsr.jump(matrix, before, np.array([cfg.seed], dtype=np.int64))[0])


def rounding_words(cfg: Config, steps: int, inferences: int = 0) -> Ints:
    """Return the words of the rounding register for the step after ``steps``, int64[n].

    The second polynomial of 16 bits, from the seed, 16 steps per word: the register of the streams
    has the first one. A forward pass alone takes words too.
    """
    matrix = lfsr.leap_matrix(WORD_BITS, lfsr.second_taps(WORD_BITS), WORD_BITS)
    first = np.array([rounding_state(cfg, steps, inferences)], dtype=np.int64)
    return lfsr.walk(matrix, first, words_per_step(cfg))[:, 0]
