"""Outer product by FP16 multipliers, in ESSOP's array and behind its ports."""

from amaranth.hdl import Cat, Const, Mux, Value

from nomul.golden.fp16outer import Config
from nomul.hw import essop


def encoded(cfg: Config, operand: Value) -> Value:
    """Return the binary16 magnitude of X 2**(1-W); X above 2**W saturates there."""
    clipped = Mux(operand[-1], Const(1 << cfg.width, cfg.width + 1), operand)
    result: Value = Const(0, 15)
    for place in range(cfg.width + 1):  # of the leading one: the last that is set decides
        fraction = Cat(Const(0, 10 - place), clipped[:place])
        exponent = Const(place + 1 - cfg.width + 15, 5)
        result = Mux(clipped[place], Cat(fraction, exponent), result)
    return result


class Top(essop.Top):
    """Computes outer products of pairs of vectors with one FP16 multiplier per weight.

    What ESSOP's array replaces: a lane converts its operand to binary16, a cell multiplies two of
    them in three stages while they are held. Everything around the lanes and cells, ports, latency
    and interval included, is that of :class:`nomul.hw.essop.Top` with ``cfg.beats`` = 4.

    Parameters
    ----------
    cfg : :class:`nomul.golden.fp16outer.Config`
        Array and treatment of subnormal numbers, already validated.

    Members
    -------
    As for :class:`nomul.hw.essop.Top`; ``y`` carries binary16 patterns, equal to
    ``nomul.golden.fp16outer.model``.
    """

    cfg: Config

    @staticmethod
    def lane(cfg: Config, words: list[Value], operand: Value) -> Value:
        return encoded(cfg, operand)

    def result(self, count: Value, negative: Value) -> Value:
        return Cat(count, negative)
