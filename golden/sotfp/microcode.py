"""Microcode of a row-parallel memory array: steps, the builder, and the allocation of columns.

One file, since the builder is one class, whose steps share the allocation of columns.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, Unpack

# Two-input Boolean functions: bit 2a + b of the number is the value at (a, b).
ZERO, ONE = 0b0000, 0b1111
A, NOT_A = 0b1100, 0b0011
AND, OR, XOR = 0b1000, 0b1110, 0b0110
NAND, NOR, XNOR = 0b0111, 0b0001, 0b1001
A_AND_NOT_B, A_OR_NOT_B = 0b0100, 0b1101


class Search(NamedTuple):
    """Masked equality: whether every column holds its key bit, inverted if ``invert``."""

    columns: tuple[int, ...]
    keys: tuple[int, ...]
    invert: bool


class Step(NamedTuple):
    """One micro-operation on all lanes: ``dst := f(a, b)``, in lanes where ``p`` equals ``pol``.

    One read phase, then one write phase. ``p`` is -1 where the write is unconditional; ``search``
    replaces f, a and b. ``other``: the write goes to the bank whose program comes next.
    """

    dst: int
    f: int
    a: int
    b: int
    p: int = -1
    pol: int = 1
    search: Search | None = None
    other: bool = False

    @property
    def sources(self) -> tuple[int, ...]:
        """Columns that the read phase senses, without repetition."""
        if self.search is not None:
            return self.search.columns
        used = {self.a} if depends_on_a(self.f) else set()
        if depends_on_b(self.f):
            used.add(self.b)
        if self.p >= 0:
            used.add(self.p)
        return tuple(sorted(used))


def depends_on_a(f: int) -> bool:
    """Whether a function's value changes with its first argument."""
    return f >> 2 != f & 3


def depends_on_b(f: int) -> bool:
    """Whether a function's value changes with its second argument."""
    return (f >> 1 & 0b0101) != (f & 0b0101)


@dataclass(frozen=True)
class Program:
    """Straight-line microcode, the same for all operands.

    Parameters
    ----------
    code
        The steps, on numbered columns.
    inputs
        One tuple of columns per operand, least significant bit first; loaded before the start.
    output
        Columns of the result, least significant bit first.
    columns
        Columns that the program needs: 1 + the highest number it uses.
    """

    code: tuple[Step, ...]
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    columns: int

    @property
    def steps(self) -> int:
        """Steps executed, whatever the operands are."""
        return len(self.code)

    @property
    def reads(self) -> int:
        """Read phases: steps that sense at least one column and are not searches."""
        return sum(1 for step in self.code if step.search is None and step.sources)

    @property
    def sensed(self) -> int:
        """Columns sensed, summed over the read phases: one cell per lane each."""
        return sum(len(step.sources) for step in self.code if step.search is None)

    @property
    def writes(self) -> int:
        """Write phases: every step writes one column."""
        return len(self.code)

    @property
    def searches(self) -> int:
        """Search phases."""
        return sum(1 for step in self.code if step.search is not None)


class Lanes(TypedDict, total=False):
    """The lanes that a step writes: those with a one in ``where``, or with a zero in ``unless``."""

    where: int | None
    unless: int | None


class Builder:
    """Collects steps on columns without end; :meth:`program` then allocates real ones.

    Any two-input function may be written, predicated or not: operation set ``sot``.

    Parameters
    ----------
    searching
        Whether :meth:`match` is one search step, or a chain of two-input functions.
    """

    # Whether a predicated write costs as little as a plain one.
    predicated = True

    def __init__(self, searching: bool = False):
        self.searching = searching
        self.code: list[Step] = []
        self.count = 0

    def word(self, bits: int) -> list[int]:
        """Return new columns, to be loaded from outside."""
        self.count += bits
        return list(range(self.count - bits, self.count))

    def op(self, f: int, a: int = 0, b: int = 0) -> int:
        """Return a new column that holds f(a, b)."""
        (dst,) = self.word(1)
        self.set(dst, f, a, b)
        return dst

    def set(self, dst: int, f: int, a: int = 0, b: int = 0, **lanes: Unpack[Lanes]) -> None:
        """Write f(a, b) into ``dst``, only in lanes with a one in ``where``, a zero in ``unless``.

        ``unless=dst`` makes it an OR of f(a, b) into ``dst``, ``where=dst`` an AND.
        """
        where, unless = lanes.get("where"), lanes.get("unless")
        p = -1 if where is None and unless is None else where if where is not None else unless
        assert p is not None
        self.code.append(Step(dst, f, a, b, p, int(unless is None)))

    def gated(self, zero: int, f: int, a: int, b: int, **lanes: Unpack[Lanes]) -> int:
        """Return a column with f(a, b) in the lanes chosen and zero elsewhere, as ``zero`` is.

        ``zero`` is used up.
        """
        self.set(zero, f, a, b, **lanes)
        return zero

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
        """Add ``addend`` and ``carry`` into ``acc``, in place; ``carry`` takes the carry out.

        With ``sub``, lanes that hold a one there subtract and ``carry`` holds their borrow. With
        ``where``, other lanes keep ``acc``; their ``carry`` is meaningless then.
        Three steps: Z := addend ^ carry; carry := acc ^ sub where Z; acc := acc ^ Z. Without
        ``where`` or ``keep`` Z takes the place of ``addend``.
        """
        z = addend
        if where is None and not keep:
            self.set(z, XOR, addend, carry)
        else:
            z = self.op(XOR, addend, carry)
        self.set(carry, *((A, acc) if sub is None else (XOR, acc, sub)), where=z)
        self.set(acc, XOR, acc, z, where=where)

    def half_add(self, acc: int, addend: int, *, where: int | None = None) -> int:
        """Add ``addend`` into ``acc``, in place, and return the carry; as :meth:`full_add`."""
        carry = self.op(AND, acc, addend)
        self.set(acc, XOR, acc, addend, where=where)
        return carry

    def add_chain(self, accs: list[int], addends: list[int], carry: int, sub: int) -> None:
        """Add or subtract words of equal length with :meth:`full_add`."""
        for acc, addend in zip(accs, addends, strict=True):
            self.full_add(acc, addend, carry, sub=sub)

    def any_of(self, items: Sequence[int], into: int | None = None, *, spend: bool = False) -> int:
        """Return the OR of columns, two more of them with every step (``into |= a | b``).

        With ``spend`` the first column may be used up.
        """
        if spend and into is None and len(items) % 2:
            into, items = items[0], items[1:]
        return self._reduce(items, OR, into, unless=True)

    def all_of(self, items: Sequence[int]) -> int:
        """Return the AND of columns, two more of them with every step."""
        return self._reduce(items, AND, None, unless=False)

    def _reduce(self, items: Sequence[int], f: int, into: int | None, *, unless: bool) -> int:
        pairs = [items[i : i + 2] for i in range(0, len(items), 2)]
        for pair in pairs:
            g, a, b = (f, *pair) if len(pair) == 2 else (A, pair[0], 0)
            if into is None:
                into = self.op(g, a, b)
            else:
                self.set(into, g, a, b, **{"unless" if unless else "where": into})
        assert into is not None
        return into

    def match(self, word: Sequence[int], key: int, invert: bool = False) -> int:
        """Return whether a word, as loaded, is all zeros (key 0) or all ones (key 1)."""
        if self.searching:
            (dst,) = self.word(1)
            search = Search(tuple(word), (key,) * len(word), invert)
            self.code.append(Step(dst, ZERO, 0, 0, -1, 1, search))
            return dst
        if key:
            result = self.all_of(word)
            assert not invert
            return result
        assert invert
        return self.any_of(word)

    def resolve(self, columns: Sequence[int]) -> list[int]:
        """Return columns that really hold what was written to the given ones."""
        return list(columns)

    def steps(self, output: Sequence[int]) -> int:
        """Return how many steps a program with this output will have."""
        return len(_needed(self.code, self.resolve(output)))

    def program(self, inputs: Sequence[Sequence[int]], output: Sequence[int]) -> Program:
        """Drop steps without effect, allocate columns, and return the program.

        Operands take the first columns, in their order.
        """
        result = self.resolve(output)
        loaded = [column for word in inputs for column in word]
        code, places, columns = _allocate(_needed(self.code, result), loaded, result)
        ends = iter(range(len(loaded)))
        words = tuple(tuple(next(ends) for _ in word) for word in inputs)
        return Program(tuple(code), words, tuple(places), columns)


def _needed(code: Sequence[Step], output: Sequence[int]) -> list[Step]:
    """Return the steps that the output depends on."""
    live, steps = set(output), []
    for step in reversed(code):
        if step.dst not in live:
            continue
        steps.append(step)
        if step.p < 0:
            live.discard(step.dst)
        live.update(step.sources)
    return steps[::-1]


def _allocate(
    code: Sequence[Step], loaded: Sequence[int], output: Sequence[int]
) -> tuple[list[Step], list[int], int]:
    """Assign columns by linear scan, which is optimal for straight-line code.

    An unconditional write begins a new life of its column. A column that is read for the last time
    may be written in the same step, since the read phase comes first.
    """
    life, last = (
        {column: i for i, column in enumerate(loaded)},
        dict.fromkeys(range(len(loaded)), -1),
    )
    named: list[Step] = []
    count = len(loaded)
    for time, step in enumerate(code):
        for column in step.sources:
            last[life[column]] = time
        read = _renamed(step, life)
        if step.p < 0:
            life[step.dst], count = count, count + 1
        last[life[step.dst]] = time
        named.append(read._replace(dst=life[step.dst]))
    results = [life[column] for column in output]
    last |= dict.fromkeys(results, len(code))
    place = {i: i for i in range(len(loaded))}
    free: list[int] = []
    top = len(loaded)
    ends: dict[int, list[int]] = {}
    for name, time in last.items():
        ends.setdefault(time, []).append(name)
    for name in ends.get(-1, []):
        heapq.heappush(free, place[name])
    done: list[Step] = []
    for time, step in enumerate(named):
        ending = [name for name in ends.get(time, []) if name in place]
        read = _renamed(step, place)
        for name in ending:
            heapq.heappush(free, place[name])
        if step.dst not in place:
            if not free:
                heapq.heappush(free, top)
                top += 1
            place[step.dst] = heapq.heappop(free)
        done.append(read._replace(dst=place[step.dst]))
    return done, [place[name] for name in results], top


def _renamed(step: Step, names: dict[int, int]) -> Step:
    """Return the step with its source columns renamed; unused ones become 0."""
    a = names[step.a] if depends_on_a(step.f) and step.search is None else 0
    b = names[step.b] if depends_on_b(step.f) and step.search is None else 0
    p = names[step.p] if step.p >= 0 else -1
    search = step.search
    if search is not None:
        search = search._replace(columns=tuple(names[column] for column in search.columns))
    return step._replace(a=a, b=b, p=p, search=search)
