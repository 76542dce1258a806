"""Takes the codes of an input, and says whether they are one."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def input_layout(bits: int) -> data.StructLayout:
    """Return the payload of ``x``: a code, and whether it is the input's last."""
    return data.StructLayout({"x": unsigned(bits), "last": unsigned(1)})


class Intake(wiring.Component):
    """Writes the codes of an input in order, one per cycle.

    An input that is too short or too long, or has a code that the network does not take, is dropped
    up to its last code.

    Parameters
    ----------
    bits, length : int
        Bits of a code, and codes of an input.
    signed : bool
        Whether codes are two's complement.
    low, high : int
        Of codes that the network takes.

    Members
    -------
    x : ``In(stream.Signature(input_layout(bits)))``
        Codes.
    open : ``In(1)``
        They may come.
    write, into, code : ``Out``
        For the memory: a code, and its place.
    whole : ``Out(1)``
        Strobe: the last code of a good input is taken.
    short, long, range : ``Out(1)``
        Strobes: an input ended too early, goes on too long, has a code out of range.
    """

    x: stream.Interface

    def __init__(self, bits: int, length: int, signed: bool, low: int, high: int):
        self.bits, self.length, self.signed = bits, length, signed
        self.low, self.high = low, high
        super().__init__(
            {
                "x": In(stream.Signature(input_layout(bits))),
                "open": In(1),
                "write": Out(1),
                "into": Out(range(max(2, length))),
                "code": Out(bits),
            }
            | {name: Out(1) for name in ("whole", "short", "long", "range")}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        taken, last, final = Signal(), self.x.payload.last, Signal()
        skip, wrong, wrong_now = Signal(), Signal(), Signal()
        code = self.x.payload.x
        m.d.comb += [
            self.x.ready.eq(self.open),
            taken.eq(self.x.valid & self.open),
            final.eq(self.into == self.length - 1),
            self.write.eq(taken & ~skip),
            self.code.eq(code),
            self.short.eq(self.write & last & ~final),
            self.long.eq(self.write & ~last & final),
            self.range.eq(self.write & wrong_now),
            self.whole.eq(self.write & last & final & ~wrong & ~wrong_now),
        ]
        value = code.as_signed() if self.signed else code
        least, most = (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1)
        least, most = (least, most) if self.signed else (0, (1 << self.bits) - 1)
        # A bound that no code can pass is not compared with.
        below = value < self.low if self.low > least else 0
        above = value > self.high if self.high < most else 0
        m.d.comb += wrong_now.eq(below | above)
        with m.If(self.write):
            m.d.sync += [self.into.eq(self.into + 1), wrong.eq(wrong | wrong_now)]
            with m.If(self.long):
                m.d.sync += skip.eq(1)
        with m.If(taken & last | self.long):
            m.d.sync += self.into.eq(0)
        with m.If(taken & last):
            m.d.sync += [skip.eq(0), wrong.eq(0)]
        return m
