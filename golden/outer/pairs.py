"""Pairs of vectors: from real numbers to operands, checked operands, and pairs as a network has."""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints, integers
from nomul.golden.outer.array import Array
from nomul.golden.outer.config import Unit


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
    magnitude, sign = integers(name, magnitude), integers(sign_name, sign)
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


class HasArray(Protocol):
    """A configuration from which an array follows, as a unit's."""

    @property
    def array(self) -> Array:
        """Sources, lanes, cells and read-out."""


def pairs(
    cfg: HasArray, x: ArrayLike, sx: ArrayLike, d: ArrayLike, sd: ArrayLike
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the operands of V pairs as integers; raise ValueError for what does not fit a unit.

    Magnitudes x [V, M] and d [V, N] are not negative, signs of the same shapes are 0 or 1.
    """
    x, sx = operand("x", x, "sx", sx, cfg.array.rows)
    d, sd = operand("d", d, "sd", sd, cfg.array.cols)
    if len(x) != len(d):
        raise ValueError(f"x holds {len(x)} vectors and d holds {len(d)}")
    return x, sx, d, sd


def unit_exponent(cfg: Unit, e_x: ArrayLike, e_d: ArrayLike) -> Ints:
    """Return the exponent of one count: a count y stands for y 2**(e_x + e_d - k)."""
    exponent = np.asarray(e_x, dtype=np.int64) + np.asarray(e_d, dtype=np.int64)
    return exponent - cfg.array.unit_log2


def ideal(x: ArrayLike, d: ArrayLike) -> Floats:
    """Return the exact outer product x d^T, float64[M, N]."""
    return np.outer(np.asarray(x, dtype=np.float64), np.asarray(d, dtype=np.float64))


def stimuli(cfg: Unit, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return pairs as a network has them, and corners: zero, full scale, one lane, alternating.

    Rectified normal activations and Laplace gradients, block-scaled to the whole range.
    """
    array = cfg.array
    top = 1 << array.width
    real_x = np.maximum(rng.normal(size=(n_vectors, array.rows)), 0)
    x, sx, e_x = quantise(real_x, array.width)
    d, sd, e_d = quantise(rng.laplace(size=(n_vectors, array.cols)), array.width)
    corners = [(0, 0), (top, top), (top, 1), (1, top), (0, top), (top - 1, top - 1)]
    for row, (left, right) in enumerate(corners[:n_vectors]):
        x[row], d[row] = left, right
        sx[row], sd[row] = rng.integers(0, 2, array.rows), rng.integers(0, 2, array.cols)
    e_x += rng.integers(-3, 4, n_vectors)
    return {"x": x, "sx": sx, "d": d, "sd": sd, "e_x": e_x, "e_d": e_d}
