"""The product by look-up: the nearest prototype of each subvector, and the sum of their tables."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.pq.config import LEVELS, Config
from nomul.golden.pq.packed import Packed
from nomul.golden.products.contract import code_range, corner_vectors, cycles, ideal, in_parts

__all__ = ["compress", "cycles", "ideal", "indices", "model", "project", "stimuli"]


def subvectors(cfg: Config, x: ArrayLike) -> Ints:
    """Return vectors int[V, inputs] in subvectors, int64[V, Ns, length], padded with zeros."""
    return in_parts(cfg, x, cfg.subvectors, cfg.length)


def indices(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return which prototype each subvector takes, int64[V, Ns].

    The one of the least distance, and of those equally near the first; or the leaf of the tree:
    from the root on, leaf = 2 leaf + (x > threshold), where x is the level's element.
    """
    parts = subvectors(cfg, x)
    if cfg.metric == "tree":
        return _leaves(packed, parts)
    chosen = np.zeros(parts.shape[:2], dtype=np.int64)
    for s in range(cfg.subvectors):
        apart = np.abs(parts[:, s, None] - packed.prototypes[0 if cfg.shared else s])
        if cfg.metric == "l2":
            apart *= apart
        chosen[:, s] = apart.sum(axis=2).argmin(axis=1)
    return chosen


def _leaves(packed: Packed, parts: Ints) -> Ints:
    leaf, s = np.zeros(parts.shape[:2], dtype=np.int64), np.arange(parts.shape[1])
    for level in range(LEVELS):
        element = parts[:, s, packed.dims[:, level]]
        leaf = 2 * leaf + (element > packed.thresholds[s, (1 << level) - 1 + leaf])
    return leaf


def model(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return y, int64[V, outputs] in units of 2^table_shift, of activations x int[V, inputs].

    The sum of each subvector's entry of its table; with ``compat`` in 16 bits that wrap.
    """
    chosen = indices(cfg, packed, x)
    y = np.zeros((len(chosen), cfg.outputs), dtype=np.int64)
    for s in range(cfg.subvectors):
        y += packed.tables[s, chosen[:, s]]
    return y.astype(np.int16).astype(np.int64) if cfg.compat else y


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Refuse: tables need real inputs, see :func:`nomul.golden.pq.fit`."""
    raise ValueError("pq: weights alone make no tables; use pq.fit(cfg, w, samples)")


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Refuse: any weights have tables, and none are computed exactly."""
    raise ValueError("pq: there are no nearest weights; use pq.fit(cfg, w, samples)")


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of random prototypes and tables, and vectors ``x``.

    Vectors are extremes, zero and any; prototypes repeat, so that the first of equal ones counts.
    """
    low, high = code_range(cfg.act_bits, cfg.act_signed)
    sides = 1 if cfg.shared else cfg.subvectors
    codes = rng.integers(low, high + 1, (sides, cfg.prototypes, cfg.length))
    codes[:, -1] = codes[:, 0]
    least, most = code_range(cfg.table_bits)
    tables = rng.integers(least, most + 1, (cfg.subvectors, cfg.prototypes, cfg.outputs))
    more = {}
    if cfg.metric == "tree":
        more["thresholds"] = rng.integers(low, high + 1, (cfg.subvectors, 15))
        more["dims"] = rng.integers(0, cfg.length, (cfg.subvectors, LEVELS))
    packed = Packed(codes, tables, cfg=cfg, **more)
    return {"packed": packed, "x": corner_vectors(cfg, rng, n_vectors)}
