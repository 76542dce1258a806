"""A block on a board: its streams over a serial line, as :mod:`nomul.golden.serial` says."""

from typing import Any

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    Module,
    ResetSignal,
    Shape,
    Signal,
    Value,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.serial import TAKEN, word_bytes
from nomul.hw.axi import ports as axis_ports
from nomul.hw.once import place
from nomul.hw.reset import Clocking
from nomul.hw.uart import Receiver, Transmitter


class Serial(wiring.Component):
    """Feeds a block's input streams from a serial line, and sends what comes out.

    A word of each input stream waits in a register of its own until the block takes it; words out
    go through one register, the lowest stream first. Reset is a break on the line. Flags and
    counters that are no streams are not sent.

    Parameters
    ----------
    top : :class:`wiring.Component`
        The block. Its inputs are streams.
    divisor : int
        Clock cycles per bit of the line.

    Members
    -------
    clk : ``In(1)``
        Clock.
    rx, tx : ``In(1)``, ``Out(1)``
        The line, in and out.
    """

    clocking = Clocking("clk", "", "none")

    def __init__(self, top: wiring.Component, divisor: int):
        self.top, self.divisor = top, divisor
        self.cfg = getattr(top, "cfg", None)
        axis_ports.status(top)  # refuses inputs that are no streams
        streams = axis_ports.ports(top)
        self.inputs = [port for port in streams if not port.outward]
        self.outputs = [port for port in streams if port.outward]
        super().__init__({"clk": In(1), "rx": In(1), "tx": Out(1)})

    @staticmethod
    def widths(ports: list[axis_ports.Port]) -> dict[str, int]:
        """Return the widths of streams by name, as :class:`nomul.golden.serial.Link` wants them."""
        return {"__".join(port.path): Shape.cast(port.shape).width for port in ports}

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        m.d.comb += [
            ClockSignal().eq(self.clk),
            ResetSignal().eq(receiver.broken),
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
        ]
        place(m, "block", self.top, platform)
        taken = self._receive(m, receiver)
        self._send(m, transmitter, taken)
        return m

    def _receive(self, m: Module, receiver: Receiver) -> list[Signal]:
        """Fill the register of the stream that the first byte names; return who was taken from."""
        sizes = [word_bytes(width) for width in self.widths(self.inputs).values()]
        which, left = Signal(8), Signal(range(max(sizes, default=1) + 1))
        words = [Signal(8 * size, name=f"word{k}") for k, size in enumerate(sizes)]
        full = [Signal(name=f"full{k}") for k in range(len(sizes))]
        taken = [Signal(name=f"taken{k}") for k in range(len(sizes))]
        for k, port in enumerate(self.inputs):
            inner = port.of(self.top)
            payload = Value.cast(inner.payload)
            m.d.comb += [payload.eq(words[k]), inner.valid.eq(full[k])]
            with m.If(inner.valid & inner.ready):
                m.d.sync += [full[k].eq(0), taken[k].eq(1)]
        with m.If(receiver.valid & (left == 0)):
            m.d.sync += which.eq(receiver.data)
            with m.Switch(receiver.data):
                for k, size in enumerate(sizes):
                    with m.Case(k):
                        m.d.sync += left.eq(size)
        with m.Elif(receiver.valid):
            m.d.sync += left.eq(left - 1)
            with m.Switch(which):
                for k in range(len(sizes)):
                    with m.Case(k):
                        m.d.sync += words[k].eq(Cat(words[k][8:], receiver.data))
                        m.d.sync += full[k].eq(left == 1)
        return taken

    def _send(self, m: Module, transmitter: Transmitter, taken: list[Signal]) -> None:
        """Send who was taken from, then the words out, one after the other."""
        sizes = [word_bytes(width) for width in self.widths(self.outputs).values()]
        longest = max(sizes, default=0) + 1  # with the byte that names the stream
        word, left = Signal(8 * longest), Signal(range(longest + 1))
        m.d.comb += [transmitter.i.payload.eq(word[:8]), transmitter.i.valid.eq(left != 0)]
        with m.If(left != 0):
            with m.If(transmitter.i.ready):
                m.d.sync += [left.eq(left - 1), word.eq(word >> 8)]
        for k, flag in enumerate(taken):
            with m.Elif(flag):
                m.d.sync += [word.eq(TAKEN + k), left.eq(1), flag.eq(0)]
        for k, port in enumerate(self.outputs):
            inner = port.of(self.top)
            with m.Elif(inner.valid):
                m.d.comb += inner.ready.eq(1)
                whole = Cat(Const(k, 8), Value.cast(inner.payload))
                m.d.sync += [word.eq(whole), left.eq(sizes[k] + 1)]
