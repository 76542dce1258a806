"""Where a permuted-diagonal matrix may have weights, and the nearest such matrix."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.permdiag.config import Config
from nomul.golden.products.contract import code_range, integers


def shifts(cfg: Config) -> Ints:
    """Return k_l of each block, int64[block rows, block columns]; l is row-major.

    Raises
    ------
    ValueError
        They are loaded, and so a tile's own: see ``Packed.shifts``.
    """
    if cfg.k == "loaded":
        raise ValueError("permdiag.k is loaded: shifts are a tile's")
    if isinstance(cfg.k, str):
        made = np.arange(cfg.block_rows * cfg.block_columns) % cfg.p
    else:
        made = np.array(cfg.k, dtype=np.int64)
    return made.reshape(cfg.block_rows, cfg.block_columns)


def indices(cfg: Config, k: Ints | None = None) -> Ints:
    """Return the rows that each input meets, int64[inputs, ceil(outputs / p)], ascending.

    k are a tile's shifts int64[block rows, block columns], where those of ``cfg`` are loaded.
    Input j = b p + d meets row r p + (d - k_l) mod p of each block row r, so that all inputs meet
    the same number of them. A row beyond the last one is padding, and is listed as -1.
    """
    j, r = np.arange(cfg.inputs)[:, None], np.arange(cfg.block_rows)
    k = shifts(cfg) if k is None else k
    rows = r * cfg.p + (j % cfg.p - k.T[j[:, 0] // cfg.p]) % cfg.p
    return np.where(rows < cfg.outputs, rows, -1)


def places(cfg: Config, k: Ints | None = None) -> tuple[Ints, Ints, Ints]:
    """Return input, block row and row of every weight that is kept, int64[weights] each."""
    rows = indices(cfg, k)
    j, r = np.nonzero(rows >= 0)
    return j, r, rows[j, r]


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest matrix on the diagonals: what lies on them, clipped; zero elsewhere.

    Where weights are powers of two each becomes the nearest of them, a tie the smaller one. Where
    shifts are loaded each block has the one that leaves the least squares, of several the least.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or not of shape [inputs, outputs].
    """
    w = _shaped(cfg, w)
    kept = _kept(cfg, w)
    j, _, i = places(cfg, nearest_shifts(cfg, w))
    near = np.zeros_like(w)
    near[j, i] = kept[j, i]
    return near


def _kept(cfg: Config, w: Ints) -> Ints:
    """Return what each weight becomes if it is kept."""
    clipped = np.clip(w, *code_range(cfg.weight_bits))
    return nearest_powers(cfg, clipped) if cfg.product == "pow2" else clipped


def nearest_shifts(cfg: Config, w: Ints) -> Ints:
    """Return the shifts that leave the least squares, int64[block rows, block columns].

    Those of ``cfg`` unless they are loaded. Squares are summed in float64.
    """
    if cfg.k != "loaded":
        return shifts(cfg)
    real = w.astype(np.float64)
    return _largest(cfg, real**2 - (real - _kept(cfg, w)) ** 2)


def _largest(cfg: Config, gains: Floats) -> Ints:
    """Return the shifts whose diagonals of gains float64[inputs, outputs] have the largest sums."""
    p = cfg.p
    padded = np.zeros((cfg.block_columns * p, cfg.block_rows * p))
    padded[: cfg.inputs, : cfg.outputs] = gains
    cut = padded.reshape(cfg.block_columns, p, cfg.block_rows, p)
    d = np.arange(p)
    sums = np.stack([cut[:, d, :, (d - k) % p].sum(axis=0) for k in range(p)])
    # Of each block column and block row; blocks are numbered row by row.
    return np.asarray(sums.argmax(axis=0).T)


def nearest_powers(cfg: Config, values: Ints) -> Ints:
    """Return the nearest of 0, +-1, +-2 .. +-2^(weight_bits - 2), a tie to the smaller."""
    levels = np.array([0, *(1 << np.arange(cfg.weight_bits - 1))], dtype=np.int64)
    # The first of several that are equally near is the least of them.
    chosen = np.abs(np.abs(values)[..., None] - levels).argmin(axis=-1)
    return np.asarray(np.sign(values) * levels[chosen])


def power_codes(cfg: Config, values: Ints) -> Ints:
    """Return codes of powers of two: 0 for zero, else e + 1 for 2^e; the top bit is the sign."""
    levels = np.array([0, *(1 << np.arange(cfg.weight_bits - 1))], dtype=np.int64)
    sign = (values < 0).astype(np.int64) << (cfg.stored_bits - 1)
    return np.asarray(np.searchsorted(levels, np.abs(values)) | sign)


def best(cfg: Config, w: ArrayLike) -> tuple[Config, Ints]:
    """Return the configuration whose stored shifts keep the most energy, and the nearest matrix.

    Of each block by itself, the sum of the squares of what lies on the diagonal; the least shift
    where several are best. Squares are summed in float64.
    """
    w = _shaped(cfg, w)
    chosen = _largest(cfg, w.astype(np.float64) ** 2)
    found = cfg.replace(k=tuple(int(k) for k in chosen.reshape(-1)))
    return found, project(found, w)


def _shaped(cfg: Config, w: ArrayLike) -> Ints:
    w, shape = integers("w", w), [cfg.inputs, cfg.outputs]
    if list(w.shape) != shape:
        raise ValueError(f"permdiag: w must be of shape {shape}, not {list(w.shape)}")
    return w
