"""Microcode of shifts, in lanes that predicates select: what addition and multiplication share.

Words are lists of columns, least significant bit first. ``None`` stands for a bit that is zero in
every lane, which costs no step.
"""

from dataclasses import dataclass

from nomul.golden.sotfp.microcode import A_AND_NOT_B, AND, NOR, A, Builder

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
