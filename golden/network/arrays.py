"""Checks of the arrays and numbers that layers are made of."""

import operator
from typing import Any

import numpy as np

from nomul.golden.arrays import Ints

Shape = tuple[int, ...]
Range = tuple[int, int]


def integers(what: str, value: Any, axes: int) -> Ints:
    """Return an array of integers as int64; floating point is never rounded to it.

    Raises
    ------
    TypeError
        The values are no integers.
    ValueError
        There are not ``axes`` axes, one of them is empty, or a value needs more than 63 bits.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {array.dtype}")
    if array.ndim != axes or 0 in array.shape:
        raise ValueError(f"{what} must have {axes} axes, none empty, not {list(array.shape)}")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{what} must fit 64 bits signed, not {array.max()}")
    return array.astype(np.int64)


def integer(what: str, value: Any, low: int, high: int) -> int:
    """Return an integer of a range; neither True nor 1.0 is one.

    Raises
    ------
    TypeError
        The value is no integer.
    ValueError
        It is outside ``low`` .. ``high``.
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{what} must be an integer, not {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{what} must be in {low}..{high}, not {number}")
    return number


def sizes(what: str, value: Any, count: int, low: int, high: int) -> Shape:
    """Return ``count`` integers of a range as a tuple; one integer stands for all of them."""
    if not isinstance(value, list | tuple):
        value = (value,) * count
    if len(value) != count:
        raise ValueError(f"{what} must have {count} entries, not {list(value)}")
    return tuple(integer(what, item, low, high) for item in value)


def signed_bits(low: int, high: int) -> int:
    """Return the width of a two's complement word that holds a range."""
    return max(int(high).bit_length(), int(~low if low < 0 else low).bit_length()) + 1


def code_bits(low: int, high: int) -> int:
    """Return the width of a word that holds a range: unsigned where nothing is negative."""
    return max(int(high).bit_length(), 1) if low >= 0 else signed_bits(low, high)
