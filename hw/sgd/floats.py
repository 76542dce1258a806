"""Processing elements of binary16: a multiplier, and an adder that serves sums and updates."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from nomul.golden.sgd import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.fp16mul import held_product
from nomul.hw.fp16mul.product import net
from nomul.hw.sgd.layouts import element_ports, gradient_layout

FRACTION, EXPONENT = 10, 5
GUARDS = 3  # bits below the last one: guard, round, and whether anything is below


def added(m: Module, a: Value, b: Value) -> Signal:
    """Return the sum of two binary16 numbers, rounded to nearest even; subnormal ones are zero.

    The larger magnitude stays, the other is shifted right beside it, and the sum is shifted left
    until its leading one is on top. Three bits below the last one are enough: where more than one
    place is lost to cancellation, the shift before was by one at most.
    """
    swap = net(m, a[:15] < b[:15])
    large, small = net(m, Mux(swap, b, a)), net(m, Mux(swap, a, b))
    minus = net(m, a[15] ^ b[15])
    exponent = large[FRACTION:15]
    # Both differences, of which the comparison only chooses.
    above = net(m, (a[FRACTION:15] - b[FRACTION:15])[:EXPONENT])
    below = net(m, (b[FRACTION:15] - a[FRACTION:15])[:EXPONENT])
    distance = net(m, Mux(swap, below, above))
    # Significands with their hidden bit; that of zero has none.
    here, there = large[FRACTION:15].any(), small[FRACTION:15].any()
    top = Cat(Const(0, GUARDS), large[:FRACTION] & here.replicate(FRACTION), here)
    window: Value = Cat(Const(0, GUARDS), small[:FRACTION] & there.replicate(FRACTION), there)
    for k in range(EXPONENT):
        by = 1 << k
        lost = window[: min(by, len(window))].any()
        moved = Cat(window[by:], Const(0, min(by, len(window))))
        window = net(m, Mux(distance[k], Cat(moved[0] | lost, moved[1:]), window))
    width = FRACTION + 1 + GUARDS
    total = Signal(width + 1, name="magnitudes")
    m.d.comb += total.eq(top + (window ^ minus.replicate(width)) + minus - (minus << width))
    # The leading one goes to the top, and every place costs one of the exponent.
    zeros = leading_zeros(m, [Const(0, 1), *total])
    shifted: Value = total
    for k in reversed(range(len(zeros))):
        by = 1 << k
        shifted = net(m, Mux(zeros[k], Cat(Const(0, by), shifted[:-by]), shifted))
    up = shifted[GUARDS] & (shifted[:GUARDS].any() | shifted[GUARDS + 1])
    packed = Signal(FRACTION + EXPONENT + 2, name="packed")
    biased = Signal(signed(EXPONENT + 2), name="biased")
    m.d.comb += biased.eq(exponent - Cat(zeros))
    m.d.comb += packed.eq(Cat(shifted[GUARDS + 1 : -1], biased) + (1 << FRACTION) + up)
    # Below the smallest normal number, above the largest one, and what is no number.
    least, nothing = packed[FRACTION:].as_signed() <= 0, ~shifted[-1]
    special, again = exponent.all(), small[FRACTION:15].all()
    nan = special & (large[:FRACTION].any() | (again & minus))
    infinite = special | (packed[FRACTION:].as_signed() >= (1 << EXPONENT) - 1)
    magnitude = Mux(infinite, ((1 << EXPONENT) - 1) << FRACTION, packed[:15])
    sign = Mux(nothing & ~special, large[15] & small[15], large[15])
    result = Signal(16, name="sum")
    m.d.comb += result.eq(Cat(Mux((least | nothing) & ~special, 0, magnitude)[:15], sign))
    with m.If(nan):
        m.d.comb += result.eq(0x7E00)
    return result


def leading_zeros(m: Module, bits: Sequence[Value]) -> list[Value]:
    """Return the bits of how many zeros are on top of a power of two of bits, not all of them zero.

    The lowest is not looked at. Of two halves the upper one's count holds unless it is empty.
    """
    if len(bits) == 2:
        return [net(m, ~bits[1])]
    half = len(bits) // 2
    lower, upper = leading_zeros(m, bits[:half]), leading_zeros(m, bits[half:])
    empty = net(m, ~Cat(*bits[half:]).any())
    return [
        *(net(m, Mux(empty, one, other)) for one, other in zip(lower, upper, strict=True)),
        empty,
    ]


def scaled(value: Value, shift: int) -> Value:
    """Return minus a binary16 number times 2^-shift, zero if that is subnormal."""
    exponent = value[FRACTION:15]
    small, special = exponent <= shift, exponent.all()
    less = Mux(special, exponent, (exponent - shift)[:EXPONENT])
    magnitude = Cat(value[:FRACTION], less)
    return Cat(Mux(small & ~special, 0, magnitude)[:15], ~value[15])


class FloatElement(Configured[Config]):
    """Multiplies its bank's weight, or its gradient, by the operand that all elements share.

    As :class:`nomul.hw.sgd.element.Element`, in binary16. The multiplier takes an operand per
    cycle, and gives the product ``cfg.stages`` cycles later, when the controller moves the sums on.
    The adder adds products up; of an update it adds what the neighbour has multiplied to the
    weight, while products pass it by.

    Members
    -------
    As for :class:`nomul.hw.sgd.element.Element`; numbers are patterns.
    """

    def ports(self, cfg: Config) -> Ports:
        return element_ports(cfg)

    def elaborate(self, platform: object) -> Module:
        cfg, control, m = self.cfg, self.control, Module()
        acc = Signal(signed(cfg.sum_bits), reset_less=True)
        gradient = Signal(gradient_layout(cfg), reset_less=True)
        m.d.comb += [self.acc.eq(acc), self.gradient_out.eq(gradient)]
        with m.If(control.turn):
            m.d.sync += gradient.eq(self.gradient_in)
        with m.If(control.slide):
            m.d.sync += acc.eq(self.sum_in)
        # The product, whose sign goes with it through the multiplier's two registers and one more.
        factor = net(m, Mux(control.update, gradient.value, self.weight))
        magnitude = held_product(m, "ftz", control.operand[:15], factor[:15])
        signs = Signal(cfg.stages - 1, reset_less=True)
        m.d.sync += signs.eq(Cat(control.operand[15] ^ factor[15], signs))
        nan = magnitude[:FRACTION].any() & magnitude[FRACTION:].all()
        product = Signal(cfg.bits, reset_less=True)
        m.d.sync += product.eq(Cat(magnitude, signs[-1] & ~nan))
        # One adder: a product to the sum, or the neighbour's product to the weight.
        start = Mux(control.clear, 0, acc)
        total = added(
            m,
            net(m, Mux(control.update, self.old, start)),
            net(m, Mux(control.update, acc, product)),
        )
        handed = Mux(control.update, product, total)
        m.d.comb += [self.new.eq(total), self.sum_out.eq(Mux(control.whole, acc, handed))]
        return m
