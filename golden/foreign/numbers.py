"""Numbers of foreign files: integers exactly, real numbers finite, both in range.

Nothing is rounded, clipped or wrapped: 2.9 is no integer, true is none, and neither is 3.0; what
does not fit an int64 is refused and not cut.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints

# Wider than any number that a network needs, and sums of a few still fit an int64.
WIDEST = 1 << 62

# Entries of an array, each of which becomes eight bytes.
MOST = 1 << 25


def integer(value: Any, name: str, low: int = -WIDEST, high: int = WIDEST) -> int:
    """Return an integer of Python or NumPy, or an array of one without axes, exactly.

    Raises
    ------
    ValueError
        It is none, or not in ``low`` .. ``high``; the message names the field and the value.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be an integer, not {shown(value)}")
    whole = int(value)
    if not low <= whole <= high:
        rule = f"at least {low}" if high == WIDEST else f"in {low}..{high}"
        raise ValueError(f"{name} must be {rule}, not {shown(whole)}")
    return whole


def integers(values: Any, name: str, axes: int, low: int = -WIDEST, high: int = WIDEST) -> Ints:
    """Return an array, or lists in lists, of integers as int64 of so many axes.

    Raises
    ------
    ValueError
        A value is no integer or out of range, the rows are of several lengths, or there are other
        axes; the message names the field, the place and the value.
    """
    if isinstance(values, list | tuple):
        _check_lists(values, name, axes)
        array = np.array(values, dtype=object)
        if array.size == 0:
            array = np.zeros(array.shape if array.ndim == axes else (0,) * axes, dtype=np.int64)
    else:
        array = np.asarray(values)
        if array.dtype.kind not in "iu":
            raise ValueError(f"{name} must hold integers, not {array.dtype}")
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, not {array.ndim}")
    if array.size > MOST:
        raise ValueError(f"{name} has {array.size} entries, more than the {MOST} that are read")
    if array.size and not low <= array.min() <= array.max() <= high:
        place = np.argwhere((array < low) | (array > high))[0]
        raise ValueError(
            f"{name}{where(place)} must be in {low}..{high}, not {shown(array[tuple(place)])}"
        )
    return array.astype(np.int64)


def _check_lists(values: Any, name: str, axes: int) -> None:
    """Require lists in lists of the same length, ``axes`` deep, with plain integers inside."""
    if axes > 1:
        for i, row in enumerate(values):
            if not isinstance(row, list | tuple):
                raise ValueError(f"{name}[{i}] must be a list, not {shown(row)}")
            if len(row) != len(values[0]):
                raise ValueError(f"{name}[{i}] must have {len(values[0])} entries, not {len(row)}")
            _check_lists(row, f"{name}[{i}]", axes - 1)
    elif not set(map(type, values)) <= {int}:
        place = next(i for i, value in enumerate(values) if type(value) is not int)
        raise ValueError(f"{name}[{place}] must be an integer, not {shown(values[place])}")


def reals(values: Any, name: str, axes: int) -> NDArray[np.floating[Any]]:
    """Return an array of real numbers as float32 or float64, whichever holds them exactly.

    Raises
    ------
    ValueError
        A value is NaN or infinite, the array is of another kind, or there are other axes.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise ValueError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, not {array.ndim}")
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    result: NDArray[np.floating[Any]] = np.asarray(array, np.float32 if single else np.float64)
    if array.dtype.kind in "iu" and array.size and abs(result).max() >= 1 << 53:
        raise ValueError(f"{name} must hold integers below 2**53, not {shown(abs(result).max())}")
    wrong = np.argwhere(~np.isfinite(result))
    if len(wrong):
        value = result[tuple(wrong[0])]
        raise ValueError(f"{name}{where(wrong[0])} must be finite, not {value}")
    return result


def where(place: Any) -> str:
    """Return the indices of a place, each in brackets."""
    return "".join(f"[{int(i)}]" for i in place)


def shown(value: Any) -> str:
    """Return a value as a message can hold it, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
