"""Microcode of arrays that compute NOT and NOR only, from the same descriptions."""

from collections.abc import Sequence
from typing import NamedTuple, Unpack

from nomul.golden.sotfp.microcode import NOR, NOT_A, ONE, ZERO, A, Builder, Lanes, Search, Step


class Literal(NamedTuple):
    """A value: that of a column which is written once, or its complement. -1: constant zero."""

    column: int
    inverted: bool

    def __invert__(self) -> "Literal":
        return Literal(self.column, not self.inverted)


LOW = Literal(-1, False)
HIGH = ~LOW


class NorBuilder(Builder):
    """Writes every value as a network of NOR, in columns that are written once.

    A description's columns are only names here: each stands for the value last written to it, maybe
    inverted, so copies and complements cost nothing until a NOR needs them. Equal NORs are written
    once. A predicated write is a multiplexer, three NORs. Every column is fully written, so no
    separate initialisation of a NOR's target is counted.
    """

    predicated = False

    def __init__(self, searching: bool = False):
        super().__init__(searching)
        self.values: dict[int, Literal] = {}
        self.known: dict[tuple[int, ...], Literal] = {}

    def word(self, bits: int) -> list[int]:
        """Return new columns, to be loaded from outside."""
        columns = super().word(bits)
        self.values |= {column: Literal(column, False) for column in columns}
        return columns

    def _emit(self, step: Step) -> Literal:
        self.code.append(step)
        return Literal(step.dst, False)

    def _column(self, value: Literal) -> int:
        """Return a column that holds the value itself."""
        if value.column < 0:
            key: tuple[int, ...] = (-1, int(value.inverted))
            step = Step(0, ONE if value.inverted else ZERO, 0, 0)
        elif not value.inverted:
            return value.column
        else:
            key, step = (value.column,), Step(0, NOT_A, value.column, 0)
        if key not in self.known:
            self.known[key] = self._emit(step._replace(dst=super().word(1)[0]))
        return self.known[key].column

    def nor(self, x: Literal, y: Literal) -> Literal:
        """Return ~(x | y)."""
        if HIGH in (x, y) or x == ~y:
            return LOW
        if x in (LOW, y):
            return ~y
        if y == LOW:
            return ~x
        a, b = sorted((self._column(x), self._column(y)))
        key = (a, b)
        if key not in self.known:
            self.known[key] = self._emit(Step(super().word(1)[0], NOR, a, b))
        return self.known[key]

    def both(self, x: Literal, y: Literal) -> Literal:
        """Return x & y."""
        return self.nor(~x, ~y)

    def equal(self, x: Literal, y: Literal) -> Literal:
        """Return x == y: four NORs, and an inversion of an argument becomes one of the result."""
        if x.column < 0 or y.column < 0:
            return (y if x == HIGH else ~y) if x.column < 0 else (x if y == HIGH else ~x)
        if x.column == y.column:
            return HIGH if x == y else LOW
        flip = x.inverted != y.inverted
        p, q = Literal(x.column, False), Literal(y.column, False)
        neither = self.nor(p, q)
        result = self.nor(self.nor(p, neither), self.nor(q, neither))
        return ~result if flip else result

    def choose(self, p: Literal, x: Literal, y: Literal) -> Literal:
        """Return x where p, else y: (~p | x) & (p | y)."""
        if x == y or p == HIGH:
            return x
        if p == LOW:
            return y
        if x == ~y:
            return self.equal(p, x)
        if x.column < 0 or x.column == p.column:
            high = x in (HIGH, p)
            return ~self.nor(p, y) if high else self.nor(p, ~y)
        if y.column < 0 or y.column == p.column:
            high = y in (HIGH, ~p)
            return ~self.nor(~p, x) if high else self.nor(~p, ~x)
        if x.inverted and y.inverted:
            return ~self.choose(p, ~x, ~y)
        return self.nor(self.nor(~p, x), self.nor(p, y))

    def _value(self, f: int, a: Literal, b: Literal) -> Literal:
        if f in (ZERO, ONE):
            return HIGH if f else LOW
        if f in (A, NOT_A):
            return a if f == A else ~a
        if f in (0b1010, 0b0101):
            return b if f == 0b1010 else ~b
        if f in (0b0110, 0b1001):
            same = self.equal(a, b)
            return same if f == 0b1001 else ~same
        # One argument pair differs from the other three: an AND, inverted or not.
        odd = f if f.bit_count() == 1 else f ^ 0b1111
        place = odd.bit_length() - 1
        result = self.both(a if place & 2 else ~a, b if place & 1 else ~b)
        return result if odd == f else ~result

    def set(self, dst: int, f: int, a: int = 0, b: int = 0, **lanes: Unpack[Lanes]) -> None:
        """See :meth:`Builder.set`."""
        value = self._value(f, self.values.get(a, LOW), self.values.get(b, LOW))
        for chosen in self._chosen(lanes):
            value = self.choose(chosen, value, self.values[dst])
        self.values[dst] = value

    def gated(self, zero: int, f: int, a: int, b: int, **lanes: Unpack[Lanes]) -> int:
        """See :meth:`Builder.gated`: an AND."""
        value = self._value(f, self.values[a], self.values[b])
        for chosen in self._chosen(lanes):
            value = self.both(value, chosen)
        (name,) = self.word(1)
        self.values[name] = value
        return name

    def _chosen(self, lanes: Lanes) -> list[Literal]:
        """Return what is one in the lanes that are written."""
        where, unless = lanes.get("where"), lanes.get("unless")
        chosen = [] if where is None else [self.values[where]]
        return chosen if unless is None else [*chosen, ~self.values[unless]]

    def full_add(
        self,
        acc: int,
        addend: int,
        carry: int,
        *,
        sub: int | None = None,
        where: int | None = None,
        keep: bool = False,
    ) -> None:
        """See :meth:`Builder.full_add`: nine NORs, one more with ``where``."""
        assert sub is None
        x, y, c = self.values[acc], self.values[addend], self.values[carry]
        if where is not None:
            y = self.both(y, self.values[where])
        neither, odd = self._half(x, y)
        rest, total = self._half(odd, c)
        self.values[acc] = total
        self.values[carry] = self.nor(neither, rest)

    def half_add(self, acc: int, addend: int, *, where: int | None = None) -> int:
        """See :meth:`Builder.half_add`: the carry is gated by ``where`` too."""
        x, y = self.values[acc], self.values[addend]
        if where is not None:
            y = self.both(y, self.values[where])
        (carry,) = self.word(1)
        self.values[carry], self.values[acc] = self.both(x, y), ~self.equal(x, y)
        return carry

    def _half(self, x: Literal, y: Literal) -> tuple[Literal, Literal]:
        """Return ~(x | y) and x == y."""
        p, q = Literal(self._column(x), False), Literal(self._column(y), False)
        neither = self.nor(p, q)
        return neither, self.nor(self.nor(p, neither), self.nor(q, neither))

    def add_chain(self, accs: list[int], addends: list[int], carry: int, sub: int) -> None:
        """See :meth:`Builder.add_chain`: the addends are inverted, the borrow is a carry inside."""
        flip = self.values[sub]
        self.values[carry] = ~self.equal(self.values[carry], flip)
        for acc, addend in zip(accs, addends, strict=True):
            self.values[addend] = ~self.equal(self.values[addend], flip)
            self.full_add(acc, addend, carry)
        self.values[carry] = ~self.equal(self.values[carry], flip)

    def match(self, word: Sequence[int], key: int, invert: bool = False) -> int:
        """See :meth:`Builder.match`."""
        if not self.searching:
            return super().match(word, key, invert)
        columns = tuple(self.values[column].column for column in word)
        (name,), (dst,) = self.word(1), super().word(1)
        search = Search(columns, (key,) * len(columns), invert)
        self.values[name] = self._emit(Step(dst, ZERO, 0, 0, search=search))
        return name

    def resolve(self, columns: Sequence[int]) -> list[int]:
        """See :meth:`Builder.resolve`."""
        return [self._column(self.values[column]) for column in columns]
