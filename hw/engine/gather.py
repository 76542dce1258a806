"""Beats of activations for the member, from codes that are read one by one."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.products.feed import x_layout


class Gather(wiring.Component):
    """Collects the codes of a beat in a register, and offers it.

    A code per cycle; a beat is offered in the cycle after its last code came, and holds everything
    behind it until it is taken.

    Parameters
    ----------
    lanes, bits : int
        Codes of a beat, and their bits.

    Members
    -------
    valid, last : ``In(1)``
        There is a code; it is its vector's last.
    code : ``In(bits)``
        The code.
    ready : ``Out(1)``
        It is taken in this cycle.
    x : ``Out(stream.Signature(x_layout(lanes, bits)))``
        Beats.
    """

    x: stream.Interface

    def __init__(self, lanes: int, bits: int):
        self.lanes, self.bits = lanes, bits
        super().__init__(
            {
                "valid": In(1),
                "last": In(1),
                "code": In(bits),
                "ready": Out(1),
                "x": Out(stream.Signature(x_layout(lanes, bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kept = Signal(data.ArrayLayout(unsigned(self.bits), self.lanes), reset_less=True)
        slot, full = Signal(range(max(2, self.lanes))), Signal()
        m.d.comb += [
            self.ready.eq(~self.x.valid | self.x.ready),
            full.eq((slot == self.lanes - 1) | self.last),
            self.x.payload.x.eq(kept),
        ]
        with m.If(self.ready):
            m.d.sync += self.x.valid.eq(self.valid & full)
        with m.If(self.ready & self.valid):
            m.d.sync += [slot.eq(Mux(full, 0, slot + 1)), self.x.payload.last.eq(self.last)]
            for lane in range(self.lanes):
                with m.If(slot == lane):
                    m.d.sync += kept[lane].eq(self.code)
        return m
