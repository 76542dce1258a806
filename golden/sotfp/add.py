"""Microcode of IEEE floating-point addition."""

from nomul.golden.sotfp.microcode import A_AND_NOT_B, A_OR_NOT_B, AND, NOT_A, OR, XOR, A, Builder
from nomul.golden.sotfp.round import room_of, round_up, subtract_stages
from nomul.golden.sotfp.shift import Bit, Shifter, Word, shift_left, shift_right, stages


def _saturated(reach: int, stage_count: int) -> list[int]:
    """Return the fewest stages whose shifts add up to at least ``reach``."""
    chosen: list[int] = []
    for k in reversed(range(stage_count)):
        if reach > sum(1 << j for j in range(k)):
            chosen.append(k)
            reach -= 1 << k
    return chosen


def add(b: Builder, x: Word, y: Word, mode: str) -> list[int]:
    """Write the steps of x + y; return the columns of the sum. The operands are used up.

    ``mode`` is ``ieee`` or ``ftz``.
    """
    ftz = mode == "ftz"
    e, m, nm = x.e, x.m, len(x.m)
    sub = b.op(XOR, x.s, y.s)
    # Hidden bits of both operands, and then of the larger and the smaller one.
    large, small = b.match(x.e, 0, invert=True), b.match(y.e, 0, invert=True)
    uneven = b.op(XOR, large, small)
    b.set(small, AND, large, small)
    b.set(large, OR, uneven, small)

    # |x| < |y| by a borrow chain that starts with the sign of x: of equal magnitudes the positive
    # one is then the larger, which makes x - x the positive zero. y becomes x ^ y on the way.
    less = x.s
    for left, right in zip([*m, *e], [*y.m, *y.e], strict=True):
        b.set(right, XOR, left, right)
        b.set(less, NOT_A, left, where=right)
    # The larger magnitude is put in x, and what is left of y is the smaller one.
    sign = y.s
    b.set(sign, XOR, sign, sub, unless=less)
    if ftz:
        b.set(sign, A_AND_NOT_B, sign, sub, unless=large)
    for left, differ in zip([*m, *e], [*y.m, *y.e], strict=True):
        b.set(left, XOR, left, differ, where=less)
    for left, differ in zip(m, y.m, strict=True):
        b.set(differ, XOR, differ, left)

    # How far the exponents are apart; an exponent of ones but for its lowest bit is watched for.
    distance = _distance(b, e, y.e, None if ftz else uneven)
    huge = b.all_of(e[1:])

    # The smaller operand moves right; two more places, and a sticky bit for all the rest.
    count = stages(nm + 3)
    amount, far = distance[:count], distance[count:]
    full = _saturated(nm + 3, count)
    beyond = far[0] if len(far) == 1 else b.any_of(far, spend=True) if far else None
    # A subnormal that counts as zero: cleared, or moved out of sight and kept from the sticky bit.
    hidden = False
    if ftz and (nm <= 2 + (1 if far else len(full)) or len(amount) < count):
        for bit in y.m:
            b.set(bit, AND, bit, small)
    elif ftz:
        hidden = True
        if beyond is not None:
            beyond = b.op(A_OR_NOT_B, beyond, small)
    for k in full:
        if beyond is not None:
            amount[k] = b.op(OR, amount[k], beyond)
        elif hidden:
            amount[k] = b.op(A_OR_NOT_B, amount[k], small)
    kept: list[Bit] = [None, None, *y.m, small]
    sticky = shift_right(b, kept, amount)
    assert sticky is not None
    if hidden:
        # Where both are subnormal the sum is flushed anyway.
        b.set(sticky, A_AND_NOT_B, sticky, uneven)
    if not ftz:
        b.set(e[0], A_OR_NOT_B, e[0], large)  # the exponent of a subnormal counts as 1

    addend = [bit for bit in kept if bit is not None]
    assert len(addend) == nm + 3
    # Opposite infinities: the smaller one has not moved, so its hidden bit is where it was.
    nan = b.op(AND, sub, addend[-1])
    b.any_of(m, into=nan)
    # The sum, or the difference: the two places below the mantissa first, then the words.
    carry = b.op(AND, sub, sticky)
    for bit in addend[:2]:
        b.set(bit, XOR, bit, carry)
        b.set(carry, AND, sub, bit, unless=carry)
    total = [*m, large]
    b.add_chain(total, addend[2:], carry, sub)

    # Infinity and NaN: a one on top keeps everything in place; the exponent falls by the one that
    # the top bit adds again. An overflow is told by the same two bits.
    b.set(nan, AND, huge, e[0], where=nan)
    b.set(carry, AND, huge, e[0], unless=carry)
    b.set(e[0], A_AND_NOT_B, e[0], huge)
    erase = b.op(AND, huge, carry)
    word = [*addend[:2], *total, carry]
    return _finish_add(b, word, e, sticky, erase, nan, sign, sub, distance, ftz=ftz)


def _distance(b: Builder, e: list[int], differ: list[int], uneven: Bit) -> list[int]:
    """Return the difference of the exponents, given the larger one and the XOR of both.

    A subnormal's exponent is one more than its field: ``uneven`` is the borrow for it.
    """
    # One full subtractor per bit; the first has no borrow where both operands are normal.
    distance: list[int] = []
    borrow = uneven
    for i, (left, unlike) in enumerate(zip(e, differ, strict=True)):
        final = i + 1 == len(e)
        if borrow is None:
            distance.append(unlike)
            if not final:
                borrow = b.op(A_AND_NOT_B, unlike, left)
            continue
        distance.append(b.op(XOR, unlike, borrow))
        if not final:
            b.set(borrow, NOT_A, left, where=unlike)
    return distance


def _finish_add(
    b: Builder,
    total: list[int],
    e: list[int],
    sticky: int,
    erase: int,
    nan: int,
    sign: int,
    sub: int,
    distance: list[int],
    *,
    ftz: bool,
) -> list[int]:
    """Normalise, round and pack. ``total`` is two extra places, mantissa, hidden bit and carry."""
    # Normalise to the left, the longest shift first, as far as the exponent allows.
    count, top = stages(len(total) - 2), len(total) - 1
    limit = room_of(b, e, count)
    held: list[Bit] = [None] * count
    x: list[Bit] = list(total)
    shifter = Shifter(b, x, 0)
    for k in reversed(range(1, count)):
        shift = 1 << k
        column = held[k] = limit.held(k, total[max(0, top + 1 - shift) :])
        if column is None:
            continue
        if k > 1:
            limit.spend(k, column)
        # Only a difference of neighbours loses four places or more; its lowest bit is zero. After
        # two, the next to lowest bit may stay: it is the result's lowest bit, or below it a tie
        # that goes to the even side.
        zero, stale = (
            (frozenset({0}), frozenset[int]()) if k > 1 else (frozenset[int](), frozenset({1}))
        )
        shift_left(shifter, shift, column, zero=zero, stale=stale)
    shifter.settle()

    # The exponents of operands whose sum vanishes, or lacks room, differ by one at most.
    one = b.op(OR, total[top - 1], total[top])
    e = subtract_stages(b, e, held, where=one, zeros=distance)
    room = limit.left(e)
    b.set(e[0], AND, e[0], one)
    # The last stage also erases the mantissa of an infinity, and of what is flushed to zero.
    if ftz:
        b.set(one, A, total[top], unless=room)
        b.set(erase, A_OR_NOT_B, erase, one)
        stay = b.op(A_AND_NOT_B, total[top], erase)
    else:
        stay = sub  # room is lacking after a difference only
        b.set(stay, A_AND_NOT_B, total[top], erase, where=room)
    for i in reversed(range(2, top)):
        b.set(total[i], A_AND_NOT_B, total[i - 1], erase, unless=stay)
    b.set(total[1], A, total[0], unless=stay)
    b.set(sticky, OR, total[0], total[1], unless=sticky)
    # Round to nearest even; the top bit of the sum is the carry that the exponent takes.
    m = total[3:top]
    e = round_up(b, m, total[2], sticky, e, total[top])
    b.set(m[-1], OR, m[-1], nan)
    b.set(sign, A_AND_NOT_B, sign, nan)
    return [*m, *e, sign]
