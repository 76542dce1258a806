"""From real numbers and 8-bit codes to planes: the encoders of the papers that share the array."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.products.contract import integers


def _finite(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError(f"{name} must be numbers: NaN at {np.argwhere(np.isnan(array))[0]}")
    return array


def encode(x: ArrayLike, m: int) -> Ints:
    """Return the odd level nearest to N x, N = 2^m - 1, half up: int64 of the shape of x.

    2 floor((N x + N + 1) / 2) - N of x clipped to -1..1, in this order of operations, which is
    right at every tie for m <= 8 (Sun et al., AAAI 2019, section 3, who write it with sines).

    Raises
    ------
    ValueError
        m is not in 1..32, or a value is NaN.
    """
    _digits_in_range(m)
    levels = (1 << m) - 1
    clipped = np.clip(_finite("x", x), -1.0, 1.0)
    # N belongs to the top level: there the formula would give N + 1, one level that is not there.
    raised = np.floor((levels * clipped + levels + 1) / 2)
    return (2 * np.minimum(raised, levels) - levels).astype(np.int64)


def encode_by_sines(x: ArrayLike, m: int) -> Ints:
    """Return the same away from ties, digit by digit as the paper writes it.

    Digit m - 1 is the sign of sin(N 2^-m pi x), digit j - 1 that of -sin(N 2^-j pi x).
    """
    levels, x = (1 << m) - 1, np.clip(_finite("x", x), -1.0, 1.0)
    total = np.zeros(x.shape, dtype=np.int64)
    for j in range(1, m + 1):
        wave = np.sin(levels * 2.0**-j * np.pi * x)
        total += np.where((wave if j == m else -wave) >= 0, 1, -1) << (j - 1)
    return total


def digits(v: ArrayLike, m: int) -> Ints:
    """Return the digits of +-1 of odd levels, the lowest first: int64[..., m].

    Raises
    ------
    ValueError
        A level is even, or not in -(2^m - 1) .. 2^m - 1.
    """
    return 2 * ((level_codes(v, m)[..., None] >> np.arange(m)) & 1) - 1


def level_codes(v: ArrayLike, m: int, name: str = "v") -> Ints:
    """Return the binary codes (v + 2^m - 1) / 2 of odd levels; ValueError names what is none."""
    _digits_in_range(m)
    v, most = integers(name, v), (1 << m) - 1
    wrong = np.argwhere((np.abs(v) > most) | (v % 2 == 0))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise ValueError(f"{name}{list(place)} must be odd, in {-most}..{most}, not {v[place]}")
    return np.asarray((v + most) >> 1)


def _digits_in_range(m: int) -> None:
    if not 1 <= m <= 32:
        raise ValueError(f"m must be in 1..32, not {m!r}")


def batching(w: ArrayLike, n: int) -> Ints:
    """Return the weights of PrecisionBatching times 2^16, int64 of the shape of w.

    F = trunc(w 2^16), mp = max(ceil(log2 max |F|) + 1, n); a magnitude becomes the nearest pattern
    of n bits on the bits mp - n .. mp - 1, a tie the larger one, zero only where w is 0. With n = 1
    there is the one level 2^(mp - 1). Two's complement then takes n + 1 planes. After Lam et al.,
    arXiv 2003.00822, as the released code behaves.

    Raises
    ------
    ValueError
        n is not in 1..16, or a weight is NaN or too large for 30 bits.
    """
    if not 1 <= n <= 16:
        raise ValueError(f"n must be in 1..16, not {n!r}")
    w = _finite("w", w)
    if (np.abs(w) >= 2.0**14).any():
        raise ValueError(f"w must be below 2^14, not {np.abs(w).max()}")
    fixed_point = np.trunc(w * 65536).astype(np.int64)
    magnitude = np.abs(fixed_point)
    largest = int(magnitude.max(initial=0))
    top = max((largest - 1).bit_length() + 1 if largest else 0, n)
    unit = top - n
    # Half up, in integers; the largest pattern is all ones, and the least is one.
    level = (2 * magnitude + (1 << unit)) >> (unit + 1)
    level = np.clip(level, 1, (1 << n) - 1) << unit
    return np.where(w == 0, 0, np.where(w < 0, -level, level)).astype(np.int64)


def fixed(x: ArrayLike, planes: int, wrap: bool = False) -> Ints:
    """Return activations trunc(x 2^6) in so many planes of two's complement, int64.

    Saturated; ``wrap`` drops what does not fit instead, as PrecisionBatching's code does.
    """
    if not 1 <= planes <= 32:
        raise ValueError(f"planes must be in 1..32, not {planes!r}")
    scaled = np.trunc(_finite("x", x) * 64)
    half = 1 << (planes - 1)
    if not wrap:
        return np.clip(scaled, -half, half - 1).astype(np.int64)
    return np.asarray(((np.mod(scaled, 2.0 * half).astype(np.int64) + half) % (2 * half)) - half)


def requantise(q: ArrayLike, n: int) -> Ints:
    """Return n-bit codes round(q (2^n - 1) / 255) of 8-bit codes, as FracTrain makes them.

    That is not ``q >> (8 - n)``: 52, 56 and 42 of the 256 codes differ for n = 3, 4 and 6. No
    quotient is a tie, as 255 is odd.

    Raises
    ------
    ValueError
        n is not in 1..8, or a code not in 0..255.
    """
    if not 1 <= n <= 8:
        raise ValueError(f"n must be in 1..8, not {n!r}")
    q = integers("q", q)
    if q.size and not 0 <= q.min() <= q.max() <= 255:
        raise ValueError(f"q must be in 0..255, not {q.min()}..{q.max()}")
    return np.asarray((2 * q * ((1 << n) - 1) + 255) // 510)
