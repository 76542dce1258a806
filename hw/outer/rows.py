"""Rows of cells, stacked in halves so that the description of a large array stays short.

A module of M rows and N columns takes text and time of M times N, for the wires of all rows'
results; M rows in halves take N log M.
"""

from itertools import pairwise

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Member, Out

from nomul.golden.outer import Array
from nomul.hw.once import Once
from nomul.hw.outer.cells import cell_kind, result_shape
from nomul.hw.outer.layouts import control_layout
from nomul.hw.outer.strategies import Product


def members(array: Array, product: Product, count: int) -> dict[str, Member]:
    """Return the members of so many rows."""
    results = data.ArrayLayout(result_shape(array), array.cols)
    ports = {
        "control": In(control_layout(array)),
        "a": In(array.lane_bits * count),
        "b": In(data.ArrayLayout(product.column_shape(array), array.cols)),
        "i": In(results),
        "o": Out(results),
    }
    if array.accumulators:
        ports |= {"sx": In(count), "sd": In(array.cols), "overflow": Out(1)}
    return ports


class Row(wiring.Component):
    """Multiplies what one row sends by what all columns send: N cells that share everything but b.

    Latency and interval are those of the cell.

    Parameters
    ----------
    array : :class:`nomul.golden.outer.Array`
        As for the cell, and the number of columns.
    product : :class:`nomul.hw.outer.Product`
        What the cells compute.

    Members
    -------
    As for :class:`Rows`, of one row.
    """

    def __init__(self, array: Array, product: Product):
        self.array, self.product = array, product
        super().__init__(members(array, product, 1))

    def elaborate(self, platform: object) -> Module:
        array, m = self.array, Module()
        cells = [Once("cell", cell_kind(array), array, self.product) for _ in range(array.cols)]
        for j, cell in enumerate(cells):
            m.submodules[f"cell{j}"] = cell
            m.d.comb += [
                cell.control.eq(self.control),
                cell.a.eq(self.a),
                cell.b.eq(self.b[j]),
                cell.i.eq(self.i[j]),
            ]
            if array.accumulators:
                m.d.comb += cell.negative.eq(self.sx ^ self.sd[j])
        # An assignment to each part of a word would cost as many words as there are cells.
        m.d.comb += Value.cast(self.o).eq(Cat(cell.o for cell in cells))
        if array.accumulators:
            m.d.comb += self.overflow.eq(Cat(cell.overflow for cell in cells).any())
        return m


class Rows(wiring.Component):
    """Rows on top of each other: the read-out chain goes from the last to the first.

    Two halves, each of rows again, down to single ones. Equal halves are one module. Latency and
    interval are those of the row.

    Parameters
    ----------
    array, product
        As for the row.
    count : int
        Rows, at least 1.

    Members
    -------
    control : ``In(control_layout(array))``, b : ``In(ArrayLayout(what a column sends, N))``
        What all rows see.
    a : ``In(array.lane_bits * count)``
        What each row sends.
    i, o : ``In`` and ``Out(ArrayLayout(result, N))``
        The read-out chain.
    sx : ``In(count)``, sd : ``In(N)``, overflow : ``Out(1)``
        With accumulators: signs of the rows and of the columns, and whether any cell saturates.
    """

    def __init__(self, array: Array, product: Product, count: int):
        self.array, self.product, self.count = array, product, count
        super().__init__(members(array, product, count))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The larger half is a power of two, so that few sizes occur.
        half = 1 << (self.count - 1).bit_length() - 1 if self.count > 1 else 1
        parts = [self._part(m, "first", 0, half)]
        if half < self.count:
            parts.append(self._part(m, "second", half, self.count))
        m.d.comb += [self.o.eq(parts[0].o), parts[-1].i.eq(self.i)]
        m.d.comb += [above.i.eq(below.o) for above, below in pairwise(parts)]
        if self.array.accumulators:
            m.d.comb += self.overflow.eq(Cat(part.overflow for part in parts).any())
        return m

    def _part(self, m: Module, name: str, start: int, stop: int) -> Once:
        """Describe some of the rows."""
        array, count = self.array, stop - start
        if count == 1:
            part = Once("row", Row, array, self.product)
        else:
            part = Once("rows", Rows, array, self.product, count)
        m.submodules[name] = part
        m.d.comb += [
            part.control.eq(self.control),
            part.a.eq(self.a[start * array.lane_bits : stop * array.lane_bits]),
            part.b.eq(self.b),
        ]
        if array.accumulators:
            m.d.comb += [part.sx.eq(self.sx[start:stop]), part.sd.eq(self.sd)]
        return part
