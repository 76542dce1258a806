"""A transform modulo a Fermat number, one value per cycle: k sums that turn as they add."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.circulant.fermat import root
from nomul.hw.circulant.fermat import added, rotated


class Transform(wiring.Component):
    """Takes k codes one after the other, and has all k points of their transform.

    Horner's rule on each point f: P_f = (P_f + x_j) 2^-rf, for j = 0 .. k - 1, is the sum of
    x_j 2^(rfj), since 2^(rk) = 1. A turn by a constant is wires, so that a point is an adder and a
    register. One value per cycle; points are there in the cycle after the last one.

    Parameters
    ----------
    k, b : int
        Points, and the modulus 2^b + 1.
    inverse : bool
        Transform back, divided by k.

    Members
    -------
    enable, first : ``In(1)``
        A value comes; it is the first of k.
    value : ``In(b + 1)``
        Its code.
    points : ``Out(ArrayLayout(unsigned(b + 1), k))``
        Codes of the points.
    """

    def __init__(self, k: int, b: int, inverse: bool):
        self.k, self.b, self.inverse = k, b, inverse
        super().__init__(
            {
                "enable": In(1),
                "first": In(1),
                "value": In(b + 1),
                "points": Out(data.ArrayLayout(unsigned(b + 1), k)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, b = Module(), self.b
        step = root(self.k, b) * (1 if self.inverse else -1)
        divided = self.k.bit_length() - 1 if self.inverse else 0
        for f in range(self.k):
            kept = Signal(b + 1, name=f"point{f}", reset_less=True)
            total = added(m, kept, self.value, b, f"next{f}")
            with m.If(self.enable):
                m.d.sync += kept.eq(rotated(Mux(self.first, self.value, total), step * f, b))
            m.d.comb += self.points[f].eq(rotated(kept, -divided, b))
        return m
