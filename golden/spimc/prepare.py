"""Prepares weights for packing: pruning, quantising with exact zeros, balancing columns."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.spimc.config import Config, Tile
from nomul.golden.spimc.entries import entries_needed, weights

Array = NDArray[Any]


def prune_groups(w: ArrayLike, nnz: int, group: int) -> Array:
    """Return W with the smallest magnitudes of each group of rows set to zero, so N of M remain."""
    w = np.array(w)
    for start in range(0, len(w), group):
        part = w[start : start + group]
        order = np.argsort(-np.abs(part.astype(np.float64)), axis=0, kind="stable")
        part[np.argsort(order, axis=0) >= nnz] = 0
    return w


def prune_magnitude(w: ArrayLike, sparsity: float) -> Array:
    """Return W with the given share of its weights, the smallest magnitudes, set to zero."""
    w = np.array(w, order="C")
    drop = round(sparsity * w.size)
    w.reshape(-1)[np.argsort(np.abs(w.astype(np.float64)).ravel(), kind="stable")[:drop]] = 0
    return w


def quantise(w: ArrayLike, bits: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return integers and one scale per column: W is about integers times scale.

    Symmetric, 2^(bits-1) - 1 for the largest magnitude of the column; zeros stay exactly zero.

    Parameters
    ----------
    w
        float[rows, columns], finite.
    bits
        2..8.
    """
    w = np.asarray(w, dtype=np.float64)
    if not np.isfinite(w).all():
        raise ValueError("W must be finite")
    if not 2 <= bits <= 8:
        raise ValueError(f"bits must be in 2..8, not {bits}")
    top = (1 << (bits - 1)) - 1
    scale = np.abs(w).max(axis=0, initial=0.0) / top
    scale[scale == 0] = 1.0
    return np.clip(np.rint(w / scale), -top, top).astype(np.int8), scale


def fold(w: ArrayLike, cfg: Config, tile: Tile) -> tuple[Array, Ints]:
    """Balance columns: an overloaded one is laid over several physical ones.

    Parameters
    ----------
    w
        int[length, columns].

    Returns
    -------
    int[length, physical], int64[physical]
        The split matrix, and for each physical column the column whose sum it is a part of. The sum
        of the parts is W, so y of a column is the sum over its parts.
    """
    w = weights(w, cfg)
    needed = entries_needed(w.T, cfg, tile)
    parts, owner = [], []
    for column in range(w.shape[1]):
        pieces = -(-int(needed[column]) // cfg.slots) or 1
        for rows in _shares(w[:, column], pieces, cfg, tile):
            part = np.zeros(len(w), dtype=w.dtype)
            part[rows] = w[rows, column]
            parts.append(part)
            owner.append(column)
    return np.stack(parts, axis=1), np.array(owner, dtype=np.int64)


def _shares(column: Array, pieces: int, cfg: Config, tile: Tile) -> list[Array]:
    """Return sets of rows, interleaved where order does not matter, that each fit the slots."""
    rows = np.flatnonzero(column)
    while True:
        shares = np.array_split(rows, pieces)
        parts = np.zeros((pieces, len(column)), dtype=column.dtype)
        for part, share in zip(parts, shares, strict=True):
            part[share] = column[share]
        if entries_needed(parts, cfg, tile).max() <= cfg.slots or pieces >= max(1, len(rows)):
            return list(shares)
        pieces += 1
