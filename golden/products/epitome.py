"""Epitomes as tiles: each is made of patches of a small matrix, the same ones in every tile."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import dense, epitome
from nomul.golden.arrays import Ints
from nomul.golden.epitome import Config, Entry
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    code_range,
    corner_vectors,
    hold,
    ideal,
    integers,
    matrix,
    means,
    shaped,
)

__all__ = [
    "Config",
    "Packed",
    "complete",
    "compress",
    "cycles",
    "ideal",
    "model",
    "project",
    "shares",
    "stimuli",
]


@cache
def _patches(cfg: Config) -> tuple[Entry, ...]:
    """Return the patches of a tile, in the order of their rounds."""
    found = epitome.rounds(epitome.patches(cfg))
    return tuple(entry for part in found for entry in part)


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile as the controller and its array take it: the epitome, and the table of patches.

    Parameters
    ----------
    cfg
        The controller, whose ``inputs`` and ``outputs`` are the tile's.
    e
        int64[rows, cols], the epitome.
    """

    kind = Config

    cfg: Config
    e: Ints

    def __post_init__(self) -> None:
        """Check shape and ranges, and that the table has room for the patches."""
        hold(self, "e", (self.cfg.rows, self.cfg.cols), code_range(self.cfg.weight_bits))
        _patches(self.cfg)

    @property
    def entries(self) -> list[Entry]:
        """The patches, in the order of their rounds."""
        return list(_patches(self.cfg))

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return epitome.weights(self.cfg, self.e, self.entries, self.cfg.inputs)

    @property
    def beats(self) -> int:
        """Words of the array, and entries of the table."""
        return self.cfg.array.depth + len(self.entries)

    @property
    def first(self) -> int:
        """Words that come in side by side, on two ports: those of the longer part."""
        return max(self.cfg.array.depth, len(self.entries))

    @property
    def bits(self) -> int:
        """Cells, and the table."""
        return self.e.size * self.cfg.weight_bits + len(self.entries) * self.cfg.table_bits

    def words(self) -> dict[str, Ints]:
        """Return the words of the array, ``w``, and the entries, bit by bit."""
        cells = dense.compress(self.cfg.array, self.e).words()
        return cells | epitome.words(self.cfg, self.entries)

    def operands(self) -> dict[str, Any]:
        """Return what the controller's bench is given: the epitome and its patches."""
        return {"e": self.e, "entries": np.array(self.entries)}


def shares(cfg: Config) -> Ints:
    """Return which cell each weight of a tile is, int64[inputs, outputs]."""
    return epitome.shares(cfg, _patches(cfg))


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest weights int64[inputs, outputs] that patches make.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or of another shape; or the table has too little room.
    """
    return epitome.weights(cfg, epitome.project(cfg, w, _patches(cfg)), _patches(cfg), cfg.inputs)


def complete(cfg: Config, w: ArrayLike) -> Ints:
    """Return the tile whose first rows and columns are nearest to w; what pads it is not counted.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or larger than a tile.
    """
    w = integers("w", w)
    if w.ndim != 2 or w.shape[0] > cfg.inputs or w.shape[1] > cfg.outputs:
        most = [cfg.inputs, cfg.outputs]
        raise ValueError(f"epitome: w must be within {most}, not of shape {list(w.shape)}")
    cells = shares(cfg)[: w.shape[0], : w.shape[1]]
    found = means(w, cells, cfg.rows * cfg.cols, code_range(cfg.weight_bits))
    return epitome.weights(cfg, found.reshape(cfg.rows, cfg.cols), _patches(cfg), cfg.inputs)


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return the tile of weights int[inputs, outputs] that patches make.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, of another shape or out of range; or two weights of one cell are not
        the same, and the message has the place of the second.
    """
    w, cells = matrix(cfg, w, code_range(cfg.weight_bits)), shares(cfg)
    e = np.zeros(cfg.rows * cfg.cols, dtype=np.int64)
    numbers, first = np.unique(cells, return_index=True)
    e[numbers] = w.reshape(-1)[first]
    other = np.argwhere(e[cells] != w)
    if len(other):
        place = tuple(int(i) for i in other[0])
        raise ValueError(
            f"epitome: w{list(place)} must be {e[cells][place]}, as its cell makes another weight "
            f"too, not {w[place]}"
        )
    return Packed(cfg, e.reshape(cfg.rows, cfg.cols))


def model(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return y = W^T x, int64[V, outputs], of activations x int[V, inputs]."""
    return epitome.model(cfg, packed.e, packed.entries, shaped(cfg, x))


def cycles(cfg: Config, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles from the first activation of all vectors to the last sum."""
    return epitome.cycles(cfg, packed.entries, len(shaped(cfg, x)))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a random tile ``packed`` and vectors ``x``, corners among them."""
    low, high = code_range(cfg.weight_bits)
    packed = Packed(cfg, rng.integers(low, high + 1, (cfg.rows, cfg.cols)))
    return {"packed": packed, "x": corner_vectors(cfg, rng, n_vectors)}
