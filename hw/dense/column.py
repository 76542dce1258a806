"""One column of the dense array: its products of a beat, and its accumulator."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.dense import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.products.sums import Digits, booth_terms, crossed_terms, merged, recode, two_rows


def digit_count(cfg: Config) -> int:
    """Return the radix-4 digits of an activation."""
    return -(-(cfg.act_bits + (not cfg.act_signed)) // 2)


def lane_bits(cfg: Config) -> int:
    """Return what a lane sends to all columns: an activation, its digits, or one of its bits."""
    if cfg.array == "bitserial":
        return 1
    return 3 * digit_count(cfg) if cfg.way == "booth" else cfg.act_bits


def lane(m: Module, cfg: Config, x: Value, plane: Value) -> Value:
    """Return what a lane sends, from its activation and, bit by bit, the plane at work."""
    if cfg.array == "bitserial":
        return x.bit_select(plane, 1)
    if cfg.way == "booth":
        digits = recode(m, x, cfg.act_signed)
        return Cat(*digits.one, *digits.two, *digits.minus)
    return x


class Column(Configured[Config]):
    """Adds the products of a beat to its sum, or starts a new one.

    One beat per cycle; ``total`` follows combinationally, and is kept where ``enable`` is high.

    Members
    -------
    x : ``In(ArrayLayout(lane_bits(cfg), lanes))``, w : ``In(ArrayLayout(weight_bits, lanes))``
        What lanes send; weights.
    enable, first : ``In(1)``
        Keep the sum; it is the first of a group of chunks.
    doubles, negate : ``In(1)``
        Of a bit-serial array: a new plane begins; it is the sign plane.
    total : ``Out(signed(cfg.y_bits))``
        The sum so far, this beat's products among it.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "x": In(data.ArrayLayout(lane_bits(cfg), cfg.lanes)),
            "w": In(data.ArrayLayout(signed(cfg.weight_bits), cfg.lanes)),
            "enable": In(1),
            "first": In(1),
            "doubles": In(1),
            "negate": In(1),
            "total": Out(signed(cfg.y_bits)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        acc = Signal(signed(cfg.y_bits), reset_less=True)
        with m.If(self.enable):
            m.d.sync += acc.eq(self.total)
        describe = {"bitserial": self._serial, "multiplier": self._multiplied}[cfg.array]
        describe(m, acc)
        return m

    def _multiplied(self, m: Module, acc: Signal) -> None:
        cfg, width = self.cfg, self.cfg.y_bits
        if cfg.way == "operator":
            start = Signal(signed(width))
            m.d.comb += start.eq(Mux(self.first, 0, acc))
            acts = [x.as_signed() if cfg.act_signed else x for x in self.x]
            products = [x * w for x, w in zip(acts, self.w, strict=True)]
            m.d.comb += self.total.eq(sum(products, start))
            return
        parts, count = [], digit_count(cfg)
        for x, w in zip(self.x, self.w, strict=True):
            if cfg.way == "booth":
                bits = list(x)
                digits = Digits(bits[:count], bits[count : 2 * count], bits[2 * count :])
                parts.append(booth_terms(m, digits, w.as_unsigned()))
            else:
                parts.append(crossed_terms(m, x, cfg.act_signed, w.as_unsigned()))
        columns, constant = merged(parts, width)
        # What the terms lack is the same in every beat, so a sum begins with all beats' worth.
        begin = Const(constant * cfg.chunks % (1 << width), width)
        start = Signal(width)
        m.d.comb += start.eq(Mux(self.first, begin, acc))
        for column, bit in zip(columns, start, strict=True):
            column.append(bit)
        a, b = two_rows(m, columns, width)
        m.d.comb += self.total.eq(a + b)

    def _serial(self, m: Module, acc: Signal) -> None:
        cfg, width = self.cfg, self.cfg.y_bits
        start = Signal(signed(width))
        m.d.comb += start.eq(Mux(self.first, 0, Mux(self.doubles, acc << 1, acc)))
        gated = [
            w.as_unsigned() & x.replicate(cfg.weight_bits)
            for x, w in zip(self.x, self.w, strict=True)
        ]
        part_bits = cfg.weight_bits + (cfg.lanes - 1).bit_length()
        part, minus = Signal(signed(part_bits)), Signal(signed(part_bits))
        m.d.comb += [
            part.eq(sum((g.as_signed() for g in gated[1:]), gated[0].as_signed())),
            minus.eq(part ^ self.negate.replicate(part_bits)),
        ]
        # The complement lacks one, which a bit below the lowest carries in: one adder does both.
        both = Signal(signed(width + 1))
        m.d.comb += [
            both.eq(Cat(Const(1, 1), start).as_signed() + Cat(self.negate, minus).as_signed()),
            self.total.eq(both[1:]),
        ]
