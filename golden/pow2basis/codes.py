"""Coefficients that are zero or plus or minus a power of two, and their codes of four bits."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.pow2basis.config import LEVELS


def nearest(values: ArrayLike) -> Floats:
    """Return the nearest plus or minus power of two of each number; a tie is the smaller one.

    Zero stays zero; any exponent may result. Nearest in linear distance: 3 is 2, and 6 is 4.

    Raises
    ------
    ValueError
        One is not finite; the message has its place.
    """
    return power(finite("values", values))


def power(values: Floats) -> Floats:
    """Return the same as :func:`nearest`, of numbers that are not looked at first."""
    size = np.abs(values)
    _, exponent = np.frexp(size)
    below = np.ldexp(0.5, exponent)
    chosen = np.where(size > 1.5 * below, 2 * below, below)
    return np.where(size == 0, 0.0, np.copysign(chosen, values))


def finite(name: str, values: ArrayLike) -> Floats:
    """Return numbers as float64, or raise ValueError with the place of one that is not finite."""
    real = np.asarray(values, dtype=np.float64)
    wrong = np.argwhere(~np.isfinite(real))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise ValueError(f"pow2basis: {name}{list(place)} must be finite, not {real[place]}")
    return real


def level(values: ArrayLike, pmin: int = 0) -> Floats:
    """Return the nearest of 0, +-2^pmin .. +-2^(pmin + 6); what is half the least becomes zero."""
    values, least = np.asarray(values, dtype=np.float64), 2.0**pmin
    # Between two and one and a half of them stands the least, below a half zero, a tie the smaller.
    near = np.clip(np.abs(power(values)), least, least * (1 << (LEVELS - 1)))
    return np.where(np.abs(values) <= least / 2, 0.0, np.copysign(near, values))


def encode(ce: ArrayLike, pmin: int = 0) -> Ints:
    """Return codes s * 8 + e: e = 0 is zero, else 2^(e - 1 + pmin).

    Raises
    ------
    ValueError
        A coefficient is no such power of two; the message has its place and value.
    """
    ce = np.asarray(ce, dtype=np.float64)
    # Of zero and of what is no number the exponent means nothing; the comparison finds them.
    mantissa, exponent = np.frexp(np.abs(ce))
    e = np.where(ce == 0, 0, exponent - pmin)
    wrong = np.argwhere((ce != 0) & ((mantissa != 0.5) | (e < 1) | (e > LEVELS)))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        rule = f"0 or +-2^{pmin} .. +-2^{pmin + LEVELS - 1}"
        raise ValueError(f"pow2basis: ce{list(place)} must be {rule}, not {ce[place]}")
    return np.asarray((ce < 0).astype(np.int64) * 8 + e)


def decode(codes: ArrayLike, pmin: int = 0) -> Floats:
    """Return the coefficients of codes.

    Raises
    ------
    ValueError
        A code is not of four bits, or is minus zero; the message has its place and value.
    """
    codes = np.asarray(codes)
    if codes.dtype.kind not in "iu":
        raise TypeError(f"pow2basis: codes must be integers, not {codes.dtype}")
    wrong = np.argwhere((codes < 0) | (codes > 15) | (codes == 8))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise ValueError(
            f"pow2basis: codes{list(place)} must be in 0..15 and not 8, minus zero, "
            f"not {codes[place]}"
        )
    e = codes.astype(np.int64) % 8
    return np.where(e == 0, 0.0, np.where(codes >= 8, -1.0, 1.0) * np.ldexp(1.0, e - 1 + pmin))
