"""Outer product by FP16 multipliers, in ESSOP's place and behind its ports."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import data

from nomul.golden.fp16mul import FRACTION, Mode
from nomul.golden.fp16outer import Config
from nomul.golden.outer import Array
from nomul.hw.fp16mul import held_product
from nomul.hw.outer import Draw, Grid, Product, Unit


@dataclass(frozen=True)
class Encoded(Draw):
    """Lanes that send the binary16 magnitude of X 2**(1-W); X above 2**W saturates there."""

    width: int

    def send(self, words: Sequence[Value], operand: Value) -> Value:
        """Return the magnitude's pattern."""
        width = self.width
        clipped = Mux(operand[-1], Const(1 << width, width + 1), operand)
        result: Value = Const(0, 15)
        for place in range(width + 1):  # of the leading one: the last that is set decides
            fraction = Cat(Const(0, 10 - place), clipped[:place])
            exponent = Const(place + 1 - width + 15, 5)
            result = Mux(clipped[place], Cat(fraction, exponent), result)
        return result


@dataclass(frozen=True)
class Multiplier(Product):
    """Cells that multiply two magnitudes of binary16, which are held while its stages work.

    Of an operand of W bits only the upper W bits of the significand are ever set.
    """

    mode: Mode

    def total(self, m: Module, array: Array, control: data.View, a: Value, b: Value) -> Value:
        """Return the product's magnitude."""
        return held_product(m, self.mode, a, b, FRACTION + 1 - array.width)

    def result(self, total: Value, negative: Value) -> Value:
        """Return the pattern with its sign."""
        return Cat(total, negative)


class Top(Unit):
    """Computes outer products of pairs of vectors with one FP16 multiplier per weight.

    What ESSOP's array replaces: a lane converts its operand to binary16, a cell multiplies two of
    them in three stages while they are held. Latency and interval are those of the unit with
    ``cfg.beats`` = 4.

    Members
    -------
    As for :class:`nomul.hw.outer.Unit`; ``y`` carries binary16 patterns, equal to
    :func:`nomul.golden.fp16outer.model`.
    """

    def __init__(self, cfg: Config):
        super().__init__(cfg, Encoded(cfg.width), Grid(Multiplier(cfg.mode)))
