"""What the layers that answer within a cycle have in common."""

from collections.abc import Callable

from amaranth.hdl import Module, Shape, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet.layers import Lanes, Layer


class Combinational(wiring.Component):
    """Base of the layers that answer within the cycle; ``describe`` is what they differ in.

    Parameters
    ----------
    layer : :class:`nomul.golden.lutnet.layers.Layer`
        The layer.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What it takes.
    adder : str
        How ones are added.

    Members
    -------
    x : ``In(before.bits)``
        Lanes, lane 0 lowest.
    y : ``Out(layer.lanes(before).bits)``
        Lanes, lane 0 lowest.
    """

    def __init__(self, layer: Layer, before: Lanes, adder: str):
        self.layer, self.before, self.adder = layer, before, adder
        self.after = layer.lanes(before)
        super().__init__({"x": In(before.bits), "y": Out(self.after.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.y.eq(self.describe(m))
        return m

    def describe(self, m: Module) -> Value:
        """Return the outputs."""
        raise NotImplementedError

    def values(self, width: int, shape: Callable[[int], Shape] = unsigned) -> list[Value]:
        """Return the inputs as numbers of ``width`` bits."""
        words = [self.x[i : i + width] for i in range(0, len(self.x), width)]
        return [word.as_signed() for word in words] if shape is signed else words
