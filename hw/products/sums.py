"""Sums of columns of bits in carry-save form, and partial products of signed factors."""

from collections.abc import Sequence
from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Value

from nomul.hw.fp16mul.product import Bit, lower_columns, net

__all__ = ["Terms", "booth_terms", "crossed_terms", "dot", "net", "two_rows"]


class Terms(NamedTuple):
    """Bits to be added, by weight, and a constant that belongs to them."""

    columns: list[list[Value]]
    constant: int


def two_rows(m: Module, columns: Sequence[Sequence[Value]], width: int) -> tuple[Value, Value]:
    """Return two numbers of ``width`` bits with the sum of the bits, modulo 2**width.

    By Dadda's tree, whose last level leaves two bits of a column.
    """
    work = [[Bit(value, 0) for value in column] for column in columns[:width]]
    work += [[] for _ in range(width - len(work))]
    lower_columns(m, work, [2])
    rows = [[c[i].value if len(c) > i else Const(0, 1) for c in work] for i in range(2)]
    return Cat(*rows[0]), Cat(*rows[1])


class Digits(NamedTuple):
    """A signed number in radix 4: of each digit whether it is +-1, +-2, and negative."""

    one: list[Value]
    two: list[Value]
    minus: list[Value]


def recode(m: Module, x: Value, signed: bool) -> Digits:
    """Return Booth's digits of a number, two bits each; an unsigned one has a zero above."""
    bits = list(x) if signed else [*x, Const(0, 1)]
    if len(bits) % 2:
        bits.append(bits[-1])
    below: Value = Const(0, 1)
    digits = Digits([], [], [])
    for low, high in zip(bits[::2], bits[1::2], strict=True):
        digits.one.append(net(m, low ^ below))
        # Not from the bit above: both go into one word, which a simulator would take for a loop.
        digits.two.append(net(m, high & ~low & ~below | ~high & low & below))
        digits.minus.append(high)
        below = high
    return digits


def booth_terms(m: Module, digits: Digits, w: Value) -> Terms:
    """Return the terms of a signed number times Booth's digits.

    A negative multiple is the complement and a one. Minus a sign bit is its complement less a one,
    and these ones add up to the constant.
    """
    width = len(w) + 1
    columns: list[list[Value]] = [[] for _ in range(2 * len(digits.one) + width)]
    constant = 0
    for i, (one, two, minus) in enumerate(zip(*digits, strict=True)):
        place = 2 * i
        wide = [Const(0, 1), *w, w[-1]]
        for j in range(width):
            chosen = net(m, (one & wide[j + 1] | two & wide[j]) ^ minus)
            columns[place + j].append(net(m, ~chosen) if j == width - 1 else chosen)
        columns[place].append(minus)
        constant -= 1 << (place + width - 1)
    return Terms(columns, constant)


def crossed_terms(m: Module, x: Value, x_signed: bool, w: Value) -> Terms:
    """Return the terms of a number times a signed one: the ANDs of all pairs of bits.

    Those of one sign bit count negative: complements, less ones that add up to the constant
    (Baugh and Wooley 1973).
    """
    columns: list[list[Value]] = [[] for _ in range(len(x) + len(w))]
    constant = 0
    for i, left in enumerate(x):
        for j, right in enumerate(w):
            minus = (x_signed and i == len(x) - 1) != (j == len(w) - 1)
            columns[i + j].append(net(m, ~(left & right) if minus else left & right))
            constant -= int(minus) << (i + j)
    return Terms(columns, constant)


def merged(parts: Sequence[Terms], width: int) -> tuple[list[list[Value]], int]:
    """Return the terms of several products together, modulo 2**width."""
    columns: list[list[Value]] = [[] for _ in range(width)]
    for part in parts:
        for k, column in enumerate(part.columns[:width]):
            columns[k] += column
    return columns, sum(part.constant for part in parts)


def dot(m: Module, factors: Sequence[Digits], weights: Sequence[Value], width: int) -> Value:
    """Return the sum of products of recoded and signed numbers, modulo 2**width, by one tree."""
    parts = [booth_terms(m, x, w.as_unsigned()) for x, w in zip(factors, weights, strict=True)]
    columns, constant = merged(parts, width)
    for place, column in enumerate(columns):
        if constant >> place & 1:
            column.append(Const(1, 1))
    a, b = two_rows(m, columns, width)
    return (a + b)[:width].as_signed()
