"""Integers that stand for real numbers: codes, sums, and the fixed point between them."""

from dataclasses import dataclass
from math import floor, log2

import numpy as np

from nomul.golden.arrays import Floats, Ints
from nomul.golden.network.layers import MAX_SHIFT, SCALE_BITS
from nomul.golden.network.pools import MaxPool2d

WIDEST = 61  # bits of y scale + bias, so that nothing overflows


@dataclass(frozen=True)
class Codes:
    """A value of few levels: the real number is scale (code - zero)."""

    value: int
    scale: float
    zero: float
    low: int
    high: int


@dataclass(frozen=True)
class Sums:
    """A value of integer sums: the real number is gain (y + offset) + shift, then clipped.

    ``pools`` are maxima that are taken once the sums are codes, which is the same, since all that
    happens until then keeps the order.
    """

    value: int
    gain: Floats
    offset: Ints
    shift: Floats
    low: float = -np.inf
    high: float = np.inf
    pools: tuple[MaxPool2d, ...] = ()


def fixed_point(
    gain: Floats, offset: Ints, shift: Floats, reach: tuple[int, int]
) -> tuple[Ints, Ints, int]:
    """Return scale, bias and shift of a requantiser for reals gain (y + offset) + shift.

    The largest scale takes all of its bits, unless the sum then needs more than 63.

    Parameters
    ----------
    gain, offset, shift
        Per channel or of one entry, in units of the codes.
    reach
        The range of y.
    """
    gain, offset, shift = np.broadcast_arrays(gain, offset, shift)
    most = float(np.abs(gain).max())
    size = max(abs(end) for end in reach)
    sums = float((np.abs(gain) * (size + np.abs(offset)) + np.abs(shift)).max()) + 1
    places = SCALE_BITS - 2 - floor(log2(most))
    places = min(places, WIDEST - floor(log2(sums)) - 1, MAX_SHIFT)
    if places < 0:
        raise ValueError(
            f"a scale of {most:g} codes per unit of a sum is too large for {SCALE_BITS} bits"
        )
    factors = np.rint(gain * 2.0**places)
    if (np.abs(factors) >= 1 << (SCALE_BITS - 1)).any():  # rounded up to a power of two
        places -= 1
        factors = np.rint(gain * 2.0**places)
    factors = np.where(factors == 0, np.where(gain < 0, -1, 1), factors).astype(np.int64)
    bias = factors * offset + np.rint(np.ldexp(shift, places)).astype(np.int64)
    while places and not ((factors | bias) & 1).any():
        factors, bias, places = factors >> 1, bias >> 1, places - 1
    if len(set(factors.tolist())) == 1 == len(set(bias.tolist())):
        factors, bias = factors[:1], bias[:1]
    return factors, bias, places
