"""The circulant product: k weights of each block, and y = W^T x by rotation or by transforms."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.circulant import fermat
from nomul.golden.circulant.blocks import means, project, spread
from nomul.golden.circulant.config import Config
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    code_range,
    corner_vectors,
    hold,
    in_parts,
    matrix,
)


@dataclass(frozen=True, eq=False)
class Packed(tile.Stored[Config]):
    """A tile of circulant blocks.

    Parameters
    ----------
    values
        int64[block columns, block rows, k], the first column of each block.
    """

    kind = Config

    def __post_init__(self) -> None:
        """Check shape and range."""
        cfg = self.cfg
        shape = (cfg.block_columns, cfg.block_rows, cfg.k)
        hold(self, "values", shape, code_range(cfg.weight_bits))

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return spread(self.cfg, self.values)

    def words(self) -> dict[str, Ints]:
        """Return the words ``w``: of each group of block rows and block column, one or k.

        ``direct``: int64[beats, units * k], group by group and then along the block columns, each
        block's first column. ``ntt``: int64[beats, units], along the block columns and then group
        by group, the codes of one point of each block.
        """
        cfg = self.cfg
        full = np.zeros((cfg.block_columns, cfg.groups * cfg.rows_at_once, cfg.k), dtype=np.int64)
        full[:, : cfg.block_rows] = self.values
        cut = full.reshape(cfg.block_columns, cfg.groups, cfg.rows_at_once, cfg.k)
        if cfg.engine == "direct":
            return {"w": cut.transpose(1, 0, 2, 3).reshape(cfg.depth, -1)}
        points = fermat.encode(fermat.transform(cut, cfg.modulus_log2), cfg.modulus_log2)
        return {"w": points.transpose(0, 1, 3, 2).reshape(cfg.depth, -1)}


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return a tile of weights int[inputs, outputs].

    Raises
    ------
    TypeError, ValueError
        The weights are no integers, of another shape, do not fit ``weight_bits``, or differ along a
        diagonal; the message has row, column and value.
    """
    w = matrix(cfg, w, code_range(cfg.weight_bits))
    values = means(cfg, w)
    outside = np.argwhere(w != spread(cfg, values))
    if len(outside):
        row, column = (int(place) for place in outside[0])
        raise ValueError(
            f"circulant: w[{row}, {column}] must equal the rest of its block's diagonal, whose "
            f"mean is {spread(cfg, values)[row, column]}, not {w[row, column]}"
        )
    return Packed(cfg, values)


def model_by_steps(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, by the engine's own steps on the words of the tile.

    ``direct``: of each block its register rotates by one from one activation to the next. ``ntt``:
    points of the transforms are multiplied and added up, and transformed back once.
    """
    cut = in_parts(cfg, x, cfg.block_columns, cfg.k)
    words = packed.words()["w"]
    by_transform = cfg.engine == "ntt"
    y = _transformed(cfg, words, cut) if by_transform else _rotated(cfg, words, cut)
    return y.reshape(len(cut), -1)[:, : cfg.outputs]


def _rotated(cfg: Config, words: Ints, x: Ints) -> Ints:
    registers = words.reshape(cfg.groups, cfg.block_columns, cfg.rows_at_once, cfg.k)
    y = np.zeros((len(x), cfg.groups, cfg.rows_at_once, cfg.k), dtype=np.int64)
    for j in range(cfg.k):
        y += np.einsum("vb,sbrk->vsrk", x[:, :, j], registers)
        registers = np.roll(registers, 1, axis=-1)
    return y


def _transformed(cfg: Config, words: Ints, x: Ints) -> Ints:
    b, modulus = cfg.modulus_log2, (1 << cfg.modulus_log2) + 1
    codes = words.reshape(cfg.block_columns, cfg.groups, cfg.k, cfg.rows_at_once)
    weights = (codes.transpose(0, 1, 3, 2) + 1) % modulus
    points = fermat.transform(x, b)
    sums = np.zeros((len(x), cfg.groups, cfg.rows_at_once, cfg.k), dtype=np.int64)
    for column in range(cfg.block_columns):
        sums += fermat.times(points[:, column, None, None], weights[column], b)
        sums %= modulus
    return fermat.decode(fermat.encode(fermat.transform(sums, b, inverse=True), b), b)


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of random weights, and vectors ``x``: extremes, zero, any."""
    low, high = code_range(cfg.weight_bits)
    values = rng.integers(low, high + 1, (cfg.block_columns, cfg.block_rows, cfg.k))
    # Elements that a cut block does not show are zero, as compression leaves them.
    packed = compress(cfg, project(cfg, spread(cfg, values)))
    return {"packed": packed, "x": corner_vectors(cfg, rng, n_vectors)}
