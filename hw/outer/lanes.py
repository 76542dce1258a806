"""Lanes of an outer-product unit: they hold the operands, and send what is drawn for them."""

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.outer import Array
from nomul.hw.outer.strategies import Draw


def too_large(operand: Value) -> Value:
    """Return whether an operand of W + 1 bits is above 2**W."""
    return operand[-1] & operand[:-1].any()


class Lane(wiring.Component):
    """Holds an operand, and sends what it draws for it.

    ``sent`` follows the words by one cycle, while ``advance`` is high.

    Parameters
    ----------
    array : :class:`nomul.golden.outer.Array`
        Widths, and words per cycle.
    draw : :class:`Draw` or None
        What is sent; None: nothing, the lane only holds.

    Members
    -------
    load, offered : ``In(1)``, ``In(array.width + 1)``
        Take this operand.
    operand : ``Out(array.width + 1)``, large : ``Out(1)``
        What is held; what is offered is above 2**W.
    words : ``In(ArrayLayout(array.width, U))``, advance : ``In(1)``
        Draw with these words. Absent where nothing is sent.
    sent : ``Out(array.lane_bits)``
        What is sent. Absent where nothing is.
    """

    def __init__(self, array: Array, draw: Draw | None):
        self.draw = draw
        operand = unsigned(array.width + 1)
        members = {
            "load": In(1),
            "offered": In(operand),
            "operand": Out(operand),
            "large": Out(1),
        }
        if draw:
            members |= {
                "words": In(data.ArrayLayout(array.width, array.words.bits_per_cycle)),
                "advance": In(1),
                "sent": Out(array.lane_bits),
            }
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = Signal.like(self.operand, reset_less=True)
        m.d.comb += [self.large.eq(too_large(self.offered)), self.operand.eq(held)]
        with m.If(self.load):
            m.d.sync += held.eq(self.offered)
        if self.draw:
            drawn = Signal.like(self.sent, reset_less=True)
            m.d.comb += self.sent.eq(drawn)
            with m.If(self.advance):
                m.d.sync += drawn.eq(self.draw.send(list(self.words), held))
        return m
