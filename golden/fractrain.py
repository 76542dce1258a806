"""FracTrain: values of few bits, and a precision that grows when the loss stops falling.

After arXiv 2012.13113 and the code that was released with it.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints

WINDOW = 5  # losses that a turn looks at
FIRST = 10  # losses whose mean is the scale
TURNS = 3  # so four precisions


def quantise(
    x: ArrayLike,
    n: int,
    lo: ArrayLike | None = None,
    hi: ArrayLike | None = None,
    *,
    extreme: bool = False,
) -> Ints:
    """Return codes of ``n`` bits: 0 for ``lo``, 2^n - 1 for ``hi``, rounded half to even between.

    The code is rint(clip((x - lo) (2^n - 1) / (hi - lo), 0, 2^n - 1)), and 0 where hi is lo.

    Parameters
    ----------
    x
        int or float[...], finite. Axis 0 is the batch where there is more than one axis.
    n
        1..24.
    lo, hi
        Least and largest value that have a code of their own: one number, or one per sample. If
        None, the minimum and the maximum of each sample.
    extreme
        Where they are not given, take the minimum of the samples' minima and the minimum of their
        maxima, as the released code does.

    Returns
    -------
    int64[...]

    Raises
    ------
    TypeError
        ``n`` is no integer, or ``x`` holds no numbers.
    ValueError
        ``n`` is out of range, ``x`` is empty or not finite, or ``lo`` is above ``hi``.
    """
    if not isinstance(n, int | np.integer) or isinstance(n, bool):
        raise TypeError(f"n must be an integer, not {n!r} ({type(n).__name__})")
    if not 1 <= n <= 24:
        raise ValueError(f"n must be in 1..24, not {n}")
    values = _numbers("x", x)
    if not values.size:
        raise ValueError(f"x must hold a value, not be of shape {list(values.shape)}")
    samples = values.reshape(values.shape[0] if values.ndim > 1 else 1, -1)
    low = _border("lo", lo, samples.min(axis=1), extreme)
    high = _border("hi", hi, samples.max(axis=1), extreme)
    if (low > high).any():
        k = int(np.argmax(low > high))
        raise ValueError(f"lo must not be above hi, but is {low[k]} and {high[k]}")
    top = (1 << int(n)) - 1
    width = np.where(high > low, high - low, 1.0)[:, None]
    codes = np.rint(np.clip((samples - low[:, None]) * top / width, 0, top))
    codes[high == low] = 0
    return codes.astype(np.int64).reshape(values.shape)


def turning_points(losses: Sequence[float], epsilon: float, alpha: float) -> list[int]:
    """Return the epochs after which the precision grows; they count from 1.

    A turn comes when the four losses before the newest all differ from it by at most epsilon times
    the scale, which is the mean of the first min(epoch, 10) losses. Then the window of five losses
    begins anew, and after the first and the second turn epsilon is multiplied by ``alpha``. There
    are three turns at most.

    Parameters
    ----------
    losses
        Mean loss of each epoch, finite.
    epsilon
        Least share of the scale that counts as a change, not negative.
    alpha
        Factor of epsilon from one turn to the next, not negative.

    Raises
    ------
    ValueError
        A loss is not finite, or a parameter is negative or not finite.
    """
    for name, value in (("epsilon", epsilon), ("alpha", alpha)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a number of at least 0, not {value!r}")
    losses = _numbers("losses", losses).ravel().tolist()
    turns: list[int] = []
    begin = 0  # epochs before the window
    for epoch in range(1, len(losses) + 1):
        window = losses[begin:epoch][-WINDOW:]
        first = losses[: min(epoch, FIRST)]
        near = epsilon * sum(first) / len(first)
        flat = all(abs(loss - window[-1]) <= near for loss in window[:-1])
        if len(window) == WINDOW and flat and len(turns) < TURNS:
            turns.append(epoch)
            begin = epoch
            if len(turns) < TURNS:
                epsilon *= alpha
    return turns


def _numbers(name: str, values: ArrayLike) -> Floats:
    """Return finite numbers as float64."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, not {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        wrong = array[~np.isfinite(array)][0]
        raise ValueError(f"{name} must be finite, not {wrong}")
    return array


def _border(name: str, given: ArrayLike | None, own: Floats, extreme: bool) -> Floats:
    """Return one border per sample, float64[samples]: as given, else from the samples' own."""
    if given is None:
        return np.full_like(own, own.min()) if extreme else own
    border = _numbers(name, given)
    if border.ndim and border.shape != own.shape:
        raise ValueError(
            f"{name} must be one number or one for each of {len(own)} samples, "
            f"not of shape {list(border.shape)}"
        )
    return np.broadcast_to(border, own.shape)
