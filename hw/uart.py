"""Asynchronous serial line: eight bits, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Receiver(wiring.Component):
    """Receives bytes; each is looked at in the middle of its bits.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit, at least 4.

    Members
    -------
    rx : ``In(1)``
        The line, from another clock domain.
    data, valid : ``Out(8)``, ``Out(1)``
        A byte, for one cycle.
    broken : ``Out(1)``
        For one cycle: the stop bit was missing.
    """

    def __init__(self, divisor: int):
        if divisor < 4:
            raise ValueError(f"divisor must be at least 4, not {divisor!r}")
        self.divisor = divisor
        super().__init__({"rx": In(1), "data": Out(8), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The line is idle when it is high; nothing here is reset, since a break resets the rest.
        meta, level = Signal(init=1, reset_less=True), Signal(init=1, reset_less=True)
        busy, bits = Signal(reset_less=True), Signal(range(10), reset_less=True)
        wait = Signal(range(self.divisor), reset_less=True)
        held = Signal(reset_less=True)
        m.d.sync += [meta.eq(self.rx), level.eq(meta), self.valid.eq(0), self.broken.eq(0)]
        with m.If(held):
            m.d.sync += held.eq(~level)
        with m.Elif(~busy):
            m.d.sync += [busy.eq(~level), bits.eq(0), wait.eq(self.divisor // 2 - 1)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(self.divisor - 1), bits.eq(bits + 1)]
            with m.If(bits == 0):
                m.d.sync += busy.eq(~level)
            with m.Elif(bits == 9):
                m.d.sync += [busy.eq(0), self.valid.eq(level), self.broken.eq(~level)]
                m.d.sync += held.eq(~level)
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], level))
        return m


class Transmitter(wiring.Component):
    """Sends bytes, each in ten bit times.

    Parameters
    ----------
    divisor : int
        Clock cycles per bit.

    Members
    -------
    i : ``In(stream.Signature(8))``
        Bytes.
    tx : ``Out(1)``
        The line, high when idle.
    """

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rest, bits = Signal(9, init=0x1FF), Signal(range(11))
        wait = Signal(range(self.divisor))
        m.d.comb += self.i.ready.eq(bits == 0)
        with m.If(bits == 0):
            m.d.sync += self.tx.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), rest.eq(Cat(self.i.payload, 1)), bits.eq(10)]
                m.d.sync += wait.eq(self.divisor - 1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(self.divisor - 1), bits.eq(bits - 1)]
            m.d.sync += [self.tx.eq(rest[0]), rest.eq(Cat(rest[1:], 1))]
        return m
