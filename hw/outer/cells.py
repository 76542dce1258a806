"""Cells of an outer-product unit: what one row and one column send, multiplied and kept."""

from collections.abc import Callable

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.outer import Array
from nomul.hw.outer.layouts import control_layout
from nomul.hw.outer.strategies import Product

Update = Callable[[Value], Value]


def valid_bits(array: Array, control: data.View, bits: Value) -> Value:
    """Return the bits where they are to be counted, else zeros: counters have no enable.

    An enable would take a multiplexer for every bit of every counter; this is a gate per lane.
    """
    return bits if array.beats == 1 else bits & control.step.replicate(len(bits))


def running(m: Module, array: Array, control: data.View, update: Update) -> Signal:
    """Describe a register that starts each vector from 0; return its next value.

    ``update`` leaves the value alone where :func:`valid_bits` makes zeros. A vector that takes a
    single beat needs no register.
    """
    total = Signal(array.count_bits)
    if array.beats == 1:
        m.d.comb += total.eq(update(Const(0, array.count_bits)))
        return total
    held = Signal(array.count_bits, reset_less=True)
    m.d.comb += total.eq(update(held))
    m.d.sync += held.eq(Mux(control.clear, 0, total))
    return total


def result_shape(array: Array) -> Shape:
    """Return the shape of a word of the read-out chain: a product, or an accumulator."""
    return signed(array.y_bits) if array.accumulators else unsigned(array.count_bits)


def cell_kind(array: Array) -> type[wiring.Component]:
    """Return the kind of an array's cells."""
    return AccumulatorCell if array.accumulators else Cell


class Cell(wiring.Component):
    """Multiplies one row by one column: a product, and a register of the read-out chain.

    Latency is one cycle from the last bits to ``o``; one vector every ``array.beats`` cycles.

    Parameters
    ----------
    array : :class:`nomul.golden.outer.Array`
        Widths, and cycles of a vector.
    product : :class:`Product`
        What the cell computes.

    Members
    -------
    control : ``In(control_layout(array))``
        What to do in this cycle.
    a : ``In(array.lane_bits)``
        Bits of the row.
    b : ``In(product.column_shape(array))``
        What the column sends.
    i, o : ``In(array.count_bits)``, ``Out(array.count_bits)``
        The read-out chain, from the row below and to the row above.
    """

    def __init__(self, array: Array, product: Product):
        self.array, self.product = array, product
        super().__init__(
            {
                "control": In(control_layout(array)),
                "a": In(array.lane_bits),
                "b": In(product.column_shape(array)),
                "i": In(result_shape(array)),
                "o": Out(result_shape(array)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = self.product.total(m, self.array, self.control, self.a, self.b)
        result = Signal(self.array.count_bits, reset_less=True)
        m.d.comb += self.o.eq(result)
        with m.If(self.control.capture):
            m.d.sync += result.eq(total)
        with m.Elif(self.control.shift):
            m.d.sync += result.eq(self.i)
        return m


class AccumulatorCell(wiring.Component):
    """Multiplies one row by one column, and adds the product into a saturating accumulator.

    acc <- sat(acc + y shifted to the accumulator's unit), one cycle after the last bits; the shift
    is the same for all cells. Latency is two cycles from the last bits to ``o``; one vector every
    ``array.beats`` cycles.

    Parameters
    ----------
    array : :class:`nomul.golden.outer.Array`
        Widths, cycles of a vector, and the accumulator's width.
    product : :class:`Product`
        What the cell computes.

    Members
    -------
    control : ``In(control_layout(array))``
        What to do in this cycle; ``capture`` adds the count of the cycle before.
    a : ``In(array.lane_bits)``
        Bits of the row.
    b : ``In(product.column_shape(array))``
        What the column sends.
    negative : ``In(1)``
        Sign of the count that ``capture`` adds.
    i, o : ``In(signed(array.y_bits))``, ``Out(signed(array.y_bits))``
        The read-out chain, from the row below and to the row above.
    overflow : ``Out(1)``
        The addition of this cycle saturates.
    """

    def __init__(self, array: Array, product: Product):
        self.array, self.product = array, product
        result = result_shape(array)
        super().__init__(
            {
                "control": In(control_layout(array)),
                "a": In(array.lane_bits),
                "b": In(product.column_shape(array)),
                "negative": In(1),
                "i": In(result),
                "o": Out(result),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        array, m = self.array, Module()
        control, width = self.control, self.array.y_bits
        total = self.product.total(m, array, control, self.a, self.b)
        counted = Signal(array.count_bits, reset_less=True)
        with m.If(control.step):
            m.d.sync += counted.eq(total)

        y = Signal(signed(array.count_bits + 1))
        scaled = Signal(signed(array.count_bits + 1 + width))
        # Right shifts act on y + rho, and rho is below one unit of the result.
        rounded = Signal(signed(array.max_right_shift + 2))
        m.d.comb += [
            y.eq(Mux(self.negative, -counted, counted)),
            rounded.eq(y + control.rho),
            scaled.eq(Mux(control.right.any(), rounded >> control.right, y << control.left)),
        ]

        acc = Signal(signed(width))
        total_sum = Signal(signed(array.count_bits + 2 + width))
        clipped = Signal(signed(width))
        high = (1 << (width - 1)) - 1
        m.d.comb += [
            total_sum.eq(acc + scaled),
            clipped.eq(total_sum),
            self.overflow.eq(control.capture & (clipped != total_sum)),
            self.o.eq(acc),
        ]
        with m.If(control.capture):
            m.d.sync += acc.eq(Mux(self.overflow, Mux(total_sum[-1], -high - 1, high), clipped))
        with m.Elif(control.shift):
            m.d.sync += acc.eq(self.i)
        return m
