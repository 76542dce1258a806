"""Outer product by small integer multipliers, in ESSOP's array and behind its ports."""

from amaranth.hdl import Const, Mux, Value

from nomul.golden.intouter import Config
from nomul.hw import essop


def rounded(cfg: Config, operand: Value, word: Value) -> Value:
    """Return (X levels + r) >> W, X levels being X 2**(k-1) - X; saturates like the comparator.

    To the nearest, r is one half instead of the word.
    """
    if cfg.rounding == "nearest":
        word = Const(1 << (cfg.width - 1), cfg.width)
    clipped = Mux(operand[-1], 1 << cfg.width, operand)
    scaled = (clipped << (cfg.bits - 1)) - clipped
    return (scaled.as_unsigned() + word)[cfg.width : cfg.width + cfg.lane_bits]


class Top(essop.Top):
    """Computes outer products of pairs of vectors whose operands are rounded to k bits.

    The reference that ESSOP has to beat: a lane rounds its operand with the shared random word, a
    cell multiplies two magnitudes of k - 1 bits. Everything around the lanes and cells, ports,
    latency and interval included, is that of :class:`nomul.hw.essop.Top` with ``cfg.beats`` = 1.

    Parameters
    ----------
    cfg : :class:`nomul.golden.intouter.Config`
        Array, bits and source, already validated.

    Members
    -------
    As for :class:`nomul.hw.essop.Top`; ``y`` carries products, equal to
    ``nomul.golden.intouter.model``.
    """

    cfg: Config

    @staticmethod
    def lane(cfg: Config, words: list[Value], operand: Value) -> Value:
        return rounded(cfg, operand, words[0])
