"""A cell for every product: the array that most units have behind their lanes."""

from dataclasses import dataclass

from amaranth.hdl import Cat

from nomul.golden.bitstream import Side
from nomul.hw.once import Once
from nomul.hw.outer.readout import ReadOut
from nomul.hw.outer.rows import Rows
from nomul.hw.outer.strategies import Cells, Product, Sent


@dataclass(frozen=True)
class Grid(Cells):
    """M rows of N cells, through which results leave row by row.

    Attributes
    ----------
    product
        What each cell computes.
    """

    product: Product

    def describe(self, read_out: ReadOut, sent: Sent) -> None:
        """Describe the rows, and the read-out of products or of accumulators."""
        m, array, control = read_out.m, read_out.array, read_out.control
        bits = [self.product.row(array, control, value) for value in sent[Side.X]]
        columns = [self.product.column(m, array, control, value) for value in sent[Side.D]]
        m.submodules.rows = rows = Once("rows", Rows, array, self.product, array.rows)
        m.d.comb += [
            rows.control.eq(control),
            rows.a.eq(Cat(bits)),
            rows.b.eq(Cat(columns)),
        ]
        if array.accumulators:
            read_out.accumulators(rows)
        else:
            m.d.comb += rows.i.eq(0)
            read_out.counts(list(rows.o), self.product.result)
