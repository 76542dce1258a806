"""Arithmetic modulo a Fermat number 2^b + 1, where powers of two are roots of unity.

Codes are those of Leibowitz ("A simplified binary arithmetic for the Fermat number transform", IEEE
Trans. ASSP 24, 1976): the residue less one in b bits, and zero as 2^b, one bit above. Multiplying
by a power of two then rotates the bits and complements those that go around.
"""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints


def encode(values: ArrayLike, b: int) -> Ints:
    """Return the codes of integers of any sign, int64, 0..2^b."""
    return np.asarray((np.asarray(values, dtype=np.int64) - 1) % ((1 << b) + 1))


def decode(codes: ArrayLike, b: int) -> Ints:
    """Return the integers next to zero that codes stand for: -2^(b-1)+1 .. 2^(b-1)."""
    residues = (np.asarray(codes, dtype=np.int64) + 1) % ((1 << b) + 1)
    return np.where(residues > 1 << (b - 1), residues - (1 << b) - 1, residues)


def times(x: ArrayLike, y: ArrayLike, b: int) -> Ints:
    """Return products of residues 0..2^b modulo 2^b + 1, of b up to 32: half by half in int64."""
    modulus, half = (1 << b) + 1, (b + 1) // 2
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    above = x * (y >> half) % modulus
    return np.asarray(((above << half) + x * (y & ((1 << half) - 1))) % modulus)


def root(k: int, b: int) -> int:
    """Return the exponent of the power of two that is a principal k-th root of unity."""
    return 2 * b // k


def transform(x: ArrayLike, b: int, inverse: bool = False) -> Ints:
    """Return the transform of residues int64[..., k] along the last axis, residues again.

    X_f = sum_j x_j 2^(root j f), modulo 2^b + 1; the inverse has the opposite exponent and is
    divided by k, which is a power of two too.
    """
    x, modulus = np.asarray(x, dtype=np.int64) % ((1 << b) + 1), (1 << b) + 1
    k = x.shape[-1]
    turn = np.outer(np.arange(k), np.arange(k)) * root(k, b)
    if inverse:
        turn = -turn - (k.bit_length() - 1)
    powers = np.array([pow(2, int(e), modulus) for e in range(2 * b)], dtype=np.int64)
    table = powers[turn % (2 * b)]
    result = np.zeros_like(x)
    for j in range(k):
        result = (result + times(x[..., j, None], table[j], b)) % modulus
    return result


def rotate(codes: ArrayLike, turn: int, b: int) -> Ints:
    """Return the codes of residues times 2^turn: bits go around and change; zero stays zero."""
    codes, turn, ones = np.asarray(codes, dtype=np.int64), turn % (2 * b), (1 << b) - 1
    value = codes ^ (ones if turn >= b else 0)
    turn %= b
    wrapped = ((value & ones) >> (b - turn)) ^ ((1 << turn) - 1)
    moved = ((value << turn) & ones) | wrapped
    return np.where(codes == 1 << b, codes, moved)


def add(x: ArrayLike, y: ArrayLike, b: int) -> Ints:
    """Return the codes of sums: the carry, inverted, is added below; that may carry into zero."""
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    whole, zero = x + y, 1 << b
    total = (whole & (zero - 1)) + (1 - (whole >> b))
    return np.where(x == zero, y, np.where(y == zero, x, total))
