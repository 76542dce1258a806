"""The macro's product of activations and a packed tile, at once and plane by plane."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.spimc.config import Config, Tile
from nomul.golden.spimc.packed import Packed
from nomul.golden.spimc.tiles import effective


def activations(tile: Tile, x: ArrayLike, length: int) -> Ints:
    """Return activations as int64[..., length], or raise ValueError naming what does not fit."""
    x = np.asarray(x)
    if x.dtype.kind not in "iub":
        raise TypeError(f"x must be integers, not {x.dtype}")
    x = x.astype(np.int64)
    if x.ndim not in (1, 2) or x.shape[-1] != length:
        raise ValueError(f"x must be of shape [{length}] or [V, {length}], not {list(x.shape)}")
    low, high = act_range(tile)
    if x.size and not low <= x.min() <= x.max() <= high:
        raise ValueError(f"x must be in {low}..{high}, not {x.min()}..{x.max()}")
    return x


def act_range(tile: Tile) -> tuple[int, int]:
    """Return the least and the greatest activation of a tile."""
    if tile.x_signed:
        return -(1 << (tile.act_bits - 1)), (1 << (tile.act_bits - 1)) - 1
    return 0, (1 << tile.act_bits) - 1


def ideal(w: ArrayLike, x: ArrayLike) -> Floats:
    """Return y = W^T x in float64: [C] for x [K], [V, C] for x [V, K]."""
    return np.asarray(x, dtype=np.float64) @ np.asarray(w, dtype=np.float64)


def model(cfg: Config, packed: "Packed", x: ArrayLike) -> Ints:
    """Return y_c = sum_k dense[k, c] x_k, as the hardware gives it.

    Parameters
    ----------
    packed
        A tile, from :func:`nomul.golden.sparse.pack` or built by hand, malformed ones included.
    x
        Activations [length], or V vectors of them.

    Returns
    -------
    int64[C], or int64[V, C]

    Raises
    ------
    NotLoaded
        The macro refuses to start the tile; see :func:`effective`.
    ValueError
        Shapes do not fit, or an activation is out of the tile's range.
    """
    weights = effective(cfg, packed)
    vectors = activations(packed.tile, x, len(weights))
    # Every partial sum is an integer below 2**24, so float64 is exact, and it has a fast product.
    return np.rint(vectors.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)


def model_by_planes(cfg: Config, packed: "Packed", x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, one bit plane after the other as the hardware works.

    acc <- 2 acc + psum from the most significant plane on; a signed plane is subtracted.
    """
    weights, tile = effective(cfg, packed), packed.tile
    vectors = activations(tile, x, len(weights))
    acc = np.zeros((*vectors.shape[:-1], weights.shape[1]), dtype=np.int64)
    for plane in reversed(range(tile.act_bits)):
        psum = ((vectors >> plane) & 1) @ weights
        sign = tile.x_signed and plane == tile.act_bits - 1
        acc = 2 * acc + (-psum if sign else psum)
    return acc


def operands(
    cfg: Config, rng: np.random.Generator, tile: Tile, n_vectors: int = 4
) -> dict[str, Ints]:
    """Return weights [length, C] that a tile can hold, and vectors [V, length].

    Weights are sparse with Laplace-like magnitudes; the first column is empty, the last has the
    most negative weights. The first vectors are the extremes of the activations.
    """
    length, half = cfg.length(tile), 1 << (cfg.weight_bits - 1)
    magnitude = np.rint(rng.laplace(scale=half / 4, size=(length, cfg.columns)))
    dense = np.clip(magnitude, -half, half - 1).astype(np.int64)
    dense[:, -1] = -half
    if tile.format == "nm":
        nnz, group = tile.nnz_per_group or 1, tile.group or 1
        groups = min(-(-length // group), cfg.slots // nnz)
        noise = rng.random((-(-length // group) * group, cfg.columns))
        noise = noise.reshape(-1, group, cfg.columns)
        keep = (noise.argsort(axis=1).argsort(axis=1) < nnz).reshape(-1, cfg.columns)[:length]
        keep[groups * group :] = False
        dense *= keep
    elif tile.format != "dense":
        full = min(cfg.slots, length)
        nnz = full if tile.format != "rl" else max(1, full - (length >> (tile.run_bits or 0)))
        rank = rng.random((length, cfg.columns)).argsort(axis=0).argsort(axis=0)
        dense *= rank < rng.integers(0, nnz + 1, cfg.columns)
    if cfg.columns > 1:
        dense[:, 0] = 0
    low, high = act_range(tile)
    x = rng.integers(low, high + 1, (n_vectors, length))
    for row, corner in enumerate((low, high)[: max(0, n_vectors - 1)]):
        x[row] = corner
    return {"w": dense, "x": x}
