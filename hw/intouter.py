"""Outer product by small integer multipliers, in ESSOP's place and behind its ports."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Value
from amaranth.lib import data

from nomul.golden.intouter import Config
from nomul.golden.outer import Array
from nomul.hw.outer import Draw, Grid, Product, Unit, running


@dataclass(frozen=True)
class Rounded(Draw):
    """Lanes that send (X levels + r) >> W, X levels being X 2**(k-1) - X.

    Operands saturate like the comparator's. To the nearest, r is one half instead of the word.
    """

    cfg: Config

    def send(self, words: Sequence[Value], operand: Value) -> Value:
        """Return the rounded magnitude."""
        cfg, word = self.cfg, words[0]
        if cfg.rounding == "nearest":
            word = Const(1 << (cfg.width - 1), cfg.width)
        clipped = Mux(operand[-1], 1 << cfg.width, operand)
        scaled = (clipped << (cfg.bits - 1)) - clipped
        return (scaled.as_unsigned() + word)[cfg.width : cfg.width + cfg.lane_bits]


@dataclass(frozen=True)
class Multiplier(Product):
    """Cells that multiply two magnitudes."""

    def total(self, m: Module, array: Array, control: data.View, a: Value, b: Value) -> Value:
        """Return the product."""
        return running(m, array, control, lambda _: a * b)


class Top(Unit):
    """Computes outer products of pairs of vectors whose operands are rounded to k bits.

    The reference that ESSOP has to beat: a lane rounds its operand with the shared random word, a
    cell multiplies two magnitudes of k - 1 bits. Latency and interval are those of the unit with
    ``cfg.beats`` = 1.

    Members
    -------
    As for :class:`nomul.hw.outer.Unit`; ``y`` carries products, equal to
    :func:`nomul.golden.intouter.model`, or accumulators.
    """

    def __init__(self, cfg: Config):
        super().__init__(cfg, Rounded(cfg), Grid(Multiplier()))
