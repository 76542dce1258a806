"""One unit: an output's coefficients and what they shift, and the sums of its outputs."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.pow2basis import CODE_BITS, Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.products.sums import dot, net, recode


def shifted(m: Module, value: Value, code: Value, width: int) -> Value:
    """Return a signed value times the coefficient of a code, modulo 2**width.

    Minus nothing is nothing, as nothing is.
    """
    minus, exponent = code[-1], code[:-1]
    moved, part = Signal(width), Signal(width)
    whole = Signal(signed(width))
    m.d.comb += [
        whole.eq(value),
        moved.eq(Mux(exponent == 0, 0, (whole << exponent)[1 : width + 1])),
        part.eq((moved ^ (minus & exponent.any()).replicate(width)) + (minus & exponent.any())),
    ]
    return part.as_signed()


class Unit(Configured[Config]):
    """Adds to the sum of an output what a block brings it: one block per cycle, or ``act_bits``.

    ``factor``: ``parts`` are the block's basis times its activations, which are shifted and added.
    ``rebuild``: elements of the basis are shifted and added to weights, and these multiplied by
    activations. Sums are there in the next cycle.

    Members
    -------
    enable, first, adds : ``In(1)``
        The pipeline moves; a vector begins, so that sums do; there are coefficients.
    codes : ``In(ArrayLayout(unsigned(4), size))``
        Coefficients.
    parts : ``In``
        Of ``factor`` S products; of ``rebuild`` the basis, S x S elements row by row.
    x : ``In``
        Of ``rebuild`` the activations.
    step, plane : ``In``
        Which of the unit's outputs; the bit at work, the most significant first.
    sums : ``Out(ArrayLayout(signed(y_bits), steps))``
        Sums, one output after the other.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "first": In(1),
            "adds": In(1),
            "codes": In(data.ArrayLayout(unsigned(CODE_BITS), cfg.size)),
            "parts": In(parts_layout(cfg)),
            "x": In(data.ArrayLayout(unsigned(cfg.act_bits), cfg.size)),
            "step": In(range(max(2, cfg.steps))),
            "plane": In(range(max(2, cfg.group_cycles))),
            "sums": Out(data.ArrayLayout(signed(cfg.y_bits), cfg.steps)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        part = Signal(signed(cfg.y_bits))
        describe = self._factored if cfg.datapath == "factor" else self._rebuilt
        m.d.comb += part.eq(describe(m))
        sums = [
            Signal(signed(cfg.y_bits), name=f"sum{s}", reset_less=True) for s in range(cfg.steps)
        ]
        total = Signal(signed(cfg.y_bits))
        m.d.comb += total.eq(Mux(self.first, 0, Array(sums)[self.step]) + part)
        adds = self.adds & (self.plane == 0)
        for s, kept in enumerate(sums):
            m.d.comb += self.sums[s].eq(kept)
            with m.If(self.enable):
                with m.If(adds & (self.step == s)):
                    m.d.sync += kept.eq(total)
                with m.Elif(self.first):
                    m.d.sync += kept.eq(0)
        return m

    def _factored(self, m: Module) -> Value:
        width = self.cfg.y_bits
        pairs = zip(self.parts, self.codes, strict=True)
        return sum_of(shifted(m, part.as_signed(), code, width) for part, code in pairs)

    def _rebuilt(self, m: Module) -> Value:
        cfg = self.cfg
        weights = []
        for j in range(cfg.size):
            column = [self.parts[k * cfg.size + j].as_signed() for k in range(cfg.size)]
            pairs = zip(column, self.codes, strict=True)
            parts = [shifted(m, element, code, cfg.weight_bits) for element, code in pairs]
            weight = Signal(signed(cfg.weight_bits), name=f"weight{j}")
            m.d.comb += weight.eq(sum_of(parts))
            weights.append(weight)
        if cfg.products == "multiplier":
            return dot(m, [recode(m, x, cfg.act_signed) for x in self.x], weights, cfg.y_bits)
        return serial(m, weights, self.x, self.plane, cfg, self.enable, cfg.y_bits)


def parts_layout(cfg: Config) -> data.ArrayLayout:
    """Return what units get of a block: its products, or its basis."""
    if cfg.datapath == "factor":
        return data.ArrayLayout(unsigned(cfg.part_bits), cfg.size)
    return data.ArrayLayout(unsigned(cfg.basis_bits), cfg.size * cfg.size)


def sum_of(values: Iterable[Value]) -> Value:
    """Return the sum of signed values."""
    first, *others = values
    return sum(others, first)


def serial(
    m: Module,
    weights: Sequence[Value],
    acts: Sequence[Value],
    plane: Value,
    cfg: Config,
    enable: Value,
    width: int,
) -> Value:
    """Return the products with all bits from the top one to that of a plane, added up.

    Twice what the bits above gave, and the weights whose activation has this bit; those of a sign
    bit are subtracted.
    """
    above, start, part = (Signal(signed(width), name=n) for n in ("above", "start", "part"))
    top = plane == cfg.act_bits - 1
    minus = net(m, top & int(cfg.act_signed))
    gated = [Mux(x.bit_select(plane, 1), w, 0) for x, w in zip(acts, weights, strict=True)]
    both, total = Signal(signed(width)), Signal(signed(width))
    m.d.comb += [
        start.eq(Mux(top, 0, above << 1)),
        part.eq(sum_of(gated)),
        both.eq(part ^ minus.replicate(width)),
        total.eq(start + both + minus),
    ]
    with m.If(enable):
        m.d.sync += above.eq(total)
    return total
