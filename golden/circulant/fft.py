"""What the papers' fixed-point FFT would do to an integer product, as a study.

The papers do not say how their transform rounds. This one halves and rounds after each stage, and
rounds its twiddle factors and its products, all to so many bits.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Floats

Complexes = NDArray[np.complex128]


def rounded(x: Complexes, bits: int) -> Complexes:
    """Return numbers of -1..1 in fixed point of so many bits, rounded half to even."""
    scale = float(1 << (bits - 1))
    return np.asarray((np.rint(x.real * scale) + 1j * np.rint(x.imag * scale)) / scale)


def transform(x: ArrayLike, bits: int, inverse: bool = False) -> Complexes:
    """Return the transform of [..., k] divided by k; radix 2, decimation in time (Cooley, Tukey).

    Each stage adds, subtracts, halves and rounds; k is a power of two.
    """
    x = np.asarray(x, dtype=np.complex128)
    k = x.shape[-1]
    if k == 1:
        return x
    even, odd = (transform(x[..., part::2], bits, inverse) for part in (0, 1))
    sign = 1 if inverse else -1
    twiddle = rounded(np.exp(sign * 2j * np.pi * np.arange(k // 2) / k), bits)
    turned = rounded(odd * twiddle, bits)
    halves = [(even + turned) / 2, (even - turned) / 2]
    return rounded(np.concatenate(halves, axis=-1), bits)


def convolved(v: ArrayLike, x: ArrayLike, bits: int, full: int = 128) -> Floats:
    """Return the circular convolutions of integers [..., k] below ``full`` through such an FFT.

    The product of two spectra is scaled up by k before it is rounded, which their sizes allow.
    """
    v, x = (np.asarray(a, dtype=np.float64) / full for a in (v, x))
    k = v.shape[-1]
    points = rounded(transform(v, bits) * transform(x, bits) * k, bits)
    back = transform(points, bits, inverse=True)
    # Each forward transform divides by k, the points were multiplied by k, and the inverse is
    # divided by k as it must be.
    return np.asarray(back.real * full * full * k)
