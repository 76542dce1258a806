"""Streams of a stochastic update: how far vectors can be shifted, and the bits of a value."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config, pair
from nomul.hw.bitstream import Source, comparator
from nomul.hw.sgd.layouts import unit_bits
from nomul.hw.sgd.ring import index_bits


def magnitude(value: Value) -> Value:
    """Return the magnitude of a signed value, which has as many bits."""
    return Mux(value[-1], -value, value)[: len(value)].as_unsigned()


class Drawing(wiring.Component):
    """Makes streams of operands and gradients, whose magnitudes it shifts as far left as they go.

    That is ESSOP's block exponent, a power of two per vector: the bits that any magnitude of the
    vector has are gathered while the vector is written.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sgd.Config`
        Widths, streams, and passes.
    first : int
        State of the register after reset.

    Members
    -------
    written, vector, value : ``In``
        A value is written into this vector: activations 0 .. L - 1, then gradients 1 .. L.
    forget : ``In(1)``
        The vector begins anew, with the value that is written in this cycle if one is.
    begin, layer : ``In``
        An update begins, of this layer, counted from 0.
    finish : ``In(1)``
        It ends: the next one has other words.
    operand, gradient : ``In(signed(B))``
        Values to draw streams of.
    operand_bits, gradient_bits : ``Out(BL)``
        Their streams.
    unit : ``Out``
        Place of a count within the product.
    """

    def __init__(self, cfg: Config, first: int):
        self.cfg = cfg
        unit = pair(cfg, 1).replace(rows=1, cols=1, bits_per_cycle=cfg.stream_bits)
        self.source = unit.replace(seeds=(first, unit.seeds[1]))
        value = unsigned(cfg.bits)
        super().__init__(
            {
                "written": In(1),
                "vector": In(unsigned(index_bits(2 * cfg.layers))),
                "value": In(value),
                "forget": In(1),
                "begin": In(1),
                "layer": In(unsigned(index_bits(cfg.layers))),
                "finish": In(1),
                "operand": In(value),
                "gradient": In(value),
                "operand_bits": Out(cfg.stream_bits),
                "gradient_bits": Out(cfg.stream_bits),
                "unit": Out(unsigned(unit_bits(cfg))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.source = source = Source(self.source)
        m.d.comb += [source.advance.eq(self.finish), source.finish.eq(1)]
        # Bits that any magnitude of a vector has.
        unions = []
        for number in range(2 * cfg.layers):
            union = Signal(cfg.bits, name=f"union{number}", reset_less=True)
            here = self.vector == number
            gathered = Mux(self.forget, 0, union) | Mux(self.written, magnitude(self.value), 0)
            with m.If(here & (self.forget | self.written)):
                m.d.sync += union.eq(gathered)
            unions.append(union)
        of_a, of_g = Signal(unit_bits(cfg)), Signal(unit_bits(cfg))
        room_a = self._headroom(m, unions[: cfg.layers], "room_a")
        room_g = self._headroom(m, unions[cfg.layers :], "room_g")
        most = Signal(unit_bits(cfg))
        count_bits = cfg.stream_bits.bit_length() - 1
        m.d.comb += most.eq(2 * cfg.width - count_bits - room_a)
        with m.If(self.begin):
            m.d.sync += [of_a.eq(room_a), of_g.eq(Mux(room_g < most, room_g, most))]
        m.d.comb += self.unit.eq(2 * cfg.width - count_bits - of_a - of_g)
        for value, by, words, bits in (
            (self.operand, of_a, source.r, self.operand_bits),
            (self.gradient, of_g, source.s, self.gradient_bits),
        ):
            shifted = Signal(cfg.bits)
            m.d.comb += shifted.eq(magnitude(value) << by)
            m.d.comb += bits.eq(Cat(comparator(word, shifted) for word in words))
        return m

    def _headroom(self, m: Module, unions: Sequence[Signal], name: str) -> Signal:
        """Describe by how many bits the layer's vector may be shifted."""
        width = self.cfg.width
        union, room = (
            Signal(self.cfg.bits, name=f"{name}_union"),
            Signal(range(width + 1), name=name),
        )
        with m.Switch(self.layer):
            for number, one in enumerate(unions):
                with m.Case(number):
                    m.d.comb += union.eq(one)
        m.d.comb += room.eq(width)
        for place in range(width):
            with m.If(union[place]):
                m.d.comb += room.eq(width - 1 - place)
        with m.If(union[width]):
            m.d.comb += room.eq(0)
        return room
