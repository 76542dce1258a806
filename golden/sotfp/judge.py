"""Exact integer judge of floating-point addition and multiplication: no floating point inside."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints

Mode = Literal["ieee", "ftz"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: IEEE 754 with any number of bits.

    Parameters
    ----------
    exponent_bits
        Ne. The bias is 2**(Ne - 1) - 1; all ones is infinity or NaN.
    mantissa_bits
        Nm, without the hidden bit.
    """

    exponent_bits: int
    mantissa_bits: int

    @property
    def width(self) -> int:
        """Bits of a word."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        """Exponent field of 1.0."""
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def infinity(self) -> int:
        """Pattern of plus infinity."""
        return ((1 << self.exponent_bits) - 1) << self.mantissa_bits

    @property
    def nan(self) -> int:
        """Pattern of the canonical quiet NaN: sign 0, top mantissa bit."""
        return self.infinity | 1 << (self.mantissa_bits - 1)

    def unpack(self, x: ArrayLike, mode: str) -> tuple[Ints, Ints, Ints]:
        """Return sign, exponent and significand: (-1)**s m 2**(e - bias - Nm), if finite."""
        x = np.asarray(x).astype(np.int64)
        m, e = x & ((1 << self.mantissa_bits) - 1), x >> self.mantissa_bits
        e, s = e & ((1 << self.exponent_bits) - 1), e >> self.exponent_bits
        hidden = (e > 0).astype(np.int64)
        if mode == "ftz":
            m = m * hidden
        return s, np.maximum(e, 1), m | hidden << self.mantissa_bits

    def is_nan(self, x: ArrayLike) -> NDArray[Any]:
        """Whether patterns are NaN."""
        return (np.asarray(x).astype(np.int64) & ((1 << (self.width - 1)) - 1)) > self.infinity

    def is_infinite(self, x: ArrayLike) -> NDArray[Any]:
        """Whether patterns are an infinity."""
        return (np.asarray(x).astype(np.int64) & ((1 << (self.width - 1)) - 1)) == self.infinity

    def pack(self, s: Ints, e: Ints, m: Ints, mode: str) -> Ints:
        """Round (-1)**s m 2**(e - bias - Nm), m in 0 .. 2**62, to nearest even.

        ``ieee`` underflows gradually; ``ftz`` rounds to Nm + 1 bits whatever the exponent is, and
        then takes for zero what is below the smallest normal number.
        """
        field = e + bit_length(m) - 1 - self.mantissa_bits
        if mode == "ieee":
            field = np.maximum(field, 1)
        drop = np.minimum(field - e, 63)
        left = m << np.maximum(-drop, 0)
        right = np.maximum(drop, 0)
        rounded = left >> right
        rest = left - (rounded << right)
        half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 1)
        rounded += (rest > half) | ((rest == half) & (rounded & 1 == 1))
        carried = rounded >> (self.mantissa_bits + 1)
        rounded, field = rounded >> carried, field + carried
        normal = rounded >> self.mantissa_bits
        packed = (field - 1 + normal << self.mantissa_bits) + (
            rounded - (normal << self.mantissa_bits)
        )
        packed = np.where(field >= (1 << self.exponent_bits) - 1, self.infinity, packed)
        if mode == "ftz":
            packed = np.where(field < 1, 0, packed)
        packed = np.where(m == 0, 0, packed)
        return packed | s << (self.width - 1)


def bit_length(m: Ints) -> Ints:
    """Return the number of bits of non-negative integers: 0 for 0."""
    m, count = m.copy(), np.zeros_like(m)
    for step in (32, 16, 8, 4, 2, 1):
        high = (m >> step) > 0
        count += step * high
        m >>= step * high
    return count + m


def add(form: Format, mode: str, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return the patterns of a + b.

    The exact sum needs up to 2**Ne places. Beyond Nm + 5 places the smaller operand only matters by
    being there at all, so it is replaced by one bit at the end: that changes no rounding.
    """
    sa, ea, ma = form.unpack(a, mode)
    sb, eb, mb = form.unpack(b, mode)
    swap = (ea < eb) | ((ea == eb) & (ma < mb))
    s1, e1, m1 = (np.where(swap, y, x) for x, y in ((sa, sb), (ea, eb), (ma, mb)))
    s2, e2, m2 = (np.where(swap, x, y) for x, y in ((sa, sb), (ea, eb), (ma, mb)))
    extra = form.mantissa_bits + 5
    shift = np.minimum(e1 - e2, 62)
    wide = m2 << extra
    small = (wide >> shift) | ((wide >> shift) << shift != wide)
    total = (m1 << extra) + np.where(s1 == s2, small, -small)
    # An exact zero is positive unless both operands are negative.
    sign = np.where(total == 0, s1 & s2, s1)
    result = form.pack(sign, e1 - extra, total, mode)
    infinite_a, infinite_b = form.is_infinite(a), form.is_infinite(b)
    result = np.where(infinite_b, form.infinity | sb << (form.width - 1), result)
    result = np.where(infinite_a, form.infinity | sa << (form.width - 1), result)
    invalid = infinite_a & infinite_b & (sa != sb)
    return np.where(invalid | form.is_nan(a) | form.is_nan(b), form.nan, result)


def mul(form: Format, mode: str, a: ArrayLike, b: ArrayLike) -> Ints:
    """Return the patterns of a * b."""
    sa, ea, ma = form.unpack(a, mode)
    sb, eb, mb = form.unpack(b, mode)
    s, m = sa ^ sb, ma * mb
    result = form.pack(s, ea + eb - form.bias - form.mantissa_bits, m, mode)
    infinite = form.is_infinite(a) | form.is_infinite(b)
    result = np.where(infinite, form.infinity | s << (form.width - 1), result)
    # A product of infinity with a word that counts as zero.
    invalid = infinite & (m == 0)
    return np.where(invalid | form.is_nan(a) | form.is_nan(b), form.nan, result)


OPS = {"add": add, "mul": mul}
