"""Prototypes learned from a layer's real inputs, and the tables that follow from them."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.pq.config import LEAVES, LEVELS, Config
from nomul.golden.pq.packed import Packed
from nomul.golden.pq.product import subvectors
from nomul.golden.products.contract import code_range, half_to_even, matrix

ROUNDS = 25


def fit(
    cfg: Config, w: ArrayLike, samples: ArrayLike, seed: int = 1, like: Packed | None = None
) -> Packed:
    """Return a tile for weights int[inputs, outputs], its prototypes from samples int[n, inputs].

    Prototypes are the means of k-means (Lloyd's, from k-means++), rounded half to even; those of a
    tree are the means of its leaves, which are cut where the least squares are left. Tables are
    w^T P 2^-table_shift, rounded half to even and saturated. A tile of other weights for the same
    inputs has the same prototypes: those of ``like`` are taken, if there is one.

    Raises
    ------
    TypeError, ValueError
        Weights or samples are no integers, of another shape, or do not fit their bits.
    """
    w = matrix(cfg, w, code_range(cfg.weight_bits))
    if like is not None:
        made = tables(cfg, w, like.prototypes)
        return Packed(like.prototypes, made, like.thresholds, like.dims, cfg)
    parts, rng = subvectors(cfg, samples), np.random.default_rng(seed)
    if len(parts) == 0:
        raise ValueError("pq: samples must not be empty")
    if cfg.metric == "tree":
        grown = [_tree(parts[:, s]) for s in range(cfg.subvectors)]
        codes, thresholds, dims = (np.stack(part) for part in zip(*grown, strict=True))
        return Packed(codes, tables(cfg, w, codes), thresholds, dims, cfg)
    if cfg.shared:
        codes = _means(parts.reshape(-1, cfg.length), cfg.prototypes, rng)[None]
    else:
        sides = range(cfg.subvectors)
        codes = np.stack([_means(parts[:, s], cfg.prototypes, rng) for s in sides])
    return Packed(codes, tables(cfg, w, codes), cfg=cfg)


def tables(cfg: Config, w: Ints, prototypes: Ints) -> Ints:
    """Return int64[Ns, Np, outputs], the products of prototypes and weights as tables hold them."""
    low, high = code_range(cfg.table_bits)
    whole = products(cfg, w, prototypes)
    return np.clip(half_to_even(whole, np.array(1 << cfg.table_shift)), low, high)


def products(cfg: Config, w: Ints, prototypes: Ints) -> Ints:
    """Return the exact products of prototypes and weights, int64[Ns, Np, outputs]."""
    padded = np.zeros((cfg.subvectors * cfg.length, cfg.outputs), dtype=np.int64)
    padded[: cfg.inputs] = w
    return np.asarray(prototypes @ padded.reshape(cfg.subvectors, cfg.length, cfg.outputs))


def least_shift(cfg: Config, w: ArrayLike, prototypes: ArrayLike) -> int:
    """Return the least ``table_shift`` with which no entry saturates."""
    w = matrix(cfg, w, code_range(cfg.weight_bits))
    largest = int(np.abs(products(cfg, w, np.asarray(prototypes, dtype=np.int64))).max(initial=0))
    return next(s for s in range(63) if half(largest, s) < 1 << (cfg.table_bits - 1))


def half(value: int, shift: int) -> int:
    """Return value / 2^shift, rounded half to even."""
    return int(half_to_even(np.array(value), np.array(1 << shift)))


def _means(points: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Return k-means of points int64[n, V], rounded half to even, int64[count, V]."""
    real = points.astype(np.float64)
    centres = _spread(real, count, rng)
    for _ in range(ROUNDS):
        chosen = _apart(real, centres).argmin(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, chosen, real)
        sizes = np.bincount(chosen, minlength=count)
        moved = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return np.rint(centres).astype(np.int64)


def _spread(points: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return first centres: each a point, drawn by its squared distance from those before."""
    centres = [points[rng.integers(len(points))]]
    near = ((points - centres[0]) ** 2).sum(axis=1)
    while len(centres) < count:
        total = near.sum()
        shares = near / total if total > 0 else None
        centres.append(points[rng.choice(len(points), p=shares)])
        near = np.minimum(near, ((points - centres[-1]) ** 2).sum(axis=1))
    return np.stack(centres)


def _apart(points: Floats, centres: Floats) -> Floats:
    """Return squared distances [n, count], less the points' own squares."""
    return np.asarray((centres**2).sum(axis=1) - 2 * points @ centres.T)


def _tree(points: Ints) -> tuple[Ints, Ints, Ints]:
    """Return prototypes, thresholds and elements of a tree of points int64[n, V].

    Each level takes the element by which its nodes, cut where that is best, spread the least
    (Blalock and Guttag, arXiv 2106.10860, whose method this follows).
    """
    leaf = np.zeros(len(points), dtype=np.int64)
    thresholds = np.zeros(LEAVES - 1, dtype=np.int64)
    dims = np.zeros(LEVELS, dtype=np.int64)
    for level in range(LEVELS):
        nodes = [points[leaf == node] for node in range(1 << level)]
        tries = [[_cut(part, d) for part in nodes] for d in range(points.shape[1])]
        chosen = int(np.argmin([sum(left for left, _ in cuts) for cuts in tries]))
        offset = (1 << level) - 1
        dims[level] = chosen
        thresholds[offset : offset + len(nodes)] = [at for _, at in tries[chosen]]
        leaf = 2 * leaf + (points[:, chosen] > thresholds[offset + leaf])
    mean = points.mean(axis=0)
    parts = [points[leaf == node] for node in range(LEAVES)]
    centres = np.stack([part.mean(axis=0) if len(part) else mean for part in parts])
    return np.rint(centres).astype(np.int64), thresholds, dims


def _cut(points: Ints, element: int) -> tuple[float, int]:
    """Return the least squares that are left of points cut by an element, and the threshold."""
    if len(points) == 0:
        return 0.0, 0
    order = points[np.argsort(points[:, element], kind="stable")].astype(np.float64)
    count = np.arange(1, len(order) + 1)
    sums, squares = order.cumsum(axis=0), (order**2).sum(axis=1).cumsum()
    below = squares - (sums**2).sum(axis=1) / count
    rest = len(order) - count
    above = squares[-1] - squares - ((sums[-1] - sums) ** 2).sum(axis=1) / np.maximum(rest, 1)
    # Equal elements stay together; the last cut leaves all on one side.
    apart = np.append(np.diff(order[:, element]) > 0, True)
    left = np.where(apart, below + np.where(rest > 0, above, 0.0), np.inf)
    best = int(left.argmin())
    return float(left[best]), int(order[best, element])
