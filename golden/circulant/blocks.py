"""Matrices of circulant blocks: each block is made of k weights, and the nearest such matrix."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.circulant.config import Config
from nomul.golden.products import contract
from nomul.golden.products.contract import code_range, integers


def places(cfg: Config) -> tuple[Ints, Ints, Ints]:
    """Return block column, block row and element of each weight: int64[inputs, outputs] each.

    Element (i - j) mod k of a block's first column, as outputs i and inputs j count the rows and
    columns of the papers' matrix: y_i = sum_j v[(i - j) mod k] x_j.
    """
    j, i = np.indices((cfg.inputs, cfg.outputs))
    return j // cfg.k, i // cfg.k, (i - j) % cfg.k


def spread(cfg: Config, values: Ints) -> Ints:
    """Return weights int64[inputs, outputs] of blocks int64[block columns, block rows, k]."""
    return np.asarray(values[places(cfg)])


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest matrix of circulant blocks.

    Each diagonal, wrapped around its block, becomes its mean, rounded half to even and clipped;
    blocks that are cut at the border have fewer weights on some diagonals, or none.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or not of shape [inputs, outputs].
    """
    w, shape = integers("w", w), [cfg.inputs, cfg.outputs]
    if list(w.shape) != shape:
        raise ValueError(f"circulant: w must be of shape {shape}, not {list(w.shape)}")
    return spread(cfg, means(cfg, w))


def complete(cfg: Config, part: ArrayLike) -> Ints:
    """Return a tile whose upper left corner is nearest to int[rows, columns]; the rest follows.

    Where a layer ends within a tile, its weights alone count for the means: zeros beside them would
    make those of cut blocks smaller.
    """
    part = integers("w", part)
    corner = cfg.replace(inputs=part.shape[0], outputs=part.shape[1])
    values = np.zeros((cfg.block_columns, cfg.block_rows, cfg.k), dtype=np.int64)
    values[: corner.block_columns, : corner.block_rows] = means(corner, part)
    return spread(cfg, values)


def shares(cfg: Config) -> Ints:
    """Return which stored value each weight is, int64[inputs, outputs]: numbers from 0 on."""
    shape = (cfg.block_columns, cfg.block_rows, cfg.k)
    return np.asarray(np.ravel_multi_index(places(cfg), shape))


def means(cfg: Config, w: Ints) -> Ints:
    """Return the clipped and rounded means of diagonals, int64[block columns, block rows, k]."""
    shape = (cfg.block_columns, cfg.block_rows, cfg.k)
    found = contract.means(w, shares(cfg), int(np.prod(shape)), code_range(cfg.weight_bits))
    return found.reshape(shape)
