"""Names for the arrays that golden models take and return, and checks of what they are given."""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def integers(name: str, values: ArrayLike) -> Ints:
    """Return values as int64; fractions are never cut off, nor texts read.

    Raises
    ------
    TypeError
        They are neither whole numbers nor True and False.
    ValueError
        They make no array, or one of them needs more than 63 bits.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must be an array: its rows are of different lengths") from None
    if not array.size:
        return array.astype(np.int64)
    if array.dtype.kind == "f":  # whole ones are what numpy.zeros gives
        fractions = array[~(np.abs(array) < 1 << 53) | (array != np.rint(array))]
        if fractions.size:
            raise TypeError(f"{name} must be integers, not {float(fractions[0])}")
    elif array.dtype.kind not in "iub":
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    return int64(name, array)


def int64(name: str, array: NDArray[Any]) -> Ints:
    """Return whole numbers as int64; what needs 64 bits without sign would come back negative.

    Raises
    ------
    ValueError
        One of them needs more than 63 bits.
    """
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must fit 64 bits signed, not {array.max()}")
    return array.astype(np.int64)


def count(name: str, value: Any) -> int:
    """Return how many of something are wanted: an integer, 0 or more; True is none."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if number < 0:
        raise ValueError(f"{name} must be 0 or more, not {number}")
    return number
