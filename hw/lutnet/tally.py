"""Class scores counted over several cycles, where a streamed image leaves time for it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
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

    A part is every ``parts``-th bit of a class; a multiplexer chooses it, which takes a third of a
    table of six inputs per bit where an adder takes a whole one. The inputs must stay meanwhile.
    Latency is ``parts`` cycles; one vector per ``parts`` cycles.

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
        number = Signal(range(self.parts))
        free, step, final = Signal(), Signal(), Signal()
        scores = [
            Signal(self.after.width, name=f"score{i}", reset_less=True) for i in range(head.groups)
        ]
        last = Signal(reset_less=True)
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            step.eq(self.i.valid & free),
            final.eq(number == self.parts - 1),
            self.i.ready.eq(free & final),
            self.o.payload.x.eq(Cat(scores)),
            self.o.payload.last.eq(last),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(step & final)
        with m.If(step):
            m.d.sync += [number.eq(Mux(final, 0, number + 1)), last.eq(self.i.payload.last)]
        size = len(value) // head.groups
        first = settle(m, number == 0, 1)
        for i, score in enumerate(scores):
            bits = list(value[i * size : (i + 1) * size])
            some = [
                settle(m, chosen(m, bits[j : j + self.parts], number), 1)
                for j in range(0, size, self.parts)
            ]
            count = shared_sum(m, [some], self.adder)
            with m.If(step):
                m.d.sync += score.eq(Mux(first, 0, score) + count)
        return m


def chosen(m: Module, values: list[Value], index: Value) -> Value:
    """Return ``values[index]``, 0 beyond them, by a tree of multiplexers."""
    for bit in list(index):
        padded = [*values, Const(0, 1)] if len(values) & 1 else values
        values = [Mux(bit, b, a) for a, b in zip(padded[0::2], padded[1::2], strict=True)]
    return values[0]
