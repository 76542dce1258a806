"""A block behind the pins of a Tiny Tapeout project: bytes in, bytes out, two handshakes."""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.serial import word_bytes
from nomul.hw.axi import ports as axis_ports
from nomul.hw.axi.ports import Port
from nomul.hw.once import place
from nomul.hw.reset import Clocking
from nomul.hw.serial import Serial

# What each pin is for; the project's documents and its bench go by these names.
PINS = {
    **{f"ui[{k}]": f"byte in, bit {k}" for k in range(8)},
    **{f"uo[{k}]": f"byte out, bit {k}" for k in range(8)},
    "uio[0]": "request (in): a byte is at ui",
    "uio[1]": "taken (out): it was taken",
    "uio[2]": "valid (out): a byte is at uo",
    "uio[3]": "accept (in): it was read",
    **{f"uio[{k}]": "" for k in range(4, 8)},
}

OUTWARD = 0b0110  # the bidirectional pins that the chip drives


class TinyTapeout(wiring.Component):
    """Feeds a block's input streams byte by byte, and sends what comes out.

    Words go least significant byte first. Where a block has several input streams, a byte with the
    number of the stream goes before each word in, and likewise for words out. Each side's handshake
    has four phases, request and answer up, request and answer down, so its host needs no clock in
    common: requests pass two registers before they count. Every pin that is driven comes from a
    register.

    Of one input stream nothing but the lower bytes of a word is kept, and the last byte goes
    straight in: it is taken when the block takes the word. Of several, each has a word of its own.

    Parameters
    ----------
    top : :class:`wiring.Component`
        The block. Its inputs are streams; flags and counters that are no streams have no pins.

    Members
    -------
    clk, rst_n : ``In(1)``
        Clock, and reset, active low, which passes two registers too.
    ena : ``In(1)``
        Not used: one as long as the project has power.
    ui_in, uo_out : ``In(8)``, ``Out(8)``
        Byte in, and byte out.
    uio_in, uio_out, uio_oe : ``In(8)``, ``Out(8)``, ``Out(8)``
        The handshakes, as :data:`PINS` has them; the direction of each pin never changes.
    """

    clocking = Clocking("clk", "rst_n", "low")

    def __init__(self, top: wiring.Component):
        self.top = top
        self.cfg = getattr(top, "cfg", None)
        self.inputs, self.outputs = axis_ports.streams(top)
        super().__init__(
            {
                "clk": In(1),
                "rst_n": In(1),
                "ena": In(1),
                "ui_in": In(8),
                "uo_out": Out(8),
                "uio_in": In(8),
                "uio_out": Out(8),
                "uio_oe": Out(8),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        reset, request, accept = (Signal(2, name=n, reset_less=True) for n in _SLOWED)
        taken, valid = Signal(), Signal()
        m.d.comb += [
            ClockSignal().eq(self.clk),
            ResetSignal().eq(~reset[1]),
            self.uio_oe.eq(OUTWARD),
            self.uio_out.eq(Cat(Const(0, 1), taken, valid)),
        ]
        m.d.sync += [
            reset.eq(Cat(self.rst_n, reset[0])),
            request.eq(Cat(self.uio_in[0], request[0])),
            accept.eq(Cat(self.uio_in[3], accept[0])),
        ]
        place(m, "block", self.top, platform)
        if len(self.inputs) == 1:
            self._one_in(m, self.inputs[0], request[1], taken)
        elif self.inputs:
            self._many_in(m, request[1], taken)
        self._out(m, accept[1], valid)
        return m

    def _one_in(self, m: Module, port: Port, request: Value, taken: Signal) -> None:
        """Gather the lower bytes of a word, and offer it with its last one."""
        inner, size = port.of(self.top), _sizes([port])[0]
        lower, number = Signal(8 * (size - 1), reset_less=True), Signal(range(size))
        final = number == size - 1
        m.d.comb += [
            Value.cast(inner.payload).eq(Cat(lower, self.ui_in)),
            inner.valid.eq(request & ~taken & final),
        ]
        with m.If(~request):
            m.d.sync += taken.eq(0)
        with m.Elif(~taken & ~final):
            m.d.sync += [taken.eq(1), number.eq(number + 1), lower.eq(Cat(lower, self.ui_in)[8:])]
        with m.Elif(~taken & inner.ready):
            m.d.sync += [taken.eq(1), number.eq(0)]

    def _many_in(self, m: Module, request: Value, taken: Signal) -> None:
        """Fill the word of the stream that the first byte names, once the block has the last."""
        sizes = _sizes(self.inputs)
        which, left = Signal(8, reset_less=True), Signal(range(max(sizes) + 1))
        words = [Signal(8 * size, name=f"word{k}", reset_less=True) for k, size in enumerate(sizes)]
        full = Signal(len(sizes))
        for k, port in enumerate(self.inputs):
            inner = port.of(self.top)
            m.d.comb += [Value.cast(inner.payload).eq(words[k]), inner.valid.eq(full[k])]
            with m.If(inner.valid & inner.ready):
                m.d.sync += full[k].eq(0)
        with m.If(~request):
            m.d.sync += taken.eq(0)
        with m.Elif(~taken & (left == 0)):
            m.d.sync += [taken.eq(1), which.eq(self.ui_in)]
            with m.Switch(self.ui_in):
                for k, size in enumerate(sizes):
                    with m.Case(k):
                        m.d.sync += left.eq(size)
        with m.Elif(~taken):
            with m.Switch(which):
                for k in range(len(sizes)):
                    with m.Case(k), m.If(~full[k]):
                        m.d.sync += [
                            taken.eq(1),
                            left.eq(left - 1),
                            words[k].eq(Cat(words[k][8:], self.ui_in)),
                            full[k].eq(left == 1),
                        ]

    def _out(self, m: Module, accept: Value, valid: Signal) -> None:
        """Send the words that wait, the lowest stream's first, and let go of each at its end."""
        named = len(self.outputs) > 1
        sizes = [size + named for size in _sizes(self.outputs)]
        number = Signal(range(max(sizes, default=1)))
        byte = Signal(8, reset_less=True)
        busy, which = Signal(), Signal(range(max(2, len(sizes))))
        m.d.comb += self.uo_out.eq(byte)
        with m.If(valid & accept):
            m.d.sync += [valid.eq(0), number.eq(number + 1)]
        for k, port in enumerate(self.outputs):
            inner = port.of(self.top)
            word = Cat([Const(k, 8)] if named else [], Value.cast(inner.payload))
            final = number == sizes[k] - 1
            chosen = (busy & (which == k)) if named else Const(1)
            with m.If(chosen & inner.valid & ~valid & ~accept):
                m.d.sync += [valid.eq(1), byte.eq(word.word_select(number, 8))]
            m.d.comb += inner.ready.eq(chosen & final & valid & accept)
            with m.If(inner.ready):
                m.d.sync += [number.eq(0), busy.eq(0)]
        if named:
            waiting = [port.of(self.top).valid for port in self.outputs]
            with m.If(~busy):
                for k, offered in reversed([*enumerate(waiting)]):
                    with m.If(offered):
                        m.d.sync += [busy.eq(1), which.eq(k)]


_SLOWED = ("reset", "request", "accept")


def _sizes(ports: list[Port]) -> list[int]:
    """Return the number of bytes of each stream's word."""
    return [word_bytes(width) for width in Serial.widths(ports).values()]
