"""What the integers of a training stand for and how they are added: fixed point, or binary16."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import fp16mul
from nomul.golden.arrays import Floats, Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.rounding import rounded, saturated
from nomul.golden.sgd.update import Counts, apply, outer

# Magnitudes below this round to less than the smallest normal number, 2^-14, were there no bound.
LEAST = 2.0**-14 * (1 - 2.0**-12)


class Update(NamedTuple):
    """What the weights of a layer are updated by.

    Attributes
    ----------
    layer
        1 .. L.
    a, g
        Activations int64[in] and gradients int64[out].
    words
        Of the rounding; they broadcast to the weights.
    pairs_before
        Pairs of vectors that the register of the streams has served.
    """

    layer: int
    a: Ints
    g: Ints
    words: Ints
    pairs_before: int


class Numbers(Protocol):
    """Arithmetic of a training unit."""

    def encode(self, cfg: Config, real: ArrayLike) -> Ints:
        """Return the integers nearest to real numbers, as far as B bits hold them."""
        ...

    def decode(self, cfg: Config, values: ArrayLike) -> Floats:
        """Return the real numbers that integers stand for, float64."""
        ...

    def sums(self, cfg: Config, a: Ints, w: Ints, words: Ints) -> Ints:
        """Return a W rounded, int64[..., out], of a int64[..., in] and w int64[in, out]."""
        ...

    def difference(self, cfg: Config, z: Ints, target: Ints) -> Ints:
        """Return z - t."""
        ...

    def update(
        self, cfg: Config, weights: tuple[Ints, Ints], given: Update
    ) -> tuple[Ints, Ints, Counts]:
        """Return levels and residues after an update by the product of two vectors, and counts.

        Parameters
        ----------
        weights
            Levels and residues, int64[in, out].
        """
        ...


class Fixed:
    """Integers with F bits behind the point; sums are exact until they are rounded."""

    def encode(self, cfg: Config, real: ArrayLike) -> Ints:
        """Round to the nearest, ties to even, and cut to B bits."""
        low, high = -(1 << (cfg.bits - 1)), (1 << (cfg.bits - 1)) - 1
        codes = np.rint(np.asarray(real, dtype=np.float64) * (1 << cfg.fraction))
        return np.clip(codes, low, high).astype(np.int64)

    def decode(self, cfg: Config, values: ArrayLike) -> Floats:
        """Divide by 2^F."""
        return np.asarray(values, dtype=np.float64) / 2.0**cfg.fraction

    def sums(self, cfg: Config, a: Ints, w: Ints, words: Ints) -> Ints:
        """Round the exact sums once, then saturate."""
        return saturated(cfg, rounded(cfg, a @ w, cfg.fraction, words))

    def difference(self, cfg: Config, z: Ints, target: Ints) -> Ints:
        """Saturate."""
        return saturated(cfg, z - target)

    def update(
        self, cfg: Config, weights: tuple[Ints, Ints], given: Update
    ) -> tuple[Ints, Ints, Counts]:
        """Subtract the rounded products, exact or of streams, from levels and residues."""
        products = outer(cfg, given.layer, given.a, given.g, given.pairs_before)
        return apply(cfg, *weights, products, given.words)


class Half:
    """Patterns of binary16, read as signed integers: every product and every sum is rounded.

    To the nearest, ties to even; what is subnormal counts as zero, on the way in and on the way
    out, as in :class:`nomul.golden.fp16mul.Flush`. A NaN that comes out is ``0x7E00``. A sum begins
    with the last operand, as the hardware's does.
    """

    def encode(self, cfg: Config, real: ArrayLike) -> Ints:
        """Return the nearest patterns."""
        return _patterns(_rounded(np.asarray(real, dtype=np.float64)))

    def decode(self, cfg: Config, values: ArrayLike) -> Floats:
        """Return what patterns stand for; zero for subnormal ones."""
        return _values(np.asarray(values, dtype=np.int64))

    def sums(self, cfg: Config, a: Ints, w: Ints, words: Ints) -> Ints:
        """Add up products, the last one first, and round after each."""
        with np.errstate(invalid="ignore"):
            products = _rounded(_values(a)[..., None] * _values(w))
            total = np.zeros((*a.shape[:-1], w.shape[1]))
            for k in reversed(range(len(w))):
                total = _rounded(total + products[..., k, :])
        return _patterns(total)

    def difference(self, cfg: Config, z: Ints, target: Ints) -> Ints:
        """Round the difference."""
        with np.errstate(invalid="ignore"):
            return _patterns(_rounded(_values(z) - _values(target)))

    def update(
        self, cfg: Config, weights: tuple[Ints, Ints], given: Update
    ) -> tuple[Ints, Ints, Counts]:
        """Return W + rnd((-a 2^-h) g), rounded: the activation is scaled first."""
        (level, residue), a, g = weights, given.a, given.g
        with np.errstate(invalid="ignore"):
            scaled = _rounded(-_values(a) * 2.0**-cfg.rate_log2)
            products = _rounded(scaled[:, None] * _values(g))
            after = _patterns(_rounded(_values(level) + products))
        exact = (a[:, None] << 1 & 0xFFFF != 0) & (g << 1 & 0xFFFF != 0)
        same = np.where(level << 1 & 0xFFFF, level, 0) == np.where(after << 1 & 0xFFFF, after, 0)
        return after, residue, Counts(int(exact.sum()), int((exact & same).sum()))


NUMBERS: dict[str, Numbers] = {"fixed": Fixed(), "fp16": Half()}


def numbers(cfg: Config) -> Numbers:
    """Return the arithmetic of a configuration."""
    return NUMBERS[cfg.numbers]


def _values(patterns: Ints) -> Floats:
    """Return the values of patterns of binary16, zero for subnormal ones, float64."""
    values = fp16mul.decode((patterns & 0xFFFF).astype(np.uint16))
    return np.where(np.abs(values) < LEAST, np.copysign(0.0, values), values)


def _rounded(exact: Floats) -> Floats:
    """Return exact sums or products of binary16 numbers as such numbers, float64.

    A sum of two is a multiple of 2^-24, so one below 2^-14 is below :data:`LEAST` too.
    """
    with np.errstate(over="ignore"):
        half = exact.astype(np.float16).astype(np.float64)
    return np.where(np.abs(exact) < LEAST, np.copysign(0.0, exact), half)


def _patterns(values: Floats) -> Ints:
    """Return binary16 numbers as patterns, read as signed integers."""
    half = np.where(np.isnan(values), fp16mul.QUIET_NAN, values.astype(np.float16).view(np.uint16))
    return half.astype(np.uint16).view(np.int16).astype(np.int64)
