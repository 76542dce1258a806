"""Exact folding of batch normalisation into integer thresholds, and of XNOR layers into tables."""

from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.lutnet.layers import LutLayer, Xnor

_LIMIT = 1 << 62


def fold_batchnorm(
    gamma: ArrayLike,
    beta: ArrayLike,
    mu: ArrayLike,
    var: ArrayLike,
    eps: float,
    fan_in: ArrayLike,
) -> tuple[Ints, Ints]:
    """Return thresholds T and flips with ``[pc >= T] xor flip == [normalised sum > 0]``, exactly.

    The sum of n products is s = 2 pc - n, its normalisation gamma (s - mu) / sigma + beta with
    sigma = sqrt(var + eps). Floats are taken as the binary fractions they are, and sigma, where it
    is irrational, enters by its square, so no rounding happens anywhere.

    Parameters
    ----------
    gamma, beta, mu, var
        float[n_out], finite.
    eps
        Added to the variance.
    fan_in
        int or int[n_out], n.

    Returns
    -------
    (int64[n_out], int64[n_out])

    Raises
    ------
    ValueError
        A value is not finite, or var + eps is not positive.
    """
    values = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v)) for v in (gamma, beta, mu, var, fan_in))
    )
    folded = []
    for i, (g, b, m, v, n) in enumerate(zip(*values, strict=True)):
        for name, value in (("gamma", g), ("beta", b), ("mu", m), ("var", v), ("eps", eps)):
            if not np.isfinite(value):
                raise ValueError(f"{name}[{i}] must be finite, not {value}")
        square = exact(v) + exact(eps)
        if square <= 0:
            raise ValueError(f"var[{i}] + eps must be positive, not {float(square)}")
        folded.append(fold(exact(g), exact(b), exact(m), square, int(n)))
    result = np.array(folded, dtype=np.int64).reshape(-1, 2)
    return result[:, 0], result[:, 1]


def exact(value: Any) -> Fraction:
    """Return a float, or a number of numpy, as the fraction that it is."""
    return Fraction(value.item() if isinstance(value, np.generic) else value)


def fold(g: Fraction, b: Fraction, m: Fraction, square: Fraction, n: int) -> tuple[int, int]:
    """Return threshold and flip of g (s - m) / sqrt(square) + b > 0 with s = 2 pc - n."""
    if g == 0:
        return (0 if b > 0 else n + 1), 0
    slope = b / g
    if g > 0:
        threshold, flip = half_floor(n + m, slope, square) + 1, 0
    else:
        # ceil(v) = -floor(-v)
        threshold, flip = -half_floor(-(n + m), -slope, square), 1
    return max(-_LIMIT, min(_LIMIT, threshold)), flip


def half_floor(c: Fraction, slope: Fraction, square: Fraction) -> int:
    """Return floor((c - slope sqrt(square)) / 2) in integers only.

    With r = slope**2 square = P / Q the value is (C Q -+ D sqrt(P Q)) / (2 D Q) for c = C / D, and
    the floor of a real number over an integer is that of its own floor.
    """
    r = slope * slope * square
    root = r.numerator * r.denominator * c.denominator**2
    whole = c.numerator * r.denominator
    low = isqrt(root)
    if slope > 0:
        # floor(whole - sqrt(root)) = whole - ceil(sqrt(root))
        whole -= low + (low * low < root)
    else:
        whole += low
    return whole // (2 * c.denominator * r.denominator)


def expand(xnor_layer: Xnor, k: int, idx: ArrayLike) -> LutLayer:
    """Return an XNOR layer embedded into K-input tables: the same sums for any input.

    Parameters
    ----------
    xnor_layer
        The binary layer.
    k
        K, 1..7.
    idx
        int[n_ops, K]: column 0 is the layer's own input, the others may be any wires. The tables
        do not depend on them yet; training makes them do so.

    Raises
    ------
    ValueError
        ``idx`` is of another shape, or its column 0 is not the layer's input.
    """
    wires = np.asarray(idx, dtype=np.int64)
    if wires.shape != (len(xnor_layer.idx), k):
        raise ValueError(
            f"idx must be of shape {[len(xnor_layer.idx), k]}, not {list(wires.shape)}"
        )
    wrong = np.flatnonzero(wires[:, 0] != xnor_layer.idx)
    if len(wrong):
        raise ValueError(
            f"idx[{wrong[0]}][0] must be the layer's own input "
            f"{xnor_layer.idx[wrong[0]]}, not {wires[wrong[0], 0]}"
        )
    # Bit a of the table is 1 where address bit 0 equals the weight.
    same = sum(1 << a for a in range(1 << k) if a & 1)
    full = (1 << (1 << k)) - 1
    return LutLayer(
        k=k,
        idx=wires,
        tt=[same if w else full ^ same for w in xnor_layer.weight],
        out=xnor_layer.out,
        n_out=xnor_layer.n_out,
        alpha=xnor_layer.alpha,
        theta=xnor_layer.theta,
        flip=xnor_layer.flip,
        level=xnor_layer.level,
        bias=xnor_layer.bias,
    )


def support(table: int, k: int) -> list[int]:
    """Return which inputs a table of 2**k bits really depends on."""
    used = []
    for bit in range(k):
        mask = sum(1 << a for a in range(1 << k) if a >> bit & 1)
        if (table & mask) >> (1 << bit) != table & (mask >> (1 << bit)):
            used.append(bit)
    return used


def cofactor(table: int, k: int, bit: int, value: int) -> int:
    """Return the table of 2**k bits with one input fixed, whose value no longer matters."""
    ones = sum(1 << a for a in range(1 << k) if a >> bit & 1)
    size = 1 << bit
    part = (table & ones) >> size if value else table & (ones >> size)
    return part | part << size


def reverse_address(table: int, k: int) -> int:
    """Return the table with its address bits in reverse order: the classic silent error."""
    return sum(
        (table >> sum((a >> j & 1) << (k - 1 - j) for j in range(k)) & 1) << a
        for a in range(1 << k)
    )


def share_xnor(layer: LutLayer) -> float:
    """Return the share of tables that are an input or its inverse: what a plain XNOR would do."""
    plain = [len(support(table, layer.k)) == 1 for table in layer.tt]
    return float(np.mean(plain)) if plain else 0.0
