"""Sends the sums of columns that were made at once, a few per beat."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Drain(wiring.Component):
    """Keeps sums until they have left, while the next ones are made.

    The first of them leave in the cycle after ``load``; one beat per cycle.

    Parameters
    ----------
    columns, lanes, bits : int
        Sums that come at once, of which ``lanes``, a divisor, leave with a beat; their bits.
    final_beats : int
        Beats of the sums that end a vector; others have as many as their columns need.

    Members
    -------
    load, final : ``In(1)``
        Take sums; they end their vector. Only where there is ``room``.
    sums : ``In(ArrayLayout(signed(bits), columns))``
        Sums.
    room : ``Out(1)``
        Sums can be taken in this cycle.
    o : ``Out(stream.Signature({y: ArrayLayout(signed(bits), lanes), last}))``
        Sums in order.
    """

    def __init__(self, columns: int, lanes: int, bits: int, final_beats: int):
        self.columns, self.lanes, self.bits = columns, lanes, bits
        self.final_beats = final_beats
        super().__init__(
            {
                "load": In(1),
                "final": In(1),
                "sums": In(data.ArrayLayout(signed(bits), columns)),
                "room": Out(1),
                "o": Out(stream.Signature(y_layout(lanes, bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats, step = self.columns // self.lanes, self.lanes * self.bits
        kept = Signal(self.columns * self.bits, reset_less=True)
        left, final, gone = Signal(range(max(2, beats))), Signal(), Signal()
        m.d.comb += [
            gone.eq(self.o.valid & self.o.ready),
            self.room.eq(~self.o.valid | self.o.ready & (left == 0)),
            self.o.payload.y.eq(kept[:step]),
            self.o.payload.last.eq(final & (left == 0)),
        ]
        with m.If(self.load):
            m.d.sync += [
                kept.eq(self.sums),
                final.eq(self.final),
                left.eq(Mux(self.final, self.final_beats, beats) - 1),
                self.o.valid.eq(1),
            ]
        with m.Elif(gone):
            m.d.sync += [left.eq(left - 1), self.o.valid.eq(left != 0)]
            if beats > 1:
                m.d.sync += kept.eq(kept >> step)
        return m


def y_layout(lanes: int, bits: int) -> data.StructLayout:
    """Return the payload of ``y``: sums of a beat, and whether it is the vector's last."""
    return data.StructLayout({"y": data.ArrayLayout(signed(bits), lanes), "last": unsigned(1)})
