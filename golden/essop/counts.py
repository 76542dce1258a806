"""ESSOP's counts: from operands to bits, and from bits to signed counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import bitstream
from nomul.golden.arrays import Ints
from nomul.golden.bitstream import Side
from nomul.golden.essop.config import Config
from nomul.golden.outer import Model

# Sizes of the pieces worked on at a time: source words per side, then cells, which stay in cache.
_WORDS, _CELLS = 1 << 20, 1 << 17


def bits(cfg: Config, n_vectors: int, n_vectors_before: int = 0) -> tuple[Ints, Ints]:
    """Return the source words of both sides; see :func:`nomul.golden.bitstream.words`."""
    return bitstream.words(cfg, n_vectors, n_vectors_before)


@Model
def model(cfg: Config, x: Ints, sx: Ints, d: Ints, sd: Ints, n_vectors_before: int) -> Ints:
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
    y = np.empty((len(x), cfg.rows, cfg.cols), dtype=np.int64)
    for part in _pieces(len(x), cfg.stream_bits * max(map(cfg.lanes, Side)), _WORDS):
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
