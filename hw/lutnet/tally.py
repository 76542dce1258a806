"""Class scores counted over several cycles, where a streamed image leaves time for it."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import GroupSum
from nomul.golden.lutnet.layers import Lanes, Layer
from nomul.hw.compressor import shared_sum
from nomul.hw.lutnet.layers import HARDWARE
from nomul.hw.lutnet.operators import settle
from nomul.hw.lutnet.tiled import beat


class Tally(wiring.Component):
    """Layers of tables and a group sum, each of whose sums is counted part by part.

    A part is every ``parts``-th bit of a class. Each bit has a register that is 0 but in the cycle
    after its part's turn, so that an OR of bits of different parts is a bit of one part: a fifth of
    a table of six inputs per bit, where a multiplexer takes a third and an adder a whole one. The
    inputs must stay for ``parts`` cycles.
    Latency is ``parts`` + 2 cycles; one vector per ``parts`` + 2 cycles.

    Parameters
    ----------
    layers : tuple of :class:`nomul.golden.lutnet.layers.Layer`
        Layers that answer within a cycle, the last of them a group sum.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What the first of them takes.
    adder : str
        How ones are added.
    parts : int
        Cycles, at least 2.

    Members
    -------
    i : ``In(stream.Signature(beat(before)))``
        Vectors; each is taken in the last of its cycles.
    o : ``Out(stream.Signature(beat(after)))``
        Scores.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, layers: tuple[Layer, ...], before: Lanes, adder: str, parts: int):
        self.layers, self.before, self.adder, self.parts = layers, before, adder, parts
        after = before
        for layer in layers:
            after = layer.lanes(after)
        self.after = after
        wide = {"i": In(stream.Signature(beat(before)))}
        super().__init__({**wide, "o": Out(stream.Signature(beat(after)))})

    def elaborate(self, platform: object) -> Module:
        m, value, before = Module(), self.i.payload.x.as_value(), self.before
        for place, layer in enumerate(self.layers[:-1]):
            m.submodules[f"layer{place}_{layer.kind}"] = part = HARDWARE[type(layer)](
                layer, before, self.adder
            )
            m.d.comb += part.x.eq(value)
            value, before = part.y, layer.lanes(before)
        head = self.layers[-1]
        assert isinstance(head, GroupSum)
        # Bit r: part r is left out of the registers in this cycle.
        closed = Signal(self.parts)
        later = Signal(self.parts - 1, init=-1)
        taken, busy, ended, done = Signal(), Signal(), Signal(), Signal()
        begun = Signal(2, reset_less=True)
        scores = [
            Signal(self.after.width, name=f"score{i}", reset_less=True) for i in range(head.groups)
        ]
        last = Signal(reset_less=True)
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            taken.eq(self.i.valid & ~busy & free),
            closed.eq(Cat(~taken, later)),
            self.i.ready.eq(~later[-1]),
            self.o.payload.x.eq(Cat(scores)),
            self.o.payload.last.eq(last),
        ]
        m.d.sync += [
            later.eq(closed),
            begun.eq(Cat(taken, begun)),
            ended.eq(~later[-1]),
            done.eq(ended),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(done)
        with m.If(taken):
            m.d.sync += [busy.eq(1), last.eq(self.i.payload.last)]
        with m.If(done):
            m.d.sync += busy.eq(0)
        size = len(value) // head.groups
        for i, score in enumerate(scores):
            bits = value[i * size : (i + 1) * size]
            some = [
                settle(m, gathered(m, bits[j : j + self.parts], closed).any(), 1)
                for j in range(0, size, self.parts)
            ]
            count = shared_sum(m, [some], self.adder)
            m.d.sync += score.eq(Mux(begun[-1], 0, score) + count)
        return m


def gathered(m: Module, bits: Value, closed: Value) -> Signal:
    """Return an OR of every six bits, two cycles later, each of them as 0 where it is closed.

    Closing is a register's synchronous reset, which costs no look-up table.
    """
    held = Signal(len(bits), reset_less=True)
    for register, bit, without in zip(held, bits, closed, strict=False):
        m.d.sync += register.eq(Mux(without, 0, bit))
    groups = [held[j : j + 6].any() for j in range(0, len(held), 6)]
    result = Signal(len(groups), reset_less=True)
    m.d.sync += result.eq(Cat(groups))
    return result
