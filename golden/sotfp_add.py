"""Microcode of IEEE floating-point addition, and the parts it shares with multiplication.

Words are lists of columns, least significant bit first. ``None`` stands for a bit that is zero in
every lane, which costs no step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nomul.golden.microcode import (
    A_AND_NOT_B,
    A_OR_NOT_B,
    AND,
    NOR,
    NOT_A,
    OR,
    XNOR,
    XOR,
    A,
    Builder,
)

Bit = int | None


@dataclass(frozen=True)
class Word:
    """The fields of a floating-point word: mantissa, exponent, sign."""

    m: list[int]
    e: list[int]
    s: int

    @property
    def bits(self) -> list[int]:
        """All columns in the order of the bit pattern."""
        return [*self.m, *self.e, self.s]


def load(b: Builder, exponent_bits: int, mantissa_bits: int) -> Word:
    """Return columns for an operand."""
    m, e = b.word(mantissa_bits), b.word(exponent_bits)
    return Word(m, e, b.word(1)[0])


def stages(most: int) -> int:
    """Return how many powers of two add up to at least ``most``."""
    return most.bit_length()


class Shifter:
    """Moves the bits of a word between its places, each in lanes that a predicate selects.

    Clears are postponed where they can be: two clears of one bit take one step. Until then a
    reader masks the bit itself.

    Parameters
    ----------
    b
        Collects the steps.
    x
        The word; changed in place.
    pol
        Value of a predicate in the lanes that move.
    """

    def __init__(self, b: Builder, x: list[Bit], pol: int):
        self.b, self.x = b, x
        self.masked, self.both = (A_AND_NOT_B, NOR) if pol else (AND, AND)
        self.selected = "where" if pol else "unless"
        self.pending: dict[int, int] = {}

    def clear(self, i: int, p: int, *, later: bool = False) -> None:
        """Clear bit i; with ``later`` the next change of the bit is known to be a clear too."""
        bit = self.x[i]
        if bit is None:
            return
        if i in self.pending:
            self.b.set(bit, self.both, p, self.pending.pop(i), where=bit)
        elif later:
            self.pending[i] = p
        else:
            self.b.set(bit, self.masked, bit, p)

    def settled(self, i: int) -> Bit:
        """Return bit i with nothing pending."""
        bit = self.x[i]
        if bit is not None and i in self.pending:
            self.b.set(bit, self.masked, bit, self.pending.pop(i))
        return bit

    def settle(self) -> None:
        """Do all that was postponed."""
        for i in list(self.pending):
            self.settled(i)

    def move(self, i: int, source: int, p: int) -> None:
        """Overwrite bit i by bit ``source``."""
        if self.x[i] is None:
            bit = self.settled(source)
            assert bit is not None
            unless = self.selected == "unless"
            self.x[i] = self.b.op(A_AND_NOT_B if unless else AND, bit, p)
            return
        dst, bit, mask = self.settled(i), self.x[source], self.pending.get(source)
        assert dst is not None
        assert bit is not None
        f, other = (A, bit) if mask is None else (self.masked, mask)
        self.b.set(dst, f, bit, other, **{self.selected: p})


def shift_right(b: Builder, x: list[Bit], amount: list[int]) -> Bit:
    """Shift ``x`` right in place by a word ``amount``; return the OR of the bits that fall out.

    The last two stages change places where that takes fewer steps.
    """
    order = list(range(len(amount)))
    other = [*order[:-2], *reversed(order[-2:])]

    def steps(order: list[int]) -> int:
        trial = type(b)(b.searching)
        word = [None if bit is None else trial.word(1)[0] for bit in x]
        sticky = _shift_right(trial, word, trial.word(len(amount)), order)
        return trial.steps([bit for bit in [*word, sticky] if bit is not None])

    return _shift_right(b, x, amount, min(order, other, key=steps))


def _shift_right(b: Builder, x: list[Bit], amount: list[int], order: list[int]) -> Bit:
    shifter, sticky, size = Shifter(b, x, 1), None, len(x)
    for k, after in zip(order, [*order[1:], None], strict=True):
        p, shift = amount[k], 1 << k
        lost = [bit for i in range(min(shift, size)) if (bit := shifter.settled(i)) is not None]
        sticky = gather(b, sticky, lost, p, where=True)
        for i in range(size):
            if i + shift < size and x[i + shift] is not None:
                shifter.move(i, i + shift, p)
            else:
                shifter.clear(i, p, later=after is not None and i + (1 << after) >= size)
    shifter.settle()
    return sticky


def gather(
    b: Builder, sticky: Bit, lost: list[int], p: int, *, where: bool, spend: bool = False
) -> Bit:
    """Return ``sticky`` with lost bits ORed into it, in lanes where ``p`` is ``where``.

    With ``spend`` the first of the bits may be used up.
    """
    if not lost:
        return sticky
    f = AND if where else A_AND_NOT_B
    bit = lost[0] if len(lost) == 1 else b.any_of(lost, spend=spend)
    if sticky is None:
        return b.op(f, bit, p)
    b.set(sticky, f, bit, p, unless=sticky)
    return sticky


def shift_left(
    shifter: Shifter,
    shift: int,
    held: int,
    *,
    floor: int = 0,
    zero: frozenset[int] = frozenset(),
    stale: frozenset[int] = frozenset(),
) -> None:
    """Shift left by ``shift`` in lanes where it is not held.

    Parameters
    ----------
    floor
        Places below it are not needed afterwards.
    zero
        Places that hold zero wherever it is not held, apart from the top ``shift`` ones.
    stale
        Places that need no clearing.
    """
    x, size = shifter.x, len(shifter.x)
    half = shift >> 1
    for i in reversed(range(floor, size)):
        source = i - shift
        if source >= 0 and source not in zero and x[source] is not None:
            shifter.move(i, source, held)
        elif i < size - shift and i not in zero | stale:
            shifter.clear(i, held, later=half > 1 and i < half and i >= floor)


@dataclass
class Limit:
    """Room for shifting left: the exponent must not fall below that of the subnormals.

    ``low`` are the bits of the room that match the stages; ``beyond`` is one where there is room
    for every shift to come. None: zero in every lane.
    """

    b: Builder
    low: list[Bit]
    beyond: Bit

    def held(self, k: int, busy: list[int]) -> int | None:
        """Return a column that is one where stage k must not shift; None if it never may.

        It must not where one of the ``busy`` bits is set, or room for 2**k places is lacking.
        """
        b, room = self.b, self.low[k]
        if room is None and self.beyond is None:
            return None
        column = b.any_of(busy) if len(busy) > 1 else b.op(A, busy[0])
        self._deny(k, column)
        return column

    def _deny(self, k: int, column: int) -> None:
        room, beyond = self.low[k], self.beyond
        if room is not None and beyond is not None:
            self.b.set(column, NOR, room, beyond, unless=column)
        else:
            only = room if room is not None else beyond
            assert only is not None
            self.b.set(column, NOT_A, only, unless=column)

    def lacking(self, k: int) -> int | None:
        """Return a column that is one where room for 2**k places is lacking; None if everywhere."""
        room, beyond = self.low[k], self.beyond
        if room is None and beyond is None:
            return None
        if room is not None and beyond is not None:
            return self.b.op(NOR, room, beyond)
        only = room if room is not None else beyond
        assert only is not None
        return self.b.op(NOT_A, only)

    def left(self, e: list[int]) -> int:
        """Return a column that is one where room is left for the last stage; the limit is used up.

        ``e`` is what remains of the exponent after all stages but the last, of which the next to
        last was not accounted for.
        """
        if self.beyond is None:
            return self.b.op(OR, e[0], e[1])
        self.b.set(self.beyond, OR, e[0], e[1], unless=self.beyond)
        return self.beyond

    def spend(self, k: int, held: int) -> None:
        """Account for stage k: where it had room but was held, there is room for the rest."""
        room = self.low[k]
        if room is None:
            return
        if self.beyond is None:
            self.beyond = self.b.op(AND, room, held)
        else:
            self.b.set(self.beyond, AND, room, held, unless=self.beyond)


def room_of(b: Builder, exponent: list[int], count: int) -> Limit:
    """Return the limit that an exponent sets to ``count`` stages."""
    low: list[Bit] = [*exponent[:count], *([None] * (count - len(exponent)))]
    high = exponent[count:]
    return Limit(b, low, b.any_of(high) if high else None)


def subtract_stages(
    b: Builder,
    exponent: list[int],
    held: list[Bit],
    *,
    where: Bit = None,
    zeros: Sequence[int] = (),
    narrow: bool = False,
) -> list[int]:
    """Return the exponent less the shift of all stages but the last: 2**k where ``held[k]`` is zero (None: never).

    Both words are used up. With ``where`` the difference is zero in other lanes, except for its
    lowest bit; ``zeros`` are zero there already. ``narrow`` promises that the two highest bits of
    the difference are never both one, and that one of them is where the exponent's highest is.
    """
    borrow: Bit = None
    result = exponent[:1]

    def write(k: int, f: int, z: int) -> None:
        e = exponent[k]
        if where is None:
            b.set(e, f, e, z)
            result.append(e)
        else:
            result.append(b.gated(zeros[k], f, e, z, where=where))

    for k in range(1, len(exponent)):
        e, z = exponent[k], held[k] if k < len(held) else None
        final = k + 1 == len(exponent) or (narrow and k + 2 == len(exponent))
        if narrow and k + 1 == len(exponent) and z is None:
            write(k, A_AND_NOT_B, result[k - 1])
        elif z is None and borrow is None:
            write(k, A, e)
        elif z is None:
            assert borrow is not None
            write(k, XOR, borrow)
            if not final:
                b.set(borrow, AND, borrow, result[k])
        elif borrow is None:
            if not final:
                borrow = b.op(NOR, e, z)
            write(k, XNOR, z)
        else:
            b.set(z, XNOR, z, borrow)
            if not final:
                b.set(borrow, NOT_A, e, where=z)
            write(k, XOR, z)
    return result


def round_up(
    b: Builder,
    m: list[int],
    guard: int,
    sticky: int,
    exponent: list[int],
    hidden: int,
    *,
    where: Bit = None,
    into: Sequence[int] = (),
) -> tuple[list[int], int]:
    """Round to nearest even, in place; add ``hidden`` and the mantissa's carry to the exponent.

    ``guard`` and ``hidden`` are used up. The highest bits of the exponent are written ``into``
    other columns, which keep what they hold in lanes not of ``where``. Returns the exponent, and
    the column of its carry.
    """
    b.set(guard, OR, m[0], sticky, where=guard)
    carry = guard
    for bit in m:
        b.set(bit, XOR, bit, carry)
        b.set(carry, A_AND_NOT_B, carry, bit)
    lowest, *rest = exponent
    b.full_add(lowest, hidden, carry, keep=hidden in into)
    places = [*rest[: len(rest) - len(into)], *into]
    for bit, place in zip(rest, places, strict=True):
        if place == bit:
            b.set(bit, XOR, bit, carry)
            b.set(carry, A_AND_NOT_B, carry, bit)
        else:
            b.set(place, XOR, bit, carry, where=where)
            b.set(carry, AND, carry, bit)
    return [lowest, *places], carry


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
    sign = y.s
    b.set(sign, XOR, sign, sub, unless=less)
    if ftz:
        b.set(sign, A_AND_NOT_B, sign, sub, unless=large)
    for left, differ in zip([*m, *e], [*y.m, *y.e], strict=True):
        b.set(left, XOR, left, differ, where=less)
    for left, differ in zip(m, y.m, strict=True):
        b.set(differ, XOR, differ, left)

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
    m = total[3:top]
    e, _ = round_up(b, m, total[2], sticky, e, total[top])
    b.set(m[-1], OR, m[-1], nan)
    b.set(sign, A_AND_NOT_B, sign, nan)
    return [*m, *e, sign]
