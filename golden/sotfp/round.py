"""Microcode of exponents, room and rounding: what addition and multiplication share."""

from collections.abc import Sequence
from dataclasses import dataclass

from nomul.golden.sotfp.microcode import A_AND_NOT_B, AND, NOR, NOT_A, OR, XNOR, XOR, A, Builder
from nomul.golden.sotfp.shift import Bit


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
    """Return the exponent less the shift of all stages but the last.

    A stage shifts by 2**k, in lanes where ``held[k]`` is zero (None: in no lane).

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
) -> list[int]:
    """Round to nearest even, in place; add ``hidden`` and the mantissa's carry to the exponent.

    ``guard`` and ``hidden`` are used up. The highest bits of the exponent are written ``into``
    other columns, which keep what they hold in lanes not of ``where``. Returns the exponent.
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
    return [lowest, *places]
