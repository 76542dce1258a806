"""Microcode of a product of significands by Booth's digits: two multiplier bits to a pass."""

from nomul.golden.sotfp.microcode import A_AND_NOT_B, AND, NOT_A, OR, XNOR, XOR, A, Builder
from nomul.golden.sotfp.shift import Bit


def rows(b: Builder, x: list[Bit], y: list[Bit]) -> list[int]:
    """Return x y, low bit first, one multiplier bit to a pass; both are used up.

    ``None`` as top bit stands for a one in every lane. The carry ripples as if the row were added
    everywhere, and only lanes whose multiplier bit is one take the sum, so that a place costs the
    three steps of a full adder.
    """
    first = y[0]
    assert first is not None
    acc = [b.op(AND, bit, first) for bit in x if bit is not None]
    if x[-1] is None:
        acc.append(first)
    for j, row in enumerate(y[1:], 1):
        carry: Bit = None
        gated = row is None
        for i, bit in enumerate(x):
            place = i + j
            if carry is None:
                assert bit is not None
                carry = b.half_add(acc[place], bit, where=row)
            elif place == len(acc):
                assert row is not None
                total, carry = _top(b, bit, carry, row)
                acc.append(total)
                gated = True
            elif bit is None:
                above = b.op(OR, carry, acc[place])
                b.set(acc[place], XNOR, acc[place], carry, where=row)
                carry = above
            else:
                b.full_add(acc[place], bit, carry, where=row)
        assert carry is not None
        if not gated:
            assert row is not None
            b.set(carry, AND, carry, row)
        acc.append(carry)
    return acc


def _top(b: Builder, bit: Bit, carry: int, row: int) -> tuple[int, int]:
    """Return sum and carry of a row's top bit and the carry so far, zero in other lanes."""
    if bit is None:
        total = b.op(A_AND_NOT_B, row, carry)
        b.set(carry, AND, carry, row)
        return total, carry
    total = b.op(AND, bit, row)
    above = b.op(AND, total, carry)
    b.set(total, XOR, total, carry, where=row)
    return total, above


def booth(b: Builder, x: list[Bit], y: list[Bit]) -> list[int]:
    """Return x y as :func:`rows` does, but anything where x is zero.

    A digit is -2 h + l + p, of two bits h, l of y and the bit p below them: a pass subtracts where
    h, takes x or 2 x, and keeps the sum of lanes whose digit is zero. Four steps to a place make
    two per bit of y. The sum has the sign of the highest digit so far that is not zero.
    """
    n = len(x)
    begin = 1 + n % 2
    acc: list[Bit] = list(rows(b, x, y[:begin]))
    one, sign = y[begin], None
    assert one is not None
    for q in range(begin, n - 1, 2):
        sub, after = y[q + 1], y[q + 2]
        assert sub is not None
        some = b.op(OR if q == begin else XOR, y[q] or 0, sub)
        if q > begin:
            b.set(some, OR, some, one)
        carry = _pass(b, acc, x, q, one, some, sub, sign)
        one = b.op(NOT_A, sub) if after is None else b.op(XOR, after, sub)
        if sign is None:
            b.set(carry, AND, carry, some)
            acc.append(carry)
            sign = b.op(AND, sub, some)
        else:
            b.set(sub, A, sign, unless=some)
            b.set(sign, XOR, sign, carry, where=some)
            acc.append(sign)
            sign = sub
    last = y[-1]
    _pass(b, acc, x, n - 1, one, None if last is None else b.op(OR, one, last), None, sign)
    assert None not in acc
    return [bit for bit in acc if bit is not None]


def _pass(
    b: Builder,
    acc: list[Bit],
    x: list[Bit],
    q: int,
    one: int,
    some: Bit,
    sub: Bit,
    sign: Bit,
) -> int:
    """Add x (where ``one``) or 2 x to ``acc`` from place q on, or subtract it where ``sub``.

    Lanes without ``some`` keep their sum (None: there are none). ``acc`` grows by one place, whose
    old value is ``sign``; the carry or borrow out of it is returned. Without ``sub`` the sum is
    not negative.
    """
    first, lowest = x[0], acc[q]
    assert first is not None
    assert lowest is not None
    carry = b.op(AND, first, one)
    b.set(lowest, XOR, lowest, carry)
    if sub is None:
        b.set(carry, A_AND_NOT_B, carry, lowest)
    else:
        b.set(carry, XNOR, lowest, sub, where=carry)
    for i, (bit, below) in enumerate(zip([*x[1:], None], x, strict=True), 1):
        top = i == len(x)
        if top:
            z = b.op(XNOR if below is None else A, carry, one)
        else:
            z = b.op(NOT_A if bit is None else XOR, carry, bit or 0)
        if below is not None:
            b.set(z, XOR, below, carry, unless=one)
        old = sign if top else acc[q + i] if q + i < len(acc) else None
        if not (top and sub is None):
            _carry(b, carry, old, sub, z)
        if old is None:
            if some is not None:
                b.set(z, AND, z, some)
            acc.append(z)
        elif top and sub is not None:
            assert some is not None
            b.set(z, AND, z, some)
            b.set(z, XOR, z, old)
            acc.append(z)
        else:
            b.set(old, XOR, old, z, where=some)
            if top:
                acc.append(old)
    return carry


def _carry(b: Builder, carry: int, old: Bit, sub: Bit, z: int) -> None:
    """Let the carry (where ``sub``: the borrow) be that of the next place."""
    if old is not None and sub is not None:
        b.set(carry, XOR, old, sub, where=z)
    elif old is not None:
        b.set(carry, A, old, where=z)
    elif sub is not None:
        b.set(carry, A, sub, where=z)
    else:
        b.set(carry, A_AND_NOT_B, carry, z)
