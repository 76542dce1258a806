"""SPI, the board's side: bytes in and out at once, on a clock that the host drives."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spi import IDLE


class Slave(wiring.Component):
    """Takes a byte and gives one, in mode 0, for every eight clocks while it is selected.

    All lines are looked at by the board's own clock, which has to be at least
    ``nomul.golden.spi.LEAST_DIVISOR`` times as fast. A byte to send is taken once its eighth bit
    has been clocked out, so one that is broken off comes again. Nothing here is reset, since a byte
    resets the rest.

    Members
    -------
    sck, csn, mosi : ``In(1)``
        Clock, select (active low) and data of the host, from another clock domain.
    miso : ``Out(1)``
        Data to the host. It is driven always: the board is alone on its line.
    data, valid : ``Out(8)``, ``Out(1)``
        A byte, for one cycle.
    deselected : ``Out(1)``
        The host does not select the board.
    i : ``In(stream.Signature(8))``
        Bytes to send; ``IDLE`` goes where there is none.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "sck": In(1),
                "csn": In(1),
                "mosi": In(1),
                "miso": Out(1),
                "data": Out(8),
                "valid": Out(1),
                "deselected": Out(1),
                "i": In(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Two flip-flops on each line, and the clock's last level to see its edges.
        lines = Cat(self.sck, self.csn, self.mosi)
        meta, seen = Signal(3, init=2, reset_less=True), Signal(3, init=2, reset_less=True)
        sck, csn, mosi = seen
        before = Signal(reset_less=True)
        m.d.sync += [meta.eq(lines), seen.eq(meta), before.eq(sck), self.valid.eq(0)]
        bits, out = Signal(3, reset_less=True), Signal(8, init=IDLE, reset_less=True)
        real = Signal(reset_less=True)  # what goes out is a byte of the stream
        m.d.comb += [self.miso.eq(out[7]), self.deselected.eq(csn)]
        load = [out.eq(Mux(self.i.valid, self.i.payload, IDLE)), real.eq(self.i.valid)]
        with m.If(csn):
            m.d.sync += [bits.eq(0), *load]
        with m.Elif(sck & ~before):
            m.d.sync += [self.data.eq(Cat(mosi, self.data[:7])), bits.eq(bits + 1)]
            with m.If(bits == 7):
                m.d.sync += self.valid.eq(1)
                m.d.comb += self.i.ready.eq(real)
        with m.Elif(~sck & before):
            with m.If(bits == 0):
                m.d.sync += load
            with m.Else():
                m.d.sync += out.eq(Cat(0, out[:7]))
        return m
