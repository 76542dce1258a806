"""Operations on bit patterns: as the array computes them, exactly, and in real numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Floats, Ints
from nomul.golden.sotfp import array, judge
from nomul.golden.sotfp.config import Config
from nomul.golden.sotfp.faults import Array
from nomul.golden.sotfp.programs import OPS
from nomul.golden.sotfp.rom import program
from nomul.golden.sotfp.words import pair, words


def model(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
    """Return the bit patterns of a op b, as the array computes them.

    Parameters
    ----------
    op
        ``add`` or ``mul``.
    a, b
        Bit patterns [n], in batches of ``cfg.lanes`` from the first one on.

    Returns
    -------
    unsigned integers [n]; NaN is the canonical quiet one
    """
    if op not in OPS:
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join(OPS)}")
    x, y = pair(cfg, a, b)
    if cfg.faulty:
        return Array(cfg).run(op, x, y)
    return array.run(program(cfg, op), x, y)


def reference(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return the bit patterns of a op b by exact integer arithmetic, apart from any program."""
    if op not in OPS:
        raise ValueError(f"sotfp has no operation {op!r}; it has {', '.join(OPS)}")
    return judge.OPS[op](cfg.form, cfg.mode, *pair(cfg, a, b))


def ideal(cfg: Config, op: str, a: ArrayLike, b: ArrayLike) -> Floats:
    """Return a op b of the operands' values in float64, without the format's rounding."""
    x, y = decode(cfg, a), decode(cfg, b)
    with np.errstate(all="ignore"):
        return np.asarray(x + y if op == "add" else x * y)


def decode(cfg: Config, x: ArrayLike) -> Floats:
    """Return the values of bit patterns, float64."""
    form = cfg.form
    s, e, m = form.unpack(words(cfg, "x", x), cfg.mode)
    value = np.ldexp(m.astype(np.float64), e - form.bias - form.mantissa_bits)
    value = np.where(form.is_infinite(x), np.inf, np.where(form.is_nan(x), np.nan, value))
    return np.asarray(np.where(s == 1, -value, value))


def encode(cfg: Config, values: ArrayLike) -> Ints:
    """Return the bit patterns nearest to real numbers, ties to even."""
    values, form = np.asarray(values, dtype=np.float64), cfg.form
    fraction, exponent = np.frexp(np.where(np.isfinite(values), np.abs(values), 0.0))
    m = np.ldexp(fraction, 53).astype(np.int64)
    e = exponent.astype(np.int64) - 53 + form.bias + form.mantissa_bits
    packed = form.pack(np.signbit(values).astype(np.int64), e, m, cfg.mode)
    infinite = form.infinity | np.signbit(values).astype(np.int64) << (cfg.width - 1)
    packed = np.where(np.isinf(values), infinite, packed)
    return np.asarray(np.where(np.isnan(values), form.nan, packed))


def dot(cfg: Config, a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
    """Return sum over k of a[n, k] * b[n, k], one ``mac`` program per k, in its order.

    The sum starts at +0 and stays in the array; every product and every sum is rounded, as separate
    multiplications and additions are.

    Parameters
    ----------
    a, b
        Bit patterns [n, k].

    Returns
    -------
    unsigned integers [n]
    """
    x, y = np.asarray(a), np.asarray(b)
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"a and b must be of one shape [n, k], not {x.shape} and {y.shape}")
    code = program(cfg, "mac")
    total: NDArray[Any] = np.zeros(len(x), dtype=np.uint64)
    for k in range(x.shape[1]):
        total = array.run(code, *pair(cfg, x[:, k], y[:, k]), total)
    return total


def reference_dot(cfg: Config, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return what :func:`dot` must give, by the exact judge."""
    x, y = np.asarray(a), np.asarray(b)
    total = np.zeros(len(x), dtype=np.int64)
    for k in range(x.shape[1]):
        total = reference(cfg, "add", total, reference(cfg, "mul", x[:, k], y[:, k]))
    return total
