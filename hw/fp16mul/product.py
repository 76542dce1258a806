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


class Digit(NamedTuple):
    """A radix-4 digit's multiple of ``a``: bits 0 .. len(a), complemented above bit 0 if negative.

    ``carry`` goes to the digit above; ``time`` is when the bits settle.
    """

    multiple: list[Value]
    negative: Value
    carry: Value
    time: int


def short_digit(m: Module, a: Value, low: Value, high: Value, carry: Value) -> Digit:
    """Return the digit -1, 0, 1 or 2: bits and carry make 0..4, 3 and 4 pass a carry on."""
    odd, both = net(m, low ^ carry), low & carry
    one, negative = net(m, ~high & odd), net(m, high & odd)
    two = net(m, ~odd & (high ^ both))
    multiple: list[Value] = [net(m, odd & a[0])]
    for bit, below in zip([*a[1:], Const(0, 1)], a, strict=True):
        multiple.append(net(m, one & bit | two & below | negative & ~bit))
    return Digit(multiple, negative, net(m, high & (low | carry)), 4)


def booth_digit(m: Module, a: Value, low: Value, high: Value, carry: Value) -> Digit:
    """Return the digit -2 .. 2 of Booth's recoding, which passes on its upper bit, at once."""
    odd = net(m, low ^ carry)
    two = net(m, ~(odd | ~(high ^ low)))
    multiple: list[Value] = [net(m, odd & a[0])]
    for bit, below in zip([*a[1:], Const(0, 1)], a, strict=True):
        multiple.append(net(m, net(m, odd & bit | two & below) ^ high))
    return Digit(multiple, high, high, 5)


def partial_products(m: Module, a: Value, b: Value) -> list[list[Bit]]:
    """Return columns of bits whose weighted sum is ``a * b``, modulo two to the number of columns.

    ``b``, of odd length, is recoded into radix-4 digits. Short ones select by one complex gate per
    bit where Booth's need an exclusive or behind it, but their carries ripple; a Booth digit in the
    middle breaks the chain. ``-x`` is ``~x + 1`` less a sign bit, and minus a bit is its complement
    plus ones from there to the top, which add up to one constant for all digits.
    """
    columns: list[list[Bit]] = [[] for _ in range(len(a) + len(b))]
    carry: Value = Const(0, 1)
    constant = time = 0
    for place in range(0, len(b) - 1, 2):
        recode = booth_digit if place == len(b) // 4 * 2 else short_digit
        digit = recode(m, a, b[place], b[place + 1], carry)
        lowest, *upper = digit.multiple
        columns[place].append(Bit(lowest, time + 2))
        # ~x + 1 has the same bit 0 as x, and a carry into bit 1 if that is zero.
        columns[place + 1].append(Bit(net(m, digit.negative & ~lowest), time + 3))
        for j, bit in enumerate(upper, place + 1):
            columns[j].append(Bit(bit, time + digit.time))
        sign = place + len(a) + 1
        columns[sign].append(Bit(net(m, ~digit.negative), time + 1))
        constant -= 1 << sign
        carry, time = digit.carry, 0 if recode is booth_digit else time + 1
    top = len(b) - 1
    one, two = net(m, b[top] ^ carry), net(m, b[top] & carry)
    for j, (bit, below) in enumerate(zip([*a, Const(0, 1)], [Const(0, 1), *a], strict=True), top):
        columns[j].append(Bit(net(m, one & bit | two & below), time + 2))
    for k, column in enumerate(columns):
        if constant >> k & 1:
            column.append(Bit(Const(1, 1), -1))
    return columns


def crossed(m: Module, a: Value, b: Value) -> list[list[Bit]]:
    """Return the ANDs of all pairs of bits by their weight: for short factors the smallest way."""
    width = len(a) + len(b) - (min(len(a), len(b)) == 1)
    columns: list[list[Bit]] = [[] for _ in range(width)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            columns[i + j].append(Bit(net(m, left & right), 1))
    return columns


def add_columns(m: Module, columns: list[list[Bit]]) -> Value:
    """Return the weighted sum of columns of bits, modulo two to their number.

    The last level of the tree is a ripple-carry adder.
    """
    columns = [list(column) for column in columns]
    lower_columns(m, columns, [1, 2])
    return Cat(bit.value for (bit,) in columns)


def lower_columns(m: Module, columns: list[list[Bit]], least: list[int]) -> None:
    """Add bits of columns, in place, until each has at most ``least[0]`` of them (Dadda 1965).

    The levels leave columns of at most ``least``, then 3, 4, 6, 9 .. bits, from the last backwards.
    Bits that settle first are added first; a carry out of the last column is dropped.
    """
    heights = list(least)
    while heights[-1] < max(map(len, columns)):
        heights.append(heights[-1] * 3 // 2)
    for height in reversed(heights[:-1]):
        for k, column in enumerate(columns):
            column.sort(key=lambda bit: bit.time)
            sums: list[Bit] = []
            while (excess := len(column) + len(sums) - height) > 0:
                count, adder = (2, half_adder) if excess == 1 else (3, full_adder)
                total, carry = adder(m, *column[:count])
                del column[:count]
                sums.append(total)
                if k + 1 < len(columns):
                    columns[k + 1].append(carry)
            column += sums


def multiply(m: Module, a: Value, b: Value) -> Value:
    """Return ``a * b``, of as many bits as both together."""
    odd = b if len(b) % 2 else Cat(b, Const(0, 1))
    return net(m, add_columns(m, partial_products(m, a, odd))[: len(a) + len(b)])
