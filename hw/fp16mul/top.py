"""FP16 multiplier: three stages of product, one normalising shift, and rounding."""

from functools import reduce
from operator import or_
from typing import Any, Protocol

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from nomul.golden.fp16mul import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.fp16mul.product import multiply, net

HALF = data.StructLayout({"fraction": 10, "exponent": 5, "sign": 1})
OPERANDS = data.StructLayout({"a": HALF, "b": HALF})

Fields = dict[str, Value]


class Underflow(Protocol):
    """Datapath of one treatment of subnormal numbers: what the stages compute and hand on."""

    product: data.StructLayout
    rounded: data.StructLayout

    def multiply(self, m: Module, a: data.View, b: data.View, zeros: int = 0) -> Fields:
        """Return the first register's fields, :attr:`product`, from the operands.

        The ``zeros`` lowest bits of both fractions are known to be zero, and take no adders.
        """
        ...

    def normalize(self, m: Module, product: data.View) -> Fields:
        """Return the second register's fields, :attr:`rounded`, from the first's."""
        ...

    def pack(self, m: Module, rounded: data.View) -> Value:
        """Return the result from the second register."""
        ...


class Gradual:
    """Subnormal operands are multiplied as they are; one shifter brings the product into place.

    The shift is the larger of what the leading one and the least exponent ask for, so that it
    serves normalisation of subnormal operands and denormalisation of subnormal results alike.
    ``exponents`` is the sum of the exponent fields, a subnormal's counted as 1; an infinity or NaN
    makes it overflow.
    """

    product = data.StructLayout({"significand": 22, "exponents": 6, "sign": 1, "nan": 1})
    rounded = data.StructLayout({"fraction": 10, "exponent": 5, "hidden": 1, "up": 1, "sign": 1})

    def multiply(self, m: Module, a: data.View, b: data.View, zeros: int = 0) -> Fields:
        normal_a, normal_b = a.exponent.any(), b.exponent.any()
        special_a, special_b = a.exponent.all(), b.exponent.all()
        some_a, some_b = a.fraction.any(), b.fraction.any()
        nan = net(
            m,
            special_a & (some_a | ~(normal_b | some_b))
            | special_b & (some_b | ~(normal_a | some_a)),
        )
        exponents = Cat(a.exponent[0] | ~normal_a, a.exponent[1:]) + Cat(
            b.exponent[0] | ~normal_b, b.exponent[1:]
        )
        special = (special_a | special_b).replicate(3)
        significand = multiply(
            m, Cat(a.fraction[zeros:], normal_a), Cat(b.fraction[zeros:], normal_b)
        )
        return {
            "significand": Cat(Const(0, 2 * zeros), significand),
            "exponents": Cat(exponents[:3], exponents[3:6] | special),
            "sign": (a.sign ^ b.sign) & ~nan,
            "nan": nan,
        }

    def normalize(self, m: Module, product: data.View) -> Fields:
        """Shift the significand, with six zeros below it, until 11 bits and a guard bit remain.

        ``least`` is the shift after which the lowest of the 11 bits weighs 2**-24. The shift is
        decided from its highest bit: a bit of it is 1 if a bit of the product would else be left
        above the result, or if ``least`` has it and is not exceeded already.
        """
        # Overflow is known beforehand, from the exponents and the significand's top bit.
        significand, exponents = product.significand, product.exponents
        overflow = net(
            m,
            exponents[5]
            & (
                exponents[4]
                | exponents[3] & exponents[2] & (exponents[1] | exponents[0] & significand[21])
            ),
        )
        least = [net(m, ~(bit | exponents[5])) for bit in exponents[:5]]
        # Shifts by 16 and 8 are decided from the significand itself, both in one selection.
        exceeded: Value = Const(0, 1)
        shift = [overflow] * 5  # by 31, nothing is left

        def decide(k: int, left: Value) -> None:
            nonlocal exceeded
            shift[k] = net(m, left | least[k] & ~exceeded | overflow)
            exceeded = net(m, exceeded | left & ~least[k])

        decide(4, significand[21])
        decide(3, net(m, ~shift[4] & significand[13:21].any()))
        by = [
            ~shift[4] & ~shift[3],
            ~shift[4] & shift[3],
            shift[4] & ~shift[3],
            shift[4] & shift[3],
        ]
        by = [net(m, select) for select in by]
        # Bit 21 is never left where the shift is below 16.
        sources = [(significand[:21], -6), (significand[:21], 2), (significand, 10)]
        sources.append((significand, 18))
        window: Value = Cat(
            reduce(
                or_,
                [
                    s & f[j + o]
                    for s, (f, o) in zip(by, sources, strict=True)
                    if 0 <= j + o < len(f)
                ],
            )
            for j in range(19)
        )
        window = net(m, window)
        sticky: Value = net(
            m,
            ~by[0] & significand[:2].any()
            | shift[4] & significand[2:10].any()
            | by[3] & significand[10:18].any(),
        )
        # Shifts by 4, 2 and 1 follow one by one; what falls off is sticky.
        for k in (2, 1, 0):
            distance, width = 1 << k, 11 + (1 << k)
            decide(k, net(m, window[width:].any()))
            sticky = net(m, sticky | shift[k] & window[:distance].any())
            window = net(m, Mux(shift[k], window[distance:][:width], window[:width]))
        # Round to nearest even is an increment, which `pack` adds.
        guard, lowest, hidden = window[0], window[1], window[11]
        exponent = Cat(shift) + exponents[:5] + 1  # less 32
        return {
            "fraction": Cat(window[1:10], window[10] | product.nan),
            "exponent": exponent[:5] | overflow.replicate(5),
            "hidden": hidden,
            "up": guard & (sticky | lowest),
            "sign": product.sign,
        }

    def pack(self, m: Module, rounded: data.View) -> Value:
        packed = Cat(rounded.fraction, rounded.exponent)
        total = packed + rounded.up + Cat(Const(0, 10), rounded.hidden)
        return Cat(total[:15], rounded.sign)


class Flush:
    """Significands always have their hidden bit; the exponent alone decides what becomes zero.

    ``exponents`` is the sum of the exponent fields plus 1, so that the result's is 16 less; a zero
    or subnormal operand makes it underflow, an infinity or NaN overflow.
    """

    product = data.StructLayout(
        {"significand": 13, "sticky": 1, "exponents": 6, "sign": 1, "nan": 1}
    )
    rounded = data.StructLayout({"fraction": 10, "exponents": 6, "sign": 1, "nan": 1})

    def multiply(self, m: Module, a: data.View, b: data.View, zeros: int = 0) -> Fields:
        zero = net(m, ~(a.exponent.any() & b.exponent.any()))
        special_a, special_b = a.exponent.all(), b.exponent.all()
        special = net(m, special_a | special_b)
        nan = net(m, special_a & a.fraction.any() | special_b & b.fraction.any() | special & zero)
        exponents = a.exponent + b.exponent + 1
        one = Const(1, 1)
        upper = multiply(m, Cat(a.fraction[zeros:], one), Cat(b.fraction[zeros:], one))
        significand = Cat(Const(0, 2 * zeros), upper)
        return {
            "significand": significand[9:],
            "sticky": significand[:9].any(),
            "exponents": Cat(
                exponents[:3],
                exponents[3] & ~(special | zero),
                exponents[4:6] & ~zero.replicate(2) | special.replicate(2),
            ),
            "sign": (a.sign ^ b.sign) & ~nan,
            "nan": nan,
        }

    def normalize(self, m: Module, product: data.View) -> Fields:
        significand = product.significand
        wide = significand[12]  # the product is 2 or more
        window = net(m, Mux(wide, significand[1:12], significand[:11]))
        sticky = product.sticky | wide & significand[0]
        fraction = net(m, window[1:] + (window[0] & (sticky | window[1])))
        # A product of 2 or more is too far below 4 to be rounded up to it.
        carry = fraction[10] | wide
        return {
            "fraction": fraction[:10],
            "exponents": (product.exponents + carry)[:6],
            "sign": product.sign,
            "nan": product.nan,
        }

    def pack(self, m: Module, rounded: data.View) -> Value:
        low, high, top = rounded.exponents[:4], rounded.exponents[4], rounded.exponents[5]
        overflow = net(m, top & (high | low.all()))
        underflow = net(m, ~top & ~(high & low.any()))
        fraction = rounded.fraction & ~(overflow | underflow).replicate(10)
        exponent = Cat(low & ~underflow.replicate(4) | overflow.replicate(4), top)
        return Cat(fraction[:9], fraction[9] | rounded.nan, exponent, rounded.sign)


UNDERFLOW: dict[str, Underflow] = {"ieee": Gradual(), "ftz": Flush()}


def held_product(m: Module, mode: str, a: Value, b: Value, zeros: int = 0) -> Signal:
    """Describe a multiplier of binary16 magnitudes that are held for at least three cycles.

    Its two inner registers run freely, so the product is there from the third cycle on. The
    ``zeros`` lowest bits of both magnitudes are always zero.
    """
    underflow = UNDERFLOW[mode]
    operands = Signal(OPERANDS)
    product: Any = Signal(underflow.product, reset_less=True)
    rounded: Any = Signal(underflow.rounded, reset_less=True)
    y = Signal(15, name="product_now")
    m.d.comb += [operands.a.eq(Cat(a, Const(0, 1))), operands.b.eq(Cat(b, Const(0, 1)))]
    first = underflow.multiply(m, operands.a, operands.b, zeros)
    second = underflow.normalize(m, product)
    m.d.sync += [product[name].eq(value) for name, value in first.items()]
    m.d.sync += [rounded[name].eq(value) for name, value in second.items()]
    m.d.comb += y.eq(underflow.pack(m, rounded))
    return y


class Top(Configured[Config]):
    """Multiplies binary16 numbers, rounding to nearest even (IEEE 754-2019, 4.3.1).

    Latency is three cycles; one product per cycle (``cfg.interval`` is 1). All three stages advance
    together, whenever the last one is empty or its product is taken, so that flow control costs
    one gate and three bits. Data registers have no reset.

    Members
    -------
    ab : ``In(stream.Signature(OPERANDS))``
        Operands ``a`` and ``b``, binary16 each, ``a`` in the low half.
    y : ``Out(stream.Signature(16))``
        Products, equal to ``nomul.golden.fp16mul.model(cfg, a, b)``.
    """

    ab: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {"ab": In(stream.Signature(OPERANDS)), "y": Out(stream.Signature(16))}

    def elaborate(self, platform: object) -> Module:
        m, underflow = Module(), UNDERFLOW[self.cfg.mode]
        product: Any = Signal(underflow.product, reset_less=True)
        rounded: Any = Signal(underflow.rounded, reset_less=True)
        y = Signal(16, reset_less=True)
        valid = Signal(self.cfg.stages)
        advance = Signal()
        m.d.comb += [
            advance.eq(self.y.ready | ~valid[-1]),
            self.ab.ready.eq(advance),
            self.y.valid.eq(valid[-1]),
            self.y.payload.eq(y),
        ]
        operands = self.ab.payload
        first = underflow.multiply(m, operands.a, operands.b)
        second = underflow.normalize(m, product)
        third = underflow.pack(m, rounded)
        with m.If(advance):
            m.d.sync += valid.eq(Cat(self.ab.valid, valid[:-1]))
            m.d.sync += [product[name].eq(value) for name, value in first.items()]
            m.d.sync += [rounded[name].eq(value) for name, value in second.items()]
            m.d.sync += y.eq(third)
        return m
