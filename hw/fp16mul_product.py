"""Integer product of two significands: radix-4 digits, a tree of adders, a carry ripple."""

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Signal, Value


class Bit(NamedTuple):
    """A bit to be added, and roughly when it settles, in gate delays."""

    value: Value
    time: int


def net(m: Module, value: Value) -> Signal:
    """Give a value a net of its own, so that all who use it share its gates."""
    signal = Signal(value.shape(), name="")
    m.d.comb += signal.eq(value)
    return signal


def half_adder(m: Module, x: Bit, y: Bit) -> tuple[Bit, Bit]:
    """Return sum and carry of two bits."""
    time = max(x.time, y.time)
    return Bit(net(m, x.value ^ y.value), time + 2), Bit(net(m, x.value & y.value), time + 1)


def full_adder(m: Module, x: Bit, y: Bit, z: Bit) -> tuple[Bit, Bit]:
    """Return sum and carry of three bits, of which ``z`` may be late."""
    time = max(x.time + 4, y.time + 4, z.time + 2)
    differ = net(m, x.value ^ y.value)
    carry = x.value & y.value | differ & z.value
    return Bit(net(m, differ ^ z.value), time), Bit(net(m, carry), time)


def partial_products(m: Module, a: Value, b: Value) -> list[list[Bit]]:
    """Return columns of bits whose weighted sum is ``a * b``, modulo two to the number of columns.

    ``b``, of odd length, is recoded into radix-4 digits -1, 0, 1, 2: two bits and the carry from
    the digit below make 0..4, of which 3 and 4 pass a carry on and leave -1 and 0. A digit thus
    selects ``-a``, ``a`` or ``2a`` by one complex gate per bit; Booth's digits, with ``-2a``, need
    an exclusive or behind it. ``-a`` is ``~a + 1`` less a sign bit, and minus a bit is its
    complement plus ones from there to the top, which add up to one constant for all digits.
    """
    columns: list[list[Bit]] = [[] for _ in range(len(a) + len(b))]
    single, double = [*a, Const(0, 1)], [Const(0, 1), *a]
    carry: Value = Const(0, 1)
    ones = 0
    for place in range(0, len(b) - 1, 2):
        low, high, time = b[place], b[place + 1], place // 2
        odd, both = net(m, low ^ carry), low & carry
        negative, one = net(m, high & odd), net(m, ~high & odd)
        two = net(m, ~odd & (high ^ both))
        carry = net(m, high & (low | carry))
        # Below bit 1, ~a + 1 is bit 0 of a and a carry.
        columns[place].append(Bit(net(m, odd & a[0]), time + 2))
        columns[place + 1].append(Bit(net(m, negative & ~a[0]), time + 3))
        for j in range(1, len(a) + 1):
            selected = one & single[j] | two & double[j] | negative & ~single[j]
            columns[place + j].append(Bit(net(m, selected), time + 4))
        sign = place + len(a) + 1
        columns[sign].append(Bit(net(m, ~negative), time + 1))
        ones -= 1 << sign
    top, time = len(b) - 1, len(b) // 2
    odd, both = net(m, b[top] ^ carry), net(m, b[top] & carry)
    for j in range(len(a) + 1):
        columns[top + j].append(Bit(net(m, odd & single[j] | both & double[j]), time + 2))
    for k, column in enumerate(columns):
        if ones >> k & 1:
            column.append(Bit(Const(1, 1), -1))
    return columns


def add_columns(m: Module, columns: list[list[Bit]]) -> Value:
    """Return the weighted sum of columns of bits, modulo two to their number (Dadda 1965).

    Each level leaves columns of at most 1, 2, 3, 4, 6, 9 .. bits; the last is a ripple-carry adder.
    Bits that settle first are added first.
    """
    columns = [list(column) for column in columns]
    heights = [1, 2]
    while heights[-1] < max(map(len, columns)):
        heights.append(heights[-1] * 3 // 2)
    for height in reversed(heights[:-1]):
        for k, column in enumerate(columns):
            column.sort(key=lambda bit: bit.time)
            sums = []
            while (excess := len(column) + len(sums) - height) > 0:
                count, adder = (2, half_adder) if excess == 1 else (3, full_adder)
                total, carry = adder(m, *column[:count])
                del column[:count]
                sums.append(total)
                if k + 1 < len(columns):
                    columns[k + 1].append(carry)
            column += sums
    return Cat(bit.value for (bit,) in columns)


def multiply(m: Module, a: Value, b: Value) -> Value:
    """Return ``a * b``, of as many bits as both together; ``b`` is of odd length."""
    return net(m, add_columns(m, partial_products(m, a, b)))
