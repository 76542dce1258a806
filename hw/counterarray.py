"""Array of counters, the benchmark of scale: emission and synthesis of thousands of equal cells."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.once import Once

# A strategy: how a component is put into the one above it.
Place = Callable[..., Any]


def once(name: str, cls: type[wiring.Component], *args: Any) -> wiring.Component:
    """Place a component whose definition is emitted once, however often it is placed."""
    return Once(name, cls, *args)


def plain(name: str, cls: type[wiring.Component], *args: Any) -> wiring.Component:
    """Place a component as an ordinary submodule, which Amaranth prints each time."""
    return cls(*args)


class Cell(wiring.Component):
    """Counts the cycles in which its row's bit and its column's bit are both one.

    While ``shift`` is one it takes its neighbour's count instead. Latency is one cycle.

    Parameters
    ----------
    width : int
        Bits of the counter, which wraps.

    Members
    -------
    row, col : ``In(1)``
        The two bits.
    shift : ``In(1)``
        Read out instead of counting.
    left : ``In(width)``
        Count of the neighbour on the left.
    count : ``Out(width)``
        Its own count.
    """

    def __init__(self, width: int):
        super().__init__(
            {
                "row": In(1),
                "col": In(1),
                "shift": In(1),
                "left": In(width),
                "count": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(self.shift):
            m.d.sync += self.count.eq(self.left)
        with m.Else():
            m.d.sync += self.count.eq(self.count + (self.row & self.col))
        return m


class Row(wiring.Component):
    """Cells side by side, whose counts leave on the right, the last column first.

    Parameters
    ----------
    cols, width : int
        Number of cells, and bits of each counter.
    place : callable
        :func:`once` or :func:`plain`.

    Members
    -------
    row, shift : ``In(1)``
        As in :class:`Cell`.
    col : ``In(cols)``
        One bit for each cell.
    count : ``Out(width)``
        Count of the last cell; zeros follow on the left.
    """

    def __init__(self, cols: int, width: int, place: Place):
        self.cols, self.width, self.place = cols, width, place
        super().__init__({"row": In(1), "col": In(cols), "shift": In(1), "count": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left: Any = 0
        for j in range(self.cols):
            cell = self.place("cell", Cell, self.width)
            m.submodules[f"cell_{j}"] = cell
            m.d.comb += [
                cell.row.eq(self.row),
                cell.col.eq(self.col[j]),
                cell.shift.eq(self.shift),
                cell.left.eq(left),
            ]
            left = cell.count
        m.d.comb += self.count.eq(left)
        return m


class Top(wiring.Component):
    """Rows of counters: an outer product of bits, accumulated.

    After n cycles without ``shift``, counter (i, j) holds the number of them in which ``row[i]``
    and ``col[j]`` were both one, modulo 2**width. The counts then leave a column per cycle, the
    last one first. Bits count two cycles after they arrive: inputs are registered.

    Parameters
    ----------
    rows, cols, width : int
        Shape of the array, and bits of each counter.
    place : callable
        :func:`once` or :func:`plain`; both describe the same circuit.

    Members
    -------
    row : ``In(rows)``
        One bit for each row.
    col : ``In(cols)``
        One bit for each column.
    shift : ``In(1)``
        Read out.
    count : ``Out(data.ArrayLayout(width, rows))``
        The counts at the right edge.

    Limits
    ------
    A benchmark and no block: it has no stream interface.
    """

    def __init__(self, rows: int, cols: int, width: int = 4, place: Place = once):
        self.rows, self.cols, self.width, self.place = rows, cols, width, place
        super().__init__(
            {
                "row": In(rows),
                "col": In(cols),
                "shift": In(1),
                "count": Out(data.ArrayLayout(unsigned(width), rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row = Signal(self.rows, name="row_bits")
        col = Signal(self.cols, name="col_bits")
        shift = Signal(name="shifting")
        m.d.sync += [row.eq(self.row), col.eq(self.col), shift.eq(self.shift)]
        for i in range(self.rows):
            line = self.place("row", Row, self.cols, self.width, self.place)
            m.submodules[f"row_{i}"] = line
            m.d.comb += [
                line.row.eq(row[i]),
                line.col.eq(col),
                line.shift.eq(shift),
                self.count[i].eq(line.count),
            ]
        return m
