"""SECDED: check bits that correct one wrong bit of a word and notice two."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints


class Corrected(NamedTuple):
    """Words int64[n], and where two bits were wrong, bool[n]: those words are as they were read."""

    word: Ints
    double: np.ndarray[tuple[int], np.dtype[np.bool_]]


def check_bits(bits: int) -> int:
    """Return how many bits a word of ``bits`` bits gets: r of Hamming, 2^r > bits + r, and one."""
    r = 1
    while 1 << r <= bits + r:
        r += 1
    return r + 1


def _places(bits: int) -> Ints:
    """Return the places of a word's bits in the code, from 1; powers of two are checks."""
    every = np.arange(1, bits + check_bits(bits))
    return every[(every & (every - 1)) != 0][:bits]


def encode(word: ArrayLike, bits: int) -> Ints:
    """Return code words int64[n]: the word, its Hamming checks above, and the parity of all.

    Parameters
    ----------
    word
        int[n] of ``bits`` bits, at most 32.
    """
    data, r = np.asarray(word, dtype=np.int64), check_bits(bits) - 1
    ones = (data[:, None] >> np.arange(bits)) & 1
    checks = np.bitwise_xor.reduce(np.where(ones, _places(bits), 0), axis=1)
    code = data | (checks << bits)
    parity = np.bitwise_count(code.astype(np.uint64)).astype(np.int64) & 1
    return code | (parity << (bits + r))


def decode(code: ArrayLike, bits: int) -> Corrected:
    """Return the words of code words that came back with some bits wrong; arguments as above."""
    read, r = np.asarray(code, dtype=np.int64), check_bits(bits) - 1
    data, places = read & ((1 << bits) - 1), _places(bits)
    ones = (data[:, None] >> np.arange(bits)) & 1
    checks = np.bitwise_xor.reduce(np.where(ones, places, 0), axis=1)
    syndrome = checks ^ ((read >> bits) & ((1 << r) - 1))
    odd = (np.bitwise_count(read.astype(np.uint64)) & 1).astype(bool)
    # One wrong bit makes the parity odd; the syndrome says which, if it is one of the word's.
    wrong = (syndrome[:, None] == places) & odd[:, None]
    fixed = data ^ (wrong << np.arange(bits)).sum(axis=1)
    return Corrected(fixed, (syndrome != 0) & ~odd)
