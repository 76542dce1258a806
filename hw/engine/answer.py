"""Sends scores out, each with the number of the largest so far: behind the last one, the class."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def answer_layout(bits: int, scores: int) -> data.StructLayout:
    """Return the payload of ``y``: a score, the number of the largest so far, and ``last``."""
    label = unsigned(max(1, (scores - 1).bit_length()))
    return data.StructLayout({"score": signed(bits), "label": label, "last": unsigned(1)})


class Answer(wiring.Component):
    """Offers a score per cycle, in the cycle in which it comes.

    Parameters
    ----------
    bits, scores : int
        Bits of a score, and how many there are.

    Members
    -------
    valid, last : ``In(1)``, value : ``In(signed(bits))``
        There is a score; it is the last one; what it is.
    y : ``Out(stream.Signature(answer_layout(bits, scores)))``
        Scores in order. Of equal ones the lowest number counts.
    """

    y: stream.Interface

    def __init__(self, bits: int, scores: int):
        self.layout = answer_layout(bits, scores)
        super().__init__(
            {
                "valid": In(1),
                "last": In(1),
                "value": In(signed(bits)),
                "y": Out(stream.Signature(self.layout)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, label = Signal(self.layout["label"].shape), Signal(self.layout["label"].shape)
        best, better = Signal.like(self.value, reset_less=True), Signal()
        m.d.comb += [
            better.eq((number == 0) | (self.value > best)),
            self.y.valid.eq(self.valid),
            self.y.payload.score.eq(self.value),
            self.y.payload.label.eq(Mux(better, number, label)),
            self.y.payload.last.eq(self.last),
        ]
        with m.If(self.y.valid & self.y.ready):
            m.d.sync += [number.eq(number + 1), label.eq(self.y.payload.label)]
            with m.If(better):
                m.d.sync += best.eq(self.value)
            with m.If(self.last):
                m.d.sync += number.eq(0)
        return m
