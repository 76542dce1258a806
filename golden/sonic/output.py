"""What follows a dot product: rounding, batch norm in fixed point, ReLU and max-pooling."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.codebook import fits, integers
from nomul.golden.sonic.config import Config


def rne(values: Ints, shift: int) -> Ints:
    """Return values 2**-shift, rounded to the nearest integer, ties to even."""
    if shift == 0:
        return values
    floor = values >> shift
    return (values + (1 << (shift - 1)) - 1 + (floor & 1)) >> shift


def post(
    cfg: "Config",
    y: ArrayLike,
    scale: ArrayLike,
    bias: ArrayLike = 0,
    shift: int = 0,
    *,
    relu: bool = True,
    pool: int = 1,
) -> Ints:
    """Return activations: batch norm in fixed point, ReLU, and the maximum over 2 x 2 windows.

    clip(rne((y scale + bias) 2^-shift)) to ``act_bits``. One scale and one bias per row of a fully
    connected layer [.., R], or per kernel of a convolution [.., O, OH, OW], or one for all.

    Parameters
    ----------
    y
        int[.., R] or int[.., O, OH, OW].
    scale, bias
        int or int[R or O], of ``batchnorm_bits`` and ``bias_bits`` signed bits.
    shift
        0..63.
    relu
        Whether negative values become 0.
    pool
        1, or 2 for windows of 2 x 2 positions; the last row and column of odd sizes are left out.

    Raises
    ------
    ValueError
        A shape does not fit, or the shift is negative or too large.
    """
    y, scale, bias = integers("y", y), integers("scale", scale), integers("bias", bias)
    if not 0 <= shift <= 63:
        raise ValueError(f"shift must be in 0..63, not {shift}")
    if pool not in (1, 2):
        raise ValueError(f"pool must be 1 or 2, not {pool!r}")
    fits("scale", scale, cfg.batchnorm_bits)
    fits("bias", bias, min(cfg.bias_bits, 63))
    fits("y", y, cfg.sum_bits)
    if y.ndim >= 3:
        scale, bias = (v[:, None, None] if v.ndim else v for v in (scale, bias))
    elif pool > 1:
        raise ValueError(f"pool needs y of shape [.., O, OH, OW], not {list(y.shape)}")
    high = (1 << (cfg.act_bits - 1)) - 1
    z = np.clip(_wide_rne(y * scale + bias, shift), -high - 1, high)
    z = np.maximum(z, 0) if relu else z
    if pool == 1:
        return z
    rows, columns = (size // pool * pool for size in z.shape[-2:])
    z = z[..., :rows, :columns].reshape(*z.shape[:-2], rows // pool, pool, columns // pool, pool)
    return z.max(axis=(-3, -1))


def _wide_rne(values: Ints, shift: int) -> Ints:
    # Rounding up must not wrap at 62 bits, so halves are told from the remainder.
    if shift > 62:
        return np.zeros_like(values)
    floor = values >> shift
    rest = values - (floor << shift)
    half = 1 << shift >> 1
    up = (rest > half) | ((rest == half) & (floor & 1 == 1)) if shift else np.zeros_like(rest) > 0
    return floor + up
