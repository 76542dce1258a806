"""Entries of a sparse column in each of SP-IMC's formats, vectorised over many columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.spimc.config import Config, Tile

Array = NDArray[Any]

# Weights worked on at a time, which bounds the memory beside input and result.
_PIECE = 1 << 19


def pieces(wt: Array) -> Iterator[slice]:
    """Yield slices of the rows of [columns, length], each of a bounded number of weights."""
    step = max(1, _PIECE // max(1, wt.shape[1]))
    for start in range(0, len(wt), step):
        yield slice(start, min(start + step, len(wt)))


def places(counts: Array) -> Ints:
    """Return 0 .. n-1 for every n in ``counts``, one after the other."""
    counts = counts.astype(np.int64)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - counts, counts))


def weights(w: ArrayLike, cfg: Config) -> Array:
    """Return W as integers that fit the macro's weights, or raise an error that names the first."""
    w = np.asarray(w)
    if w.ndim != 2:
        raise ValueError(f"W must be [rows, columns], not {list(w.shape)}")
    if w.dtype.kind not in "iub":
        raise TypeError(f"W must be integers, not {w.dtype}; quantise it first")
    half = 1 << (cfg.weight_bits - 1)
    if w.size and not -half <= w.min() <= w.max() < half:
        row, column = np.argwhere((w < -half) | (w >= half))[0]
        raise ValueError(
            f"W[{row}, {column}] = {w[row, column]} does not fit {cfg.weight_bits} bits"
        )
    return w.astype(np.int8, copy=False)


def entries(wt: Array, cfg: Config, tile: Tile, prune: bool, first: int) -> tuple[Any, Any, Any]:
    """Return column, index and weight of every entry, column by column."""
    if tile.format == "nm":
        return _grouped(wt, cfg, tile, prune, first)
    column, row = np.nonzero(wt)
    if tile.format == "rl":
        return _runs(wt, column, row, tile.run_bits or 0)
    return column, row, wt[column, row]


def _runs(wt: Array, column: Ints, row: Ints, run_bits: int) -> tuple[Any, Any, Any]:
    """Return run-length entries; a pad (2^ZB - 1, 0) covers 2^ZB rows of a longer gap."""
    before = np.full(len(row), -1, dtype=np.int64)
    before[1:] = np.where(column[1:] == column[:-1], row[:-1], -1)
    run = row - before - 1
    pads = run >> run_bits
    own = np.cumsum(pads + 1) - 1  # places of the weights among weights and pads
    total = len(row) + int(pads.sum())
    number = np.full(total, (1 << run_bits) - 1, dtype=np.int64)
    weight = np.zeros(total, dtype=wt.dtype)
    number[own] = run - (pads << run_bits)
    weight[own] = wt[column, row]
    return np.repeat(column, pads + 1), number, weight


def _grouped(wt: Array, cfg: Config, tile: Tile, prune: bool, first: int) -> tuple[Any, Any, Any]:
    """Return N entries of each group of M rows, in ascending order; zeros fill up."""
    nnz, group = tile.nnz_per_group or 1, tile.group or 1
    if nnz > 1 << cfg.ib:
        raise ValueError(f"tile.nnz_per_group = {nnz} needs more than {cfg.ib} index bits")
    columns, length = wt.shape
    groups = -(-length // group)
    if groups * group != length:
        wt = np.pad(wt, ((0, 0), (0, groups * group - length)))
    cells = wt.reshape(columns, groups, group)
    full = cells != 0
    crowded = full.sum(axis=2, dtype=np.int16) > nnz
    if crowded.any():
        if not prune:
            column, place = (int(i[0]) for i in np.nonzero(crowded))
            raise ValueError(
                f"column {first + column} has {int(full[column, place].sum())} non-zeros in rows "
                f"{place * group}..{min((place + 1) * group, length) - 1}, more than "
                f"{nnz} of {group}; prune=True drops the smallest"
            )
        size = -np.abs(cells.astype(np.int16))
        full &= np.argsort(np.argsort(size, axis=2, kind="stable"), axis=2) < nnz
    rank = np.where(
        full,
        np.cumsum(full, axis=2, dtype=np.int16) - 1,
        np.cumsum(~full, axis=2, dtype=np.int16) - 1 + full.sum(axis=2, dtype=np.int16)[..., None],
    )
    owner, cell, row = np.nonzero(rank < nnz)
    weight = np.where(full[owner, cell, row], cells[owner, cell, row], 0)
    return owner, row, weight


def entries_needed(wt: Array, cfg: Config, tile: Tile) -> Ints:
    """Return how many entries each column of int8[columns, length] takes in the tile's format."""
    length = wt.shape[1]
    if tile.format == "dense":
        return np.full(len(wt), length)
    if tile.format == "nm":
        groups = -(-length // (tile.group or 1))
        return np.full(len(wt), groups * (tile.nnz_per_group or 1))
    if tile.format != "rl":
        return np.asarray(np.count_nonzero(wt, axis=1))
    needed = np.zeros(len(wt), dtype=np.int64)
    for part in pieces(wt):
        piece = wt[part]
        column, row = np.nonzero(piece)
        owners = _runs(piece, column, row, tile.run_bits or 0)[0]
        needed[part] = np.bincount(owners, minlength=len(piece))
    return needed
