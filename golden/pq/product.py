"""The product by look-up: the nearest prototype of each subvector, and the sum of their tables."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.pq.config import LEVELS, Config
from nomul.golden.pq.packed import Packed
from nomul.golden.products.contract import code_range, corner_vectors, in_parts


def subvectors(cfg: Config, x: ArrayLike) -> Ints:
    """Return vectors int[V, inputs] in subvectors, int64[V, Ns, length], padded with zeros."""
    return in_parts(cfg, x, cfg.subvectors, cfg.length)


def indices(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return which prototype each subvector takes, int64[V, Ns].

    The one of the least distance, and of those equally near the first; or the leaf of the tree:
    from the root on, leaf = 2 leaf + (x > threshold), where x is the level's element.
    """
    parts, sizes = subvectors(cfg, x), (cfg.subvectors, cfg.prototypes, cfg.outputs)
    if packed.tables.shape != sizes or packed.prototypes.shape[2] != cfg.length:
        found = [*packed.tables.shape, packed.prototypes.shape[2]]
        raise ValueError(f"pq: the tile must be of {[*sizes, cfg.length]}, not {found}")
    if cfg.metric == "tree":
        return _leaves(packed, parts)
    return np.stack(
        [
            _nearest(cfg, parts[:, s], packed.prototypes[0 if cfg.shared else s])
            for s in range(cfg.subvectors)
        ],
        axis=1,
    )


def _nearest(cfg: Config, parts: Ints, prototypes: Ints) -> Ints:
    """Return the first prototype of the least distance, int64[V], of subvectors int64[V, length].

    In the narrowest type that holds every distance, one prototype for all vectors after the other:
    what is in work then is in the cache, several vectors to an instruction.
    """
    square = cfg.metric == "l2"
    most = cfg.length * (1 << cfg.act_bits) ** (2 if square else 1)
    kinds = (kind for kind in (np.int16, np.int32) if most <= np.iinfo(kind).max)
    kind: type[np.signedinteger[Any]] = next(kinds, np.int64)
    elements, codes = np.ascontiguousarray(parts.T, dtype=kind), prototypes.astype(kind)
    chosen = np.zeros(len(parts), dtype=np.int64)
    least = np.full(len(parts), np.iinfo(kind).max, dtype=kind)
    for number, prototype in enumerate(codes):
        apart = np.zeros(len(parts), dtype=kind)
        for element, code in zip(elements, prototype, strict=True):
            difference = element - code
            apart += difference * difference if square else np.abs(difference)
        nearer = apart < least
        chosen[nearer] = number
        np.minimum(least, apart, out=least)
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
