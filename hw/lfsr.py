"""Leap-forward linear-feedback shift register."""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Module, Signal, Value, ValueLike, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import Out

from nomul.golden import lfsr
from nomul.golden.lfsr import Config
from nomul.hw.configured import Configured, Ports


def transform(matrix: lfsr.Matrix, word: ValueLike) -> Value:
    """Return the image of ``word`` under a GF(2) matrix: one XOR tree per bit."""
    bits = list(Value.cast(word))
    return Cat(
        reduce(xor, (bit for j, bit in enumerate(bits) if (mask >> j) & 1))
        for mask in matrix.rows()
    )


class Top(Configured[Config]):
    """Emits the states of an LFSR, ``cfg.leap`` register steps apart, the seed first.

    The leap is one XOR matrix, the power of the step matrix that
    :func:`nomul.golden.lfsr.step_matrix` gives. Latency is zero cycles from ready; one state per
    cycle (``cfg.interval`` is 1).

    Members
    -------
    o : ``Out(stream.Signature(unsigned(cfg.width)))``
        States, equal to ``nomul.golden.lfsr.model(cfg, n)``.
    """

    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {"o": Out(stream.Signature(unsigned(cfg.width)))}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        state = Signal(cfg.width, init=cfg.seed)
        leap = lfsr.step_matrix(cfg.width, cfg.taps) ** cfg.leap
        m.d.comb += [self.o.payload.eq(state), self.o.valid.eq(1)]
        with m.If(self.o.ready):
            m.d.sync += state.eq(transform(leap, state))
        return m
