"""Ones of a map in squares, counted while the map's bits pass in raster order."""

from functools import reduce
from operator import add

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Cells(wiring.Component):
    """Counts ones in cells of ``edge`` x ``edge`` that lie beside each other.

    The count is there in the cycle in which the last bit of the cell is.

    Parameters
    ----------
    edge : int
        Edge of a cell, at least 2.
    columns : int
        Whole cells in a row.

    Members
    -------
    x : ``In(1)``
        A bit of the map.
    step, first_row, first_column, last_column : ``In(1)``
        Whether there is a bit, and whether it is in the first row, the first or the last column of
        its cell.
    count : ``Out(bits of edge**2)``
        Ones of the cell up to this bit, rows above included.
    """

    x: Signal
    step: Signal
    first_row: Signal
    first_column: Signal
    last_column: Signal
    count: Signal

    def __init__(self, edge: int, columns: int):
        self.edge, self.columns = edge, columns
        flags = {name: In(1) for name in ("x", "step", "first_row", "first_column", "last_column")}
        super().__init__({**flags, "count": Out((edge * edge).bit_length())})

    def elaborate(self, platform: object) -> Module:
        m, edge = Module(), self.edge
        left = Signal((edge - 1).bit_length(), reset_less=True)
        row = Mux(self.first_column, 0, left) + self.x
        above = Line(self.columns, (edge * (edge - 1)).bit_length())
        m.submodules.above = above
        m.d.comb += [
            self.count.eq(row + Mux(self.first_row, 0, above.o)),
            above.i.eq(self.count),
            above.step.eq(self.step & self.last_column),
        ]
        with m.If(self.step):
            m.d.sync += left.eq(row)
        return m


class Squares(wiring.Component):
    """Adds numbers in squares of ``side`` x ``side``, of which every position has one.

    The sum is there in the cycle in which the last number of the square is; it means something
    where that many rows and columns have come.

    Parameters
    ----------
    side : int
        Numbers along an edge, at least 2.
    most : int
        The largest number.
    columns : int
        Numbers in a row.

    Members
    -------
    x : ``In(bits of most)``
        A number.
    step : ``In(1)``
        Whether there is one.
    count : ``Out(bits of side**2 most)``
        Sum of the square whose last number this is.
    """

    x: Signal
    step: Signal
    count: Signal

    def __init__(self, side: int, most: int, columns: int):
        self.side, self.most, self.columns = side, most, columns
        wide = {"x": In(most.bit_length()), "step": In(1)}
        super().__init__({**wide, "count": Out((side * side * most).bit_length())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        column: list[Value] = [self.x]
        for number in range(1, self.side):
            m.submodules[f"above{number}"] = line = Line(self.columns, len(self.x))
            m.d.comb += [line.i.eq(column[-1]), line.step.eq(self.step)]
            column.append(line.o)
        total = Signal((self.side * self.most).bit_length())
        m.d.comb += total.eq(reduce(add, column))
        row: list[Value] = [total]
        for number in range(1, self.side):
            left = Signal(len(total), name=f"left{number}", reset_less=True)
            with m.If(self.step):
                m.d.sync += left.eq(row[-1])
            row.append(left)
        m.d.comb += self.count.eq(reduce(add, row))
        return m


class Line(wiring.Component):
    """Numbers of one row, which come out again in the row below.

    Parameters
    ----------
    length, width : int
        Numbers, and bits of each.

    Members
    -------
    i, o : ``In(width)``, ``Out(width)``
        The number that enters, and the one that entered ``length`` steps before.
    step : ``In(1)``
        Whether one enters.
    """

    i: Signal
    o: Signal
    step: Signal

    def __init__(self, length: int, width: int):
        self.length = length
        super().__init__({"i": In(width), "o": Out(width), "step": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A chain per bit, so that synthesis finds shift registers where the target has them.
        for bit in range(len(self.i)):
            chain = Signal(self.length, name=f"chain{bit}", reset_less=True)
            with m.If(self.step):
                m.d.sync += chain.eq(Cat(self.i[bit], chain[:-1]))
            m.d.comb += self.o[bit].eq(chain[-1])
        return m
