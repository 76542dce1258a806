"""ESSOP's counts: from real vectors to bits, and from bits to signed counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import bitstream
from nomul.golden.arrays import Ints
from nomul.golden.essop.config import Config

# Sizes of the pieces worked on at a time: source words per side, then cells, which stay in cache.
_WORDS, _CELLS = 1 << 20, 1 << 17


def quantise(values: ArrayLike, width: int) -> tuple[Ints, Ints, Ints]:
    """Return magnitudes, signs and block exponents of vectors of real numbers.

    Step 1 of the method: e is the smallest integer with max|v| < 2**e, and |v| 2**-e in [0, 1) is
    rounded down to ``width`` bits. A power of two replaces the floating-point scaling.

    Parameters
    ----------
    values
        float64[V, n], finite.
    width
        W, bits of a magnitude.

    Returns
    -------
    (int64[V, n], int64[V, n], int64[V])
        Magnitudes 0 .. 2**W - 1, signs (1: negative), exponents (0 for a zero vector).
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    _, exponent = np.frexp(np.abs(values).max(axis=1, initial=0.0))
    magnitude = np.floor(np.ldexp(np.abs(values), width - exponent[:, None]))
    negative = (values < 0) & (magnitude > 0)
    return magnitude.astype(np.int64), negative.astype(np.int64), exponent.astype(np.int64)


def operand(
    name: str, magnitude: ArrayLike, sign_name: str, sign: ArrayLike, lanes: int
) -> tuple[Ints, Ints]:
    """Return magnitudes and signs as integers [V, lanes]; raise ValueError for what is not."""
    magnitude = np.asarray(magnitude, dtype=np.int64)
    sign = np.asarray(sign, dtype=np.int64)
    for label, array in ((name, magnitude), (sign_name, sign)):
        if array.ndim != 2 or array.shape[1] != lanes:
            raise ValueError(f"{label} must be of shape [V, {lanes}], not {list(array.shape)}")
    if magnitude.shape != sign.shape:
        raise ValueError(f"{sign_name} must be of the shape of {name}, {list(magnitude.shape)}")
    if (magnitude < 0).any():
        raise ValueError(f"{name} must not be negative: {magnitude.min()}")
    if ((sign != 0) & (sign != 1)).any():
        raise ValueError(f"{sign_name} must hold 0 and 1 only")
    return magnitude, sign


def bits(cfg: Config, n_vectors: int, n_vectors_before: int = 0) -> tuple[Ints, Ints]:
    """Return the source words of both sides; see :func:`nomul.golden.bitstream.words`."""
    return bitstream.words(cfg, n_vectors, n_vectors_before)


def model(
    cfg: Config,
    x: ArrayLike,
    sx: ArrayLike,
    d: ArrayLike,
    sd: ArrayLike,
    n_vectors_before: int = 0,
    *,
    e_x: ArrayLike | None = None,
    e_d: ArrayLike | None = None,
) -> Ints:
    """Return the signed counts of V pairs of vectors, as the hardware gives them.

    Steps 2 to 4: a_i[n] = [r_n < x_i], b_j[n] = [s_n < d_j], c_ij = sum_n a_i[n] AND b_j[n], and
    the sign is the XOR of the operands' signs. Magnitudes above 2**W saturate there.

    Parameters
    ----------
    x, d
        Unsigned magnitudes [V, M] and [V, N] in units of 2**-W.
    sx, sd
        Signs 0 or 1, of the same shapes.
    n_vectors_before
        Pairs that the free-running sources have already served.
    e_x, e_d
        Block exponents of the pairs, which scale a count and change none.

    Returns
    -------
    int64[V, M, N], each in -BL .. BL

    Raises
    ------
    ValueError
        Shapes do not fit the array, a magnitude is negative, or a sign is not 0 or 1.
    """
    x, sx = operand("x", x, "sx", sx, cfg.rows)
    d, sd = operand("d", d, "sd", sd, cfg.cols)
    if len(x) != len(d):
        raise ValueError(f"x holds {len(x)} vectors and d holds {len(d)}")
    y = np.empty((len(x), cfg.rows, cfg.cols), dtype=np.int64)
    for part in _pieces(len(x), cfg.stream_bits * max(cfg.lanes(0), cfg.lanes(1)), _WORDS):
        r, s = bits(cfg, part.stop - part.start, n_vectors_before + part.start)
        a, b = _streams(cfg, r, x[part]), _streams(cfg, s, d[part])
        signs = unit(sx[part])[:, :, None], unit(sd[part])[:, None, :]
        for piece in _pieces(len(a), cfg.rows * cfg.cols, _CELLS):
            count = np.bitwise_count(a[piece, :, None] & b[piece, None, :])
            total = count[..., 0] if count.shape[-1] == 1 else count.sum(axis=-1, dtype=np.int16)
            sign = signs[0][piece] * signs[1][piece]
            np.multiply(total, sign, out=y[part][piece], dtype=np.int64)
    return y


def unit(sign: Ints) -> NDArray[np.int8]:
    """Return +1 or -1 for signs 0 or 1."""
    return (1 - 2 * sign).astype(np.int8)


def unit_exponent(cfg: Config, e_x: ArrayLike, e_d: ArrayLike) -> Ints:
    """Return the exponent of one count: a count y stands for y 2**(e_x + e_d - k)."""
    return np.asarray(e_x, dtype=np.int64) + np.asarray(e_d, dtype=np.int64) - cfg.stream_log2


def _pieces(count: int, size: int, most: int) -> Iterator[slice]:
    """Cut ``count`` items of ``size`` each into slices of at most ``most``."""
    items = max(1, most // size)
    for start in range(0, count, items):
        yield slice(start, min(start + items, count))


def _streams(cfg: Config, source: Ints, operand: Ints) -> Any:
    """Return the bit streams of [V, lanes] operands, packed: uint[V, lanes, words]."""
    narrow: Any = np.uint16 if cfg.width < 16 else np.uint32
    operand = np.minimum(operand, 1 << cfg.width).astype(narrow)[:, :, None]
    source = source.astype(narrow)
    source = source[:, None, :] if source.ndim == 2 else source.transpose(0, 2, 1)
    drawn = bitstream.ones(cfg.sng, source, operand, cfg.width)
    # Of a single lane numpy keeps the order of the transposed words, which has no wider view.
    packed = np.ascontiguousarray(np.packbits(drawn, axis=2, bitorder="little"))
    size = packed.shape[2]
    return packed.view(f"u{size}") if size <= 8 else packed.view("u8")
