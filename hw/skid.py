"""Stream register and skid buffer."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.skid import Config
from nomul.hw.configured import Configured, Ports


class Buffer(wiring.Component):
    """Takes words of a stream and gives the same ones, later.

    Parameters
    ----------
    shape
        Shape of the payload.

    Members
    -------
    i : ``In(stream.Signature(shape))``
        Words.
    o : ``Out(stream.Signature(shape))``
        The same words.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: object):
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})


class Stage(Buffer):
    """Holds one word of a stream.

    Latency is one cycle, one word per cycle. ``i.ready`` follows ``o.ready`` combinationally.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        payload = Signal(self.i.payload.shape(), reset_less=True)
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), self.o.payload.eq(payload)]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += payload.eq(self.i.payload)
        return m


class Skid(Buffer):
    """Holds up to two words of a stream, so that no combinational path crosses it.

    Latency is one cycle, one word per cycle. ``i.ready`` falls a cycle after ``o.ready``; the word
    that arrives in between waits in a second register.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.i.payload.shape()
        payload = Signal(shape, reset_less=True)
        waiting = Signal(shape, reset_less=True)
        occupied = Signal()
        m.d.comb += [self.i.ready.eq(~occupied), self.o.payload.eq(payload)]
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [
                self.o.valid.eq(self.i.valid | occupied),
                occupied.eq(0),
            ]
            with m.If(occupied):
                m.d.sync += payload.eq(waiting)
            with m.Elif(self.i.valid):
                m.d.sync += payload.eq(self.i.payload)
        with m.Elif(self.i.valid & ~occupied):
            m.d.sync += [waiting.eq(self.i.payload), occupied.eq(1)]
        return m


class Top(Configured[Config]):
    """Delays a stream by one register or by a skid buffer, as ``cfg.kind`` says.

    Latency is one cycle; one word per cycle (``cfg.interval`` is 1).

    Members
    -------
    i : ``In(stream.Signature(unsigned(cfg.width)))``
        Words.
    o : ``Out(stream.Signature(unsigned(cfg.width)))``
        The same words, equal to ``nomul.golden.skid.model(cfg, x)``.
    """

    i: stream.Interface
    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        signature = stream.Signature(unsigned(cfg.width))
        return {"i": In(signature), "o": Out(signature)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kind = {"register": Stage, "skid": Skid}[self.cfg.kind]
        m.submodules.buffer = buffer = kind(unsigned(self.cfg.width))
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        wiring.connect(m, buffer.o, wiring.flipped(self.o))
        return m
