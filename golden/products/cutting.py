"""Cuts matrices of weights into a member's tiles, and makes each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.products.contract import TooFull
from nomul.golden.products.packed import Packed


@dataclass(frozen=True, eq=False)
class Placed:
    """One tile and its place in the layer.

    Attributes
    ----------
    packed
        The tile, ``cfg.inputs`` by ``cfg.outputs``; what the layer does not fill is zero.
    rows, columns
        int64, the layer's input of each of the tile's first rows, and the layer's output of each of
        its first columns.
    used
        Weights of the layer that the tile holds.
    """

    packed: Packed
    rows: Ints
    columns: Ints
    used: int


class Fitted:
    """Makes tiles of tables that are fitted to samples int64[n, inputs] of a layer's inputs."""

    def __init__(self, module: ModuleType, cfg: Any, samples: Ints):
        self.module, self.cfg, self.samples = module, cfg, samples
        self.made: dict[tuple[int, ...], Packed] = {}

    def tile(self, w: Ints, rows: Ints) -> Packed:
        """Return the tile of weights int64[inputs, outputs] for these inputs of the layer."""
        part = np.zeros((len(self.samples), self.cfg.inputs), dtype=np.int64)
        part[:, : len(rows)] = self.samples[:, rows]
        like = self.made.get(tuple(rows.tolist()))
        packed: Packed = self.module.fit(self.cfg, w, part, like=like)
        return self.made.setdefault(tuple(rows.tolist()), packed) if like is None else packed


def cut(
    module: ModuleType,
    cfg: Any,
    blocks: list[Ints],
    first: int,
    project: bool,
    fitted: Fitted | None,
) -> list[Placed]:
    """Return the tiles of groups side by side, the first of which is number ``first``.

    ``project`` as for :func:`nomul.golden.products.plan`; ``fitted`` makes the tiles of tables.

    Raises
    ------
    ValueError
        The member cannot hold the weights, or not even one row of them.
    """
    tiles, (w, there) = [], _side_by_side(blocks)
    height, breadth = blocks[0].shape
    nearest = _nearest(module, cfg, w) if project else None
    for left in range(0, w.shape[1], cfg.outputs):
        columns = np.arange(left, min(left + cfg.outputs, w.shape[1]))
        top = 0
        while top < len(w):
            part = w[top : top + cfg.inputs, columns]
            if nearest is not None:
                count, packed = len(part), module.compress(cfg, next(nearest))
            elif fitted is None:
                count, packed = _fitting(module, cfg, part, project)
            else:
                count, whole = len(part), np.zeros((cfg.inputs, cfg.outputs), dtype=np.int64)
                whole[:count, : part.shape[1]] = part
                packed = fitted.tile(whole, first * height + np.arange(top, top + count))
            rows = np.arange(top, top + count)
            used = int(there[np.ix_(rows, columns)].sum())
            tiles.append(Placed(packed, first * height + rows, first * breadth + columns, used))
            top += count
    return tiles


def _nearest(module: ModuleType, cfg: Any, w: Ints) -> Iterator[Ints] | None:
    """Return the nearest tiles of a matrix, in order, of a member that finds all of them at once.

    None where it has none, so that each tile is projected by itself.
    """
    if not hasattr(module, "project_all"):
        return None
    tiles = []
    for left in range(0, w.shape[1], cfg.outputs):
        for top in range(0, len(w), cfg.inputs):
            part = w[top : top + cfg.inputs, left : left + cfg.outputs]
            tiles.append(np.zeros((cfg.inputs, cfg.outputs), dtype=np.int64))
            tiles[-1][: len(part), : part.shape[1]] = part
    return iter(module.project_all(cfg, tiles))


def _fitting(module: ModuleType, cfg: Any, part: Ints, project: bool) -> tuple[int, Packed]:
    """Return how many of the first rows a tile holds, as bisection finds it, and that tile."""
    low, high, best = 0, len(part) + 1, None
    length = len(part)
    # A member whose structure spans places of padding says itself what these become.
    complete = getattr(module, "complete", None) if project else None
    while high - low > 1:
        whole = np.zeros((cfg.inputs, cfg.outputs), dtype=np.int64)
        whole[:length, : part.shape[1]] = part[:length]
        if complete is not None:
            whole = complete(cfg, part[:length])
        elif project:
            whole = module.project(cfg, whole)
        try:
            low, best = length, module.compress(cfg, whole)
        except TooFull:
            if length == 1:
                raise
            high = length
        length = (low + high) // 2
    assert best is not None
    return low, best


def _side_by_side(blocks: list[Ints]) -> tuple[Ints, NDArray[np.bool_]]:
    """Return one matrix with the blocks on its diagonal, and where they are."""
    height, breadth = blocks[0].shape
    whole = np.zeros((height * len(blocks), breadth * len(blocks)), dtype=np.int64)
    there = np.zeros(whole.shape, dtype=np.bool_)
    for number, block in enumerate(blocks):
        row, column = number * height, number * breadth
        place = slice(row, row + height), slice(column, column + breadth)
        whole[place], there[place] = block, True
    return whole, there
