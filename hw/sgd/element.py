"""The processing element: a slice of a product per cycle, a sum that moves on, and an update."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from nomul.golden.sgd import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.popcount import popcount
from nomul.hw.products.sums import Digits, Terms, booth_terms, merged, two_rows
from nomul.hw.sgd.layouts import element_ports, gradient_layout
from nomul.hw.sgd.rounding import rounded, saturated


class Element(Configured[Config]):
    """Multiplies its bank's weight, or its gradient, by the operand that all elements share.

    A product takes ``cfg.slices`` cycles, from the operand's low bits to its high ones; the sum
    moves down by a slice in each, and with the last one it goes to the neighbour below. Of a
    product of an update the neighbour makes the weight that is written back, in the cycle after.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle.
    weight : ``In(signed(B))``
        Level that its own bank has read.
    sum_in, sum_out : ``In`` and ``Out(signed(cfg.sum_bits))``
        From the neighbour above, and to the one below.
    gradient_in, gradient_out : ``In`` and ``Out(gradient_layout(cfg))``
        Likewise.
    acc : ``Out(signed(cfg.sum_bits))``
        The sum, or the product of an update.
    old, new : ``In`` and ``Out(cfg.weight_bits)``
        A weight of the bank above, and what the product makes of it; the residue has its upper bit
        inverted, so that both are one number.
    """

    def ports(self, cfg: Config) -> Ports:
        return element_ports(cfg)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        control, width = self.control, self.cfg.sum_bits
        acc = Signal(signed(width), reset_less=True)
        gradient = Signal(gradient_layout(cfg), reset_less=True)
        m.d.comb += [self.acc.eq(acc), self.gradient_out.eq(gradient)]
        with m.If(control.turn):
            m.d.sync += gradient.eq(self.gradient_in)
        # This slice's part of the product, and what the neighbour gets.
        total = Signal(signed(width))
        m.d.comb += total.eq(self._total(m, acc, gradient))
        if cfg.slices == 1:
            m.d.comb += self.sum_out.eq(total)
            partial: Value = total
        else:
            low = Signal((cfg.slices - 1) * cfg.serial, reset_less=True)
            with m.If(control.step):
                m.d.sync += low.eq(Cat(low, total[: cfg.serial])[cfg.serial :])
            m.d.comb += self.sum_out.eq(Mux(control.whole, total, Cat(low, total)[:width]))
            partial = total >> cfg.serial
        with m.If(control.slide):
            m.d.sync += acc.eq(self.sum_in)
        if cfg.slices > 1:
            with m.Elif(control.step):
                m.d.sync += acc.eq(partial)
        self._change(m, acc)
        return m

    def _total(self, m: Module, acc: Signal, gradient: Value) -> Value:
        """Return the sum with this slice's part."""
        cfg, control, width = self.cfg, self.control, self.cfg.sum_bits
        start, factor = Signal(signed(width)), Signal(signed(cfg.bits))
        m.d.comb += [start.eq(Mux(control.clear, 0, acc)), factor.eq(self.weight)]
        estimate, negative = Signal(2 * cfg.width + 1), Signal()
        if cfg.update == "exact":
            m.d.comb += factor.eq(Mux(control.update, gradient.value, self.weight))
        else:
            both = Signal(cfg.stream_bits)
            m.d.comb += [
                both.eq(control.bits & gradient.bits),
                estimate.eq(popcount(m, list(both)) << control.unit),
                negative.eq(control.update & (control.negative ^ gradient.negative)),
            ]
        if cfg.serial == 1:
            # One digit; minus a number is its complement and one, which a bit below carries in.
            term, minus = Signal(signed(width)), Signal()
            chosen = Mux(control.one[0], factor, 0).as_signed()
            if cfg.update == "essop":  # the digit is 0 in an update
                chosen = chosen | estimate.as_unsigned()
            m.d.comb += [
                minus.eq(control.minus[0] | negative),
                term.eq(chosen ^ minus.replicate(width).as_signed()),
            ]
            both_ends = Signal(signed(width + 1))
            m.d.comb += both_ends.eq(
                Cat(Const(1, 1), start).as_signed() + Cat(minus, term).as_signed()
            )
            return both_ends[1:].as_signed()
        digits = Digits(list(control.one), list(control.two), list(control.minus))
        parts = [booth_terms(m, digits, factor.as_unsigned())]
        if cfg.update == "essop":
            signed_estimate = Signal(width)
            m.d.comb += signed_estimate.eq(estimate ^ negative.replicate(width))
            columns = [[bit] for bit in signed_estimate]
            columns[0].append(negative)
            parts.append(Terms(columns, 0))
        columns, constant = merged(parts, width)
        for place, (column, bit) in enumerate(zip(columns, start, strict=True)):
            column.append(bit)
            if constant >> place & 1:
                column.append(Const(1, 1))
        a, b = two_rows(m, columns, width)
        return (a + b)[:width].as_signed()

    def _change(self, m: Module, product: Signal) -> None:
        """Describe the weight after its update: less the rounded product, and saturated."""
        cfg = self.cfg
        word = self.control.word if cfg.rounding == "stochastic" else Const(0, 16)
        less = rounded(m, cfg, product[: 2 * cfg.bits].as_signed(), cfg.shift, word)
        changed = Signal(signed(max(cfg.weight_bits, len(less)) + 1))
        m.d.comb += changed.eq(self.old.as_signed() - less)
        low = cfg.low_bits
        level = saturated(changed[low:].as_signed(), cfg.bits)
        m.d.comb += self.new.eq(Cat(changed[:low], level[: cfg.bits]))
