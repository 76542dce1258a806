"""A block on a board: its streams over a serial line, as :mod:`nomul.golden.serial` says."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from nomul.golden.spi import RESET
from nomul.hw.axi import ports as axis_ports
from nomul.hw.once import place
from nomul.hw.reset import Clocking
from nomul.hw.spi import Slave
from nomul.hw.uart import Receiver, Transmitter


@dataclass(frozen=True)
class Line:
    """What carries bytes: those that come, those that go, and what ends a word or everything.

    Attributes
    ----------
    data, valid
        A byte, for one cycle.
    i
        A stream of bytes to send.
    broken
        Resets the board; it is to be computed of what nothing resets.
    dropped
        A word that is half received is forgotten.
    """

    data: Value
    valid: Value
    i: Any
    broken: Value
    dropped: Value


class Words(wiring.Component):
    """Feeds a block's input streams with words made of bytes, and sends what comes out.

    A word of each input stream waits in a register of its own until the block takes it; words out
    go through one register, the lowest stream first. Flags and counters that are no streams are not
    sent.

    Parameters
    ----------
    top : :class:`wiring.Component`
        The block. Its inputs are streams.
    pins : mapping
        Members of the line, beside the clock.

    Members
    -------
    clk : ``In(1)``
        Clock.
    """

    clocking = Clocking("clk", "", "none")
    resets_between = False  # only a byte between words can reset

    def __init__(self, top: wiring.Component, pins: Mapping[str, wiring.Member]):
        self.top = top
        self.cfg = getattr(top, "cfg", None)
        self.inputs, self.outputs = axis_ports.streams(top)
        super().__init__({"clk": In(1), **pins})

    @staticmethod
    def widths(ports: list[axis_ports.Port]) -> dict[str, int]:
        """Return the widths of streams by name, as :class:`nomul.golden.serial.Link` wants them."""
        return {"__".join(port.path): Shape.cast(port.shape).width for port in ports}

    def line(self, m: Module) -> Line:
        """Put the line in, and connect its pins."""
        raise NotImplementedError

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = ClockDomain()
        line = self.line(m)
        place(m, "block", self.top, platform)
        taken = self._receive(m, line)
        self._send(m, line, taken)
        return m

    def _receive(self, m: Module, line: Line) -> list[Signal]:
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
        with m.If(line.valid & (left == 0)):
            m.d.sync += which.eq(line.data)
            with m.Switch(line.data):
                for k, size in enumerate(sizes):
                    with m.Case(k):
                        m.d.sync += left.eq(size)
        with m.Elif(line.valid):
            m.d.sync += left.eq(left - 1)
            with m.Switch(which):
                for k in range(len(sizes)):
                    with m.Case(k):
                        m.d.sync += words[k].eq(Cat(words[k][8:], line.data))
                        m.d.sync += full[k].eq(left == 1)
        with m.If(line.dropped):
            m.d.sync += left.eq(0)
        m.d.comb += [
            ClockSignal().eq(self.clk),
            ResetSignal().eq(line.broken & ((left == 0) if self.resets_between else 1)),
        ]
        return taken

    def _send(self, m: Module, line: Line, taken: list[Signal]) -> None:
        """Send who was taken from, then the words out, one after the other."""
        sizes = [word_bytes(width) for width in self.widths(self.outputs).values()]
        longest = max(sizes, default=0) + 1  # with the byte that names the stream
        word, left = Signal(8 * longest), Signal(range(longest + 1))
        m.d.comb += [line.i.payload.eq(word[:8]), line.i.valid.eq(left != 0)]
        with m.If(left != 0):
            with m.If(line.i.ready):
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


class Serial(Words):
    """A block behind an asynchronous serial line; a break on the line resets it.

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

    def __init__(self, top: wiring.Component, divisor: int):
        self.divisor = divisor
        super().__init__(top, {"rx": In(1), "tx": Out(1)})

    def line(self, m: Module) -> Line:
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        return Line(receiver.data, receiver.valid, transmitter.i, receiver.broken, Const(0))


class SpiSerial(Words):
    """A block behind SPI, as :mod:`nomul.golden.spi` says; a byte between words resets it.

    Parameters
    ----------
    top : :class:`wiring.Component`
        The block. Its inputs are streams.

    Members
    -------
    clk : ``In(1)``
        Clock, at least ``nomul.golden.spi.LEAST_DIVISOR`` times as fast as ``sck``.
    sck, csn, mosi, miso
        See :class:`nomul.hw.spi.Slave`.
    """

    resets_between = True

    def __init__(self, top: wiring.Component):
        super().__init__(top, {"sck": In(1), "csn": In(1), "mosi": In(1), "miso": Out(1)})

    def line(self, m: Module) -> Line:
        m.submodules.slave = slave = Slave()
        m.d.comb += [
            slave.sck.eq(self.sck),
            slave.csn.eq(self.csn),
            slave.mosi.eq(self.mosi),
            self.miso.eq(slave.miso),
        ]
        broken = slave.valid & (slave.data == RESET)
        return Line(slave.data, slave.valid, slave.i, broken, slave.deselected)
