"""Lanes of a large outer-product array as modules, described once for each kind."""

from collections.abc import Callable

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.essop import Config

Draw = Callable[[Config, list[Value], Value], Value]


def too_large(operand: Value) -> Value:
    """Return whether an operand of W + 1 bits is above 2**W."""
    return operand[-1] & operand[:-1].any()


class Lane(wiring.Component):
    """Holds an operand, and sends what it draws for it.

    ``sent`` follows the words by one cycle, while ``advance`` is high.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        Widths, and words per cycle.
    draw
        What is sent for an operand and its words, such as :meth:`nomul.hw.essop.Top.lane`.

    Members
    -------
    load, offered : ``In(1)``, ``In(cfg.width + 1)``
        Take this operand.
    words : ``In(ArrayLayout(cfg.width, cfg.bits_per_cycle))``, advance : ``In(1)``
        Draw with these words.
    operand : ``Out(cfg.width + 1)``, sent : ``Out(cfg.lane_bits)``
        What is held, and what is sent.
    large : ``Out(1)``
        What is offered is above 2**W.
    """

    def __init__(self, cfg: Config, draw: Draw):
        self.cfg, self.draw = cfg, draw
        operand = unsigned(cfg.width + 1)
        super().__init__(
            {
                "load": In(1),
                "offered": In(operand),
                "words": In(data.ArrayLayout(cfg.width, cfg.bits_per_cycle)),
                "advance": In(1),
                "operand": Out(operand),
                "sent": Out(cfg.lane_bits),
                "large": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = Signal.like(self.operand, reset_less=True)
        drawn = Signal.like(self.sent, reset_less=True)
        m.d.comb += [
            self.large.eq(too_large(self.offered)),
            self.operand.eq(held),
            self.sent.eq(drawn),
        ]
        with m.If(self.load):
            m.d.sync += held.eq(self.offered)
        with m.If(self.advance):
            m.d.sync += drawn.eq(self.draw(self.cfg, list(self.words), held))
        return m
