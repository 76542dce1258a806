"""Sums of memorised products with drawn signs: no multiplier, one addition per cycle."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from nomul.golden.dm import Config
from nomul.golden.dm.config import ROOTS
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform


class Sampler(Configured[Config]):
    """Adds beta to a sample, plus or minus as the shift register says.

    Latency is one cycle, one addition per cycle.

    Members
    -------
    go : ``In(1)``
        An addition counts; nothing changes without.
    begin : ``In(1)``
        It is the first of its sample, which begins with 2 eta.
    number : ``In(range(bits))``
        Which bit of the drawn number is added.
    last : ``In(1)``
        It is the number's last; the register moves on.
    eta : ``In(signed)``
        The mean of the result.
    beta : ``In(signed(cfg.beta_bits))``
        What is added.
    total : ``Out(signed(cfg.sum_bits))``
        Twice the sample so far.
    """

    go: Signal
    begin: Signal
    number: Signal
    last: Signal
    eta: Signal
    beta: Signal
    total: Signal

    def ports(self, cfg: Config) -> Ports:
        return {
            "go": In(1),
            "begin": In(1),
            "number": In(range(max(2, cfg.passes))),
            "last": In(1),
            "eta": In(signed(cfg.sum_bits)),
            "beta": In(signed(cfg.beta_bits)),
            "total": Out(signed(cfg.sum_bits)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        state, plus = Signal(cfg.lfsr_width, init=cfg.seed), Signal()
        whole = Signal(signed(cfg.sum_bits))
        m.d.comb += whole.eq(self.beta)
        if cfg.noise == "sign":
            m.d.comb += [plus.eq(state[0]), whole.eq(self.beta * ROOTS[cfg.bits])]
        else:
            m.d.comb += plus.eq(state[: cfg.bits].bit_select(self.number, 1))
        begun = Mux(self.begin, self.eta << 1, self.total)
        with m.If(self.go):
            m.d.sync += self.total.eq(begun + Mux(plus, whole, -whole))
            with m.If(self.last):
                m.d.sync += state.eq(transform(cfg.step, state))
        return m
