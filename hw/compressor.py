"""Compressor trees for look-up tables: counters that a mapper keeps whole, and their stream.

One file, since tree, counters and stream are one design, read from its leaves to its top.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add, xor

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import compressor
from nomul.golden.compressor import LEAST_FOR_CARRY, Config
from nomul.hw import popcount
from nomul.hw.once import Once
from nomul.hw.skid import Stage

# Takes the live values after a level of a tree, and returns them, registered or not.
Cut = Callable[[Module, list[Value]], list[Value]]


def direct(m: Module, values: list[Value]) -> list[Value]:
    """Return the values as they are: no registers inside the tree."""
    return values


def digit(bits: Sequence[Value], place: int) -> Value:
    """Return binary digit ``place`` of the number of ones, as one table."""
    table = sum(1 << a for a in range(1 << len(bits)) if a.bit_count() >> place & 1)
    return Const(table, 1 << len(bits)).bit_select(Cat(*bits), 1)


class Counter(wiring.Component):
    """Counts the ones of up to six bits: one table per digit of the result.

    Combinational. It is a module of its own, which the mapper is told to keep: mapped for depth
    together with its neighbours, a tree of them takes half as many tables again.

    Parameters
    ----------
    n : int
        Bits, 2..6.

    Members
    -------
    a : ``In(n)``
        Bits.
    y : ``Out(n.bit_length())``
        Their number.
    """

    def __init__(self, n: int):
        self.n = n
        super().__init__({"a": In(n), "y": Out(n.bit_length())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = list(self.a)
        m.d.comb += self.y.eq(Cat(digit(bits, place) for place in range(len(self.y))))
        return m


class Adder(wiring.Component):
    """Adds two numbers and a carry in one carry chain.

    Combinational. Kept as a module, since a mapper that sees a tree of additions turns it back into
    full adders.

    Parameters
    ----------
    a_bits, b_bits, y_bits : int
        Widths of the operands and of the sum.

    Members
    -------
    a, b, carry : ``In(a_bits)``, ``In(b_bits)``, ``In(1)``
        Operands.
    y : ``Out(y_bits)``
        Their sum.
    """

    def __init__(self, a_bits: int, b_bits: int, y_bits: int):
        super().__init__({"a": In(a_bits), "b": In(b_bits), "carry": In(1), "y": Out(y_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.y.eq(self.a + self.b + self.carry)
        return m


def counter(m: Module, bits: Sequence[Value]) -> list[Value]:
    """Return the digits of the number of ones among 2..6 bits, least significant first."""
    part = Once(f"counter{len(bits)}", Counter, len(bits), keep=True)
    # Numbered rather than named: a tree has hundreds.
    m.submodules += part
    m.d.comb += part.a.eq(Cat(*bits))
    return list(part.y)


def settle(m: Module, value: Value, width: int) -> Value:
    """Return an expression as a signal, since Amaranth prints one again at every use."""
    result = Signal(width)
    m.d.comb += result.eq(value)
    return result


def add_columns(
    m: Module, columns: Sequence[Sequence[Value]], adder: str, cut: Cut = direct
) -> Value:
    """Return the sum of bits, column w of which have weight 2**w.

    Parameters
    ----------
    m
        Module that takes the logic.
    columns
        Bits by weight.
    adder
        ``lut6``, ``carry`` or ``plus``: see :class:`nomul.golden.compressor.Config`.
    cut
        What is done with the live values after every level of the tree.
    """
    most = sum(len(column) << weight for weight, column in enumerate(columns))
    width = max(1, most.bit_length())
    if adder == "lut6":
        return settle(m, _counters(m, [list(c) for c in columns], cut), width)
    if adder == "carry":
        parts = [_chains(m, list(c), cut) if c else Const(0, 1) for c in columns]
    else:
        parts = [_balanced(list(c)) if c else Const(0, 1) for c in columns]
    shifted = [part << weight for weight, part in enumerate(parts) if columns[weight]]
    return settle(m, reduce(add, shifted, Const(0, 1)), width)


class Sum(wiring.Component):
    """Adds the bits of columns; see :func:`add_columns`. Combinational.

    Parameters
    ----------
    heights : tuple of int
        Number of bits of each weight.
    adder : str
        ``lut6``, ``carry`` or ``plus``.

    Members
    -------
    x : ``In(sum(heights))``
        Bits, those of weight 0 lowest.
    y : ``Out``
        Their sum, as wide as the largest needs.
    """

    def __init__(self, heights: tuple[int, ...], adder: str):
        self.heights, self.adder = heights, adder
        most = sum(height << weight for weight, height in enumerate(heights))
        super().__init__({"x": In(sum(heights)), "y": Out(max(1, most.bit_length()))})

    def elaborate(self, platform: object) -> Module:
        m, bits = Module(), iter(list(self.x))
        columns = [[next(bits) for _ in range(height)] for height in self.heights]
        m.d.comb += self.y.eq(add_columns(m, columns, self.adder))
        return m


def shared_sum(m: Module, columns: Sequence[Sequence[Value]], adder: str) -> Value:
    """Return :func:`add_columns` by a module that all sums of the same shape share."""
    heights = tuple(len(column) for column in columns)
    if not any(heights):
        return Const(0, 1)
    part = Once("sum" + "_".join(map(str, heights)), Sum, heights, adder)
    m.submodules += part
    m.d.comb += part.x.eq(Cat(*(bit for column in columns for bit in column)))
    return part.y


def count(m: Module, bits: Sequence[Value], adder: str, cut: Cut = direct) -> Value:
    """Return how many of ``bits`` are one; see :func:`add_columns`."""
    return add_columns(m, [list(bits)], adder, cut)


def _balanced(bits: list[Value]) -> Value:
    """Return the mapper's own sum, added in pairs."""
    while len(bits) > 1:
        odd = bits[len(bits) & ~1 :]
        bits = [a + b for a, b in zip(bits[0::2], bits[1::2], strict=False)] + odd
    return bits[0]


def _counters(m: Module, columns: list[list[Value]], cut: Cut) -> Value:
    """Compress columns by 6:3 counters, level by level, then add the last six rows in one chain."""
    while any(plan := compressor.counters([len(c) for c in columns])):
        after: list[list[Value]] = [[] for _ in range(len(columns) + 2)]
        for weight, (column, n) in enumerate(zip(columns, plan, strict=True)):
            for i in range(n):
                for place, out in enumerate(counter(m, column[6 * i : 6 * i + 6])):
                    after[weight + place].append(out)
            after[weight] += column[6 * n :]
        while not after[-1]:
            after.pop()
        flat = iter(cut(m, [bit for column in after for bit in column]))
        columns = [[next(flat) for _ in column] for column in after]
    return _chain(m, columns)


def _chain(m: Module, columns: list[list[Value]]) -> Value:
    """Add columns of few bits in one carry chain.

    A position of the chain adds one bit as it is and the parity of up to five others, which the
    mapper puts into the chain's own table; the group's carries go to the columns above.
    """
    low: list[Value] = []
    while columns and len(columns[0]) == 1:
        low.append(columns.pop(0)[0])
    plain: list[Value] = []
    parity: list[Value] = []
    carry_in: list[Value] = []
    weight = 0
    while weight < len(columns):
        column = columns[weight]
        columns += [[], []]
        while len(column) > 6:
            total, *carries = counter(m, column[:6])
            column = [*column[6:], total]
            for place, carry in enumerate(carries, 1):
                columns[weight + place].append(carry)
        if weight == 0 and len(column) in (3, 5):
            carry_in.append(column.pop())
        plain.append(column[0] if column else Const(0, 1))
        group = column[1:]
        parity.append(settle(m, reduce(xor, group, Const(0, 1)), 1))
        if len(group) > 1:
            columns[weight + 1].append(settle(m, digit(group, 1), 1))
        if len(group) > 3:
            columns[weight + 2].append(settle(m, digit(group, 2), 1))
        while columns and not columns[-1]:
            columns.pop()
        weight += 1
    return Cat(*low, reduce(add, carry_in, Cat(*plain) + Cat(*parity))) if plain else Cat(*low)


def _chains(m: Module, bits: list[Value], cut: Cut) -> Value:
    """Count groups of about seven bits by full adders, then add the counts pairwise in chains."""
    if len(bits) < LEAST_FOR_CARRY:
        return _balanced(bits)
    total = len(bits)
    numbers: list[tuple[Value, int]] = []
    for n in compressor.leaves(total):
        numbers.append((_full_adders(m, bits[:n]), n))
        bits = bits[n:]
    while len(numbers) > 1:
        sums = []
        for (a, most_a), (b, most_b) in zip(numbers[0::2], numbers[1::2], strict=False):
            most = most_a + most_b + 1
            part = Once(f"adder{len(a)}", Adder, len(a), len(b), most.bit_length(), keep=True)
            m.submodules += part
            m.d.comb += [part.a.eq(a), part.b.eq(b), part.carry.eq(bits.pop())]
            sums.append((part.y, most))
        numbers = sums + numbers[len(numbers) & ~1 :]
        flat = cut(m, [value for value, _ in numbers] + bits)
        bits = flat[len(numbers) :]
        numbers = [(v, most) for v, (_, most) in zip(flat, numbers, strict=False)]
    return numbers[0][0]


def _full_adders(m: Module, bits: list[Value]) -> Value:
    """Count bits by 3:2 counters, and a 2:2 counter where a pair is left."""
    column, result = bits, []
    while column:
        carries: list[Value] = []
        while len(column) > 1:
            total, carry = counter(m, column[:3])
            column = [*column[3:], total]
            carries.append(carry)
        result.append(column[0])
        column = carries
    return Cat(*result)


class Top(popcount.Top):
    """Counts the ones of a word by a compressor tree.

    Latency is ``cfg.latency`` cycles, one more than the registers inside the tree; one word per
    cycle (``cfg.interval`` is 1). A stall stops all registers at once.

    Parameters
    ----------
    cfg : :class:`nomul.golden.compressor.Config`
        Width, kind of adder and registers, already validated.

    Members
    -------
    x : ``In(stream.Signature(unsigned(cfg.width)))``
        Words.
    y : ``Out(stream.Signature(unsigned(cfg.count_bits)))``
        Counts, equal to ``nomul.golden.compressor.model(cfg, bits)``.
    """

    cfg: Config

    def __init__(self, cfg: Config):
        super().__init__(cfg)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.stage = stage = Stage(unsigned(cfg.count_bits))
        valid: list[Value] = [self.x.valid]
        level = 0

        def cut(m: Module, values: list[Value]) -> list[Value]:
            nonlocal level
            level += 1
            if not cfg.pipeline or level % cfg.pipeline:
                return values
            held = [Signal(len(v), reset_less=True, name=f"held{level}") for v in values]
            flag = Signal(name=f"valid{level}")
            with m.If(stage.i.ready):
                m.d.sync += [
                    flag.eq(valid[-1]),
                    *(h.eq(v) for h, v in zip(held, values, strict=True)),
                ]
            valid.append(flag)
            return list(held)

        total = count(m, list(self.x.payload), cfg.adder, cut)
        m.d.comb += [
            stage.i.payload.eq(total),
            stage.i.valid.eq(valid[-1]),
            self.x.ready.eq(stage.i.ready),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.y))
        return m
