"""Where a permuted-diagonal matrix may have weights, and the nearest such matrix."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.permdiag.config import Config
from nomul.golden.products.contract import code_range, integers


def shifts(cfg: Config) -> Ints:
    """Return k_l of each block, int64[block rows, block columns]; l is row-major."""
    if isinstance(cfg.k, str):
        made = np.arange(cfg.block_rows * cfg.block_columns) % cfg.p
    else:
        made = np.array(cfg.k, dtype=np.int64)
    return made.reshape(cfg.block_rows, cfg.block_columns)


def indices(cfg: Config) -> Ints:
    """Return the rows that each input meets, int64[inputs, ceil(outputs / p)], ascending.

    Input j = b p + d meets row r p + (d - k_l) mod p of each block row r, so that all inputs meet
    the same number of them. A row beyond the last one is padding, and is listed as -1.
    """
    j, r = np.arange(cfg.inputs)[:, None], np.arange(cfg.block_rows)
    rows = r * cfg.p + (j % cfg.p - shifts(cfg).T[j[:, 0] // cfg.p]) % cfg.p
    return np.where(rows < cfg.outputs, rows, -1)


def places(cfg: Config) -> tuple[Ints, Ints, Ints]:
    """Return input, block row and row of every weight that is kept, int64[weights] each."""
    rows = indices(cfg)
    j, r = np.nonzero(rows >= 0)
    return j, r, rows[j, r]


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest matrix on the diagonals: what lies on them, clipped; zero elsewhere.

    Where weights are powers of two each becomes the nearest of them, a tie the smaller one.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or not of shape [inputs, outputs].
    """
    w, (low, high) = _shaped(cfg, w), code_range(cfg.weight_bits)
    j, _, i = places(cfg)
    near = np.zeros_like(w)
    kept = np.clip(w[j, i], low, high)
    near[j, i] = nearest_powers(cfg, kept) if cfg.product == "pow2" else kept
    return near


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
    w, p = _shaped(cfg, w), cfg.p
    padded = np.zeros((cfg.block_columns * p, cfg.block_rows * p))
    padded[: cfg.inputs, : cfg.outputs] = w.astype(np.float64) ** 2
    cut = padded.reshape(cfg.block_columns, p, cfg.block_rows, p)
    d = np.arange(p)
    energy = np.stack([cut[:, d, :, (d - k) % p].sum(axis=0) for k in range(p)])
    # A shift of each block column and block row; blocks are numbered row by row.
    chosen = energy.argmax(axis=0).T.reshape(-1)
    found = cfg.replace(k=tuple(int(k) for k in chosen))
    return found, project(found, w)


def _shaped(cfg: Config, w: ArrayLike) -> Ints:
    w, shape = integers("w", w), [cfg.inputs, cfg.outputs]
    if list(w.shape) != shape:
        raise ValueError(f"permdiag: w must be of shape {shape}, not {list(w.shape)}")
    return w
