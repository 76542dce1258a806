"""One unit: a multiplier, or what does without, and the sums of its block rows."""

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.permdiag import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.permdiag.address import modular_difference


class Unit(Configured[Config]):
    """Adds the product of an activation and a weight to the sum of the row that they meet.

    One product per cycle, or per ``act_bits`` cycles bit by bit; sums are there in the next cycle.
    The row within its block is c = (d - k) mod p.

    Members
    -------
    enable, first, operand : ``In(1)``
        The pipeline moves; a vector begins, so that sums do; there is an activation.
    x, w : ``In``
        Activation and stored weight.
    d, k, step : ``In``
        Place within the block, shift of the block, and which of the unit's block rows.
    plane : ``In``
        The bit at work, the most significant first.
    sums : ``Out(ArrayLayout(signed(y_bits), steps * p))``
        Sums, block row by block row.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "first": In(1),
            "operand": In(1),
            "x": In(unsigned(cfg.act_bits)),
            "w": In(unsigned(cfg.stored_bits)),
            "d": In(range(max(2, cfg.p))),
            "k": In(range(max(2, cfg.p))),
            "step": In(range(max(2, cfg.steps))),
            "plane": In(range(max(2, cfg.planes))),
            "sums": Out(data.ArrayLayout(signed(cfg.y_bits), cfg.steps * cfg.p)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        product = Signal(signed(cfg.weight_bits + cfg.act_bits + 1))
        describe = {
            "multiplier": self._multiplied,
            "bitserial": self._serial,
            "pow2": self._shifted,
        }[cfg.product]
        describe(m, product)

        c = modular_difference(m, self.d, self.k, cfg.p, "c")
        sums = [
            [Signal(signed(cfg.y_bits), name=f"sum{s}_{i}", reset_less=True) for i in range(cfg.p)]
            for s in range(cfg.steps)
        ]
        so_far, total = Signal(signed(cfg.y_bits)), Signal(signed(cfg.y_bits))
        m.d.comb += [
            so_far.eq(Array(Array(row)[c] for row in sums)[self.step]),
            total.eq(Mux(self.first, 0, so_far) + product),
        ]
        adds = self.operand & (self.plane == 0)
        for s, row in enumerate(sums):
            for i, kept in enumerate(row):
                m.d.comb += self.sums[s * cfg.p + i].eq(kept)
                with m.If(self.enable):
                    with m.If(adds & (self.step == s) & (c == i)):
                        m.d.sync += kept.eq(total)
                    with m.Elif(self.first):
                        m.d.sync += kept.eq(0)
        return m

    def _act(self) -> Value:
        return self.x.as_signed() if self.cfg.act_signed else self.x

    def _multiplied(self, m: Module, product: Signal) -> None:
        m.d.comb += product.eq(self._act() * self.w.as_signed())

    def _serial(self, m: Module, product: Signal) -> None:
        """Double what the bits above gave, and add the weight where this bit is one."""
        cfg, width = self.cfg, len(product)
        above, start = Signal(signed(width), reset_less=True), Signal(signed(width))
        top = self.plane == cfg.act_bits - 1
        gated, minus = Signal(signed(width)), Signal()
        m.d.comb += [
            start.eq(Mux(top, 0, above << 1)),
            gated.eq(Mux(self.x.bit_select(self.plane, 1), self.w.as_signed(), 0)),
            minus.eq(top & int(cfg.act_signed)),
            product.eq(start + (gated ^ minus.replicate(width)).as_signed() + minus),
        ]
        with m.If(self.enable):
            m.d.sync += above.eq(product)

    def _shifted(self, m: Module, product: Signal) -> None:
        """Shift by the exponent; the code of zero is 0, with a sign or without."""
        width = len(product)
        code, minus = self.w[:-1], self.w[-1]
        exponent, shifted = Signal(len(code)), Signal(signed(width))
        m.d.comb += [
            exponent.eq(code - 1),
            shifted.eq(Mux(code == 0, 0, self._act() << exponent)),
            product.eq((shifted ^ minus.replicate(width)).as_signed() + minus),
        ]
