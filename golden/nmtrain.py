"""N:M training: one dense matrix, pruned along its inputs going forward, its outputs going back.

After BDWP, arXiv 2309.13015, reconstructed from its abstract.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.nmsort import largest

Mask = NDArray[np.bool_]


def masks(w: ArrayLike, keep: int, group: int) -> tuple[Mask, Mask]:
    """Return which weights stay in the forward and in the backward product.

    Both products read the same dense W and prune it along the axis that they sum over, so each can
    skip what is pruned; the gradient of W stays dense and updates all of it.

    Parameters
    ----------
    w
        int or float[inputs, outputs], finite.
    keep, group
        N of M weights stay, the largest magnitudes, of equals the first. A last group of fewer than
        M keeps N of them, or all that it has.

    Returns
    -------
    forward, backward
        bool[inputs, outputs]: N of each M along axis 0, and along axis 1.

    Raises
    ------
    TypeError
        N or M is no integer.
    ValueError
        W is no matrix of finite numbers, or not 1 <= N <= M.
    """
    w = np.asarray(w)
    if w.ndim != 2 or w.dtype.kind not in "iuf" or not np.isfinite(w).all():
        raise ValueError(f"w must be a matrix of finite numbers, not {w.dtype}{list(w.shape)}")
    _check(keep, group)
    return _along_rows(w.T, keep, group).T, _along_rows(w, keep, group)


def _along_rows(w: NDArray[np.generic], keep: int, group: int) -> Mask:
    """Return which entries stay of each group along the last axis, bool[rows, columns].

    Zeros fill the last group: they come last, so they stay only where fewer than N others are.
    """
    rows, columns = w.shape
    groups = -(-columns // group)
    filled = np.zeros((rows, groups * group), dtype=w.dtype)
    filled[:, :columns] = w
    index = largest(filled.reshape(rows, groups, group), keep)
    stays = np.zeros((rows, groups, group), dtype=bool)
    np.put_along_axis(stays, index, True, axis=-1)
    return stays.reshape(rows, -1)[:, :columns]


def gain_cap(keep: int, group: int) -> Fraction:
    """Return how many times faster training can get at most: 3 / (2 N / M + 1).

    Of the three products of a step, forward, backward and gradient, only the first two are pruned.
    The update itself is not counted.
    """
    _check(keep, group)
    return 3 / (2 * Fraction(keep, group) + 1)


def _check(keep: int, group: int) -> None:
    for name, value in (("keep", keep), ("group", group)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r} ({type(value).__name__})")
    if not 1 <= keep <= group:
        raise ValueError(f"keep must be in 1..{group}, the size of a group, not {keep}")
