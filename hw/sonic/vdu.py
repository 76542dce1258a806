"""Vector dot product unit: lanes that multiply or stand still, a sum, and the ADC's quantiser."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sonic import Config
from nomul.hw.once import Once
from nomul.hw.popcount import popcount


def operand_bits(cfg: Config, kind: str) -> tuple[int, int]:
    """Return the bits of the dense and of the sparse side of an ``fc`` or ``conv`` unit."""
    sides = cfg.act_bits, cfg.level_bits
    return sides if kind == "fc" else (sides[1], sides[0])


def partial_bits(cfg: Config, kind: str) -> int:
    """Return the bits of the sum of one pass, as the photodetector has it."""
    return cfg.act_bits + cfg.level_bits + (cfg.lanes(kind) - 1).bit_length()


def rounded(m: Module, value: Value, shift: int, name: str) -> Value:
    """Return value 2**-shift, to the nearest integer, ties to even."""
    if shift == 0:
        return value
    floor = Signal(signed(max(1, len(value) - shift)), name=f"{name}_floor")
    result = Signal(signed(max(1, len(value) - shift) + 1), name=f"{name}_rounded")
    m.d.comb += [
        floor.eq(value >> shift),
        result.eq((value + ((1 << (shift - 1)) - 1) + floor[0]) >> shift),
    ]
    return result


def clipped(m: Module, value: Value, bits: int, name: str) -> tuple[Signal, Signal]:
    """Return a signed value saturated at so many bits, and whether it was."""
    high = (1 << (bits - 1)) - 1
    result, outside = Signal(signed(bits), name=name), Signal(name=f"{name}_outside")
    m.d.comb += [
        outside.eq((value > high) | (value < -high - 1)),
        result.eq(Mux(outside, Mux(value < 0, -high - 1, high), value)),
    ]
    return result, outside


def resolved(m: Module, value: Value, resolution: int | None, name: str) -> Value:
    """Return an operand as a bank of so many bits holds it, see ``nomul.golden.sonic.resolved``."""
    bits = len(value)
    if resolution is None or resolution >= bits:
        return value
    kept, _ = clipped(m, rounded(m, value, bits - resolution, name), resolution, name)
    return (kept << (bits - resolution)).as_signed()


def adder_tree(m: Module, terms: list[Value], name: str, *, sign: bool) -> Value:
    """Return the sum of terms, added in pairs level by level; every sum is a signal of its own."""
    level = 0
    while len(terms) > 1:
        sums: list[Value] = []
        for i in range(0, len(terms) - 1, 2):
            width = max(len(terms[i]), len(terms[i + 1])) + 1
            total = Signal(signed(width) if sign else width, name=f"{name}{level}_{i // 2}")
            m.d.comb += total.eq(terms[i] + terms[i + 1])
            sums.append(total)
        terms, level = sums + terms[len(terms) & ~1 :], level + 1
    return terms[0]


class Lane(wiring.Component):
    """Multiplies one element of the dense side by one of the sparse side, or stands still.

    Active where the lane is kept and the sparse value is not 0; else the operands stay as they
    were, and the product is 0. Latency is two cycles of ``go``, one product per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Widths and resolution.
    kind
        ``fc`` or ``conv``.

    Members
    -------
    go : ``In(1)``
        The pipeline moves.
    keep : ``In(1)``
        The lane holds an element.
    dense, sparse : ``In(signed)``
        The operands; anything, unknown included, where not kept.
    active, gated : ``Out(1)``
        What the lane did, one cycle later.
    product : ``Out(signed)``
        Two cycles later.
    """

    def __init__(self, cfg: Config, kind: str):
        self.cfg, self.kind = cfg, kind
        dense, sparse = operand_bits(cfg, kind)
        super().__init__(
            {
                "go": In(1),
                "keep": In(1),
                "dense": In(signed(dense)),
                "sparse": In(signed(sparse)),
                "active": Out(1),
                "gated": Out(1),
                "product": Out(signed(dense + sparse)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, resolution = Module(), self.cfg.resolution(self.kind)
        dense, sparse = Signal.like(self.dense), Signal.like(self.sparse)
        active = Signal()
        m.d.comb += active.eq(self.keep & (self.sparse != 0))
        with m.If(self.go):
            m.d.sync += [
                self.active.eq(active),
                self.gated.eq(self.keep & ~active),
                self.product.eq(Mux(self.active, dense * sparse, 0)),
            ]
        with m.If(self.go & active):
            m.d.sync += [
                dense.eq(resolved(m, self.dense, resolution, "dense_seen")),
                sparse.eq(resolved(m, self.sparse, resolution, "sparse_seen")),
            ]
        return m


class VDU(wiring.Component):
    """Adds the products of L lanes, converts the sum, and accumulates conversions.

    p = sum of the lanes' products, and y <- y + clip(rne(p 2^-shift)), or y + p without an ADC.
    Latency is four cycles of ``go`` from operands to ``y``, one pass per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Lanes, widths, ADC and resolution.
    kind
        ``fc`` or ``conv``.

    Members
    -------
    go : ``In(1)``
        The pipeline moves.
    keep : ``In(L)``
        Lanes that hold an element; none if there is no pass.
    dense, sparse : ``In(ArrayLayout(signed, L))``
        The operands, together with ``keep``.
    first : ``In(1)``
        Three cycles after the operands: they begin a sum.
    y : ``Out(signed(cfg.sum_bits))``
        The sum.
    saturated : ``Out(1)``
        With ``y``: this conversion was clipped.
    active, gated : ``Out(range(L + 1))``
        How many lanes were so, two cycles after the operands.

    Limits
    ------
    Stands for a photonic unit: the lanes' products and their sum are exact up to the resolution
    that crosstalk leaves; noise, loss and drift are not modelled.
    """

    def __init__(self, cfg: Config, kind: str):
        self.cfg, self.kind = cfg, kind
        lanes = cfg.lanes(kind)
        dense, sparse = operand_bits(cfg, kind)
        super().__init__(
            {
                "go": In(1),
                "keep": In(lanes),
                "dense": In(data.ArrayLayout(signed(dense), lanes)),
                "sparse": In(data.ArrayLayout(signed(sparse), lanes)),
                "first": In(1),
                "y": Out(signed(cfg.sum_bits)),
                "saturated": Out(1),
                "active": Out(range(lanes + 1)),
                "gated": Out(range(lanes + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        lanes = [Once("lane", Lane, cfg, self.kind) for _ in range(cfg.lanes(self.kind))]
        for i, lane in enumerate(lanes):
            m.submodules[f"lane{i}"] = lane
            m.d.comb += [
                lane.go.eq(self.go),
                lane.keep.eq(self.keep[i]),
                lane.dense.eq(self.dense[i]),
                lane.sparse.eq(self.sparse[i]),
            ]
        total = Signal(signed(partial_bits(cfg, self.kind)))
        converted: Value = total
        outside: Value = Value.cast(0)
        if cfg.adc_bits is not None:
            converted, outside = clipped(
                m, rounded(m, total, cfg.adc_shift, "adc"), cfg.adc_bits, "converted"
            )
        with m.If(self.go):
            m.d.sync += [
                self.active.eq(popcount(m, [lane.active for lane in lanes])),
                self.gated.eq(popcount(m, [lane.gated for lane in lanes])),
                total.eq(adder_tree(m, [lane.product for lane in lanes], "sum", sign=True)),
                self.y.eq(Mux(self.first, 0, self.y) + converted),
                self.saturated.eq(outside),
            ]
        return m


def total_of(m: Module, counts: list[Value], name: str) -> Value:
    """Return the sum of unsigned counts."""
    return adder_tree(m, [Cat(count) for count in counts], name, sign=False)
