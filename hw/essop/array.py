"""Cell, row and array of the stochastic outer product."""

from collections.abc import Callable
from functools import reduce
from operator import add

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import essop
from nomul.golden.essop import Config
from nomul.hw.fp16mul import held_product
from nomul.hw.once import Once
from nomul.hw.popcount import popcount

Update = Callable[[Value], Value]

# Up to here rows stand beside each other in one module, and words are assigned part by part. For
# more, text and time would go with the square, since N assignments to parts cost N words: see
# :mod:`nomul.hw.essop.stack`.
FLAT = 32


def count_ones(m: Module, cfg: Config, bits: list[Value]) -> Value:
    """Return how many of U bits are one, as ``cfg.cell`` adds them."""
    if cfg.cell == "popcount":
        return popcount(m, bits)
    return reduce(add, bits)


def column_shape(cfg: Config) -> Shape:
    """Return what a column sends its cells: its bits, or for ``snapshot`` its running count."""
    return unsigned(cfg.count_bits if cfg.cell == "snapshot" else cfg.lane_bits)


def control_layout(cfg: Config) -> data.StructLayout:
    """Return what the controller broadcasts to every cell.

    ``step``: the bits are valid, count them. ``first``: of a vector. ``capture``: these were the
    last, take the total. ``shift``: hand the result on to the row above. With accumulators also
    ``left`` and ``right``, the distance to their unit, and ``rho``, the rounding term.
    """
    fields = {"step": 1, "first": 1, "capture": 1, "shift": 1}
    if cfg.accumulate:
        fields["left"] = unsigned(cfg.accumulate.bit_length())
        fields["right"] = unsigned(essop.max_right_shift(cfg).bit_length())
        fields["rho"] = unsigned(essop.max_right_shift(cfg))
    return data.StructLayout(fields)


def running(m: Module, cfg: Config, control: data.View, update: Update) -> Signal:
    """Describe a register that starts each vector from 0; return its next value.

    A vector that takes a single beat needs no register.
    """
    total = Signal(cfg.count_bits)
    if cfg.beats == 1:
        m.d.comb += total.eq(update(Const(0, cfg.count_bits)))
        return total
    held, before = (Signal(cfg.count_bits, reset_less=True) for _ in range(2))
    m.d.comb += [before.eq(Mux(control.first, 0, held)), total.eq(update(before))]
    with m.If(control.step):
        m.d.sync += held.eq(total)
    return total


def count(m: Module, cfg: Config, a: Value, b: Value, control: data.View) -> Signal:
    """Describe the counter of one cell; return its total, this cycle's bits included.

    c_ij = sum_n a_i[n] AND b_j[n]. A ``snapshot`` cell does not add: in ascending order a row's
    bits are ones, then zeros, so it follows the column's count while they are ones. A ``multiply``
    cell has integers for bits (:mod:`nomul.golden.intouter`), an ``fp16`` cell binary16 numbers
    (:mod:`nomul.golden.fp16outer`), which are held while its stages work.
    """
    if cfg.cell == "fp16":
        return held_product(m, cfg.mode, a, b)
    if cfg.cell == "snapshot":
        return running(m, cfg, control, lambda before: Mux(a, b, before))
    if cfg.cell == "multiply":
        return running(m, cfg, control, lambda _: a * b)
    both = Signal(cfg.lane_bits)
    m.d.comb += both.eq(a & b)
    now = count_ones(m, cfg, list(both))
    return running(m, cfg, control, lambda before: before + now)


class Cell(wiring.Component):
    """Multiplies one row by one column: an AND, a counter, and a register of the read-out chain.

    Latency is one cycle from the last bits to ``o``; one vector every ``cfg.beats`` cycles.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        Stream length, bits per cycle and kind of the cell.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle.
    a : ``In(cfg.lane_bits)``
        Bits of the row.
    b : ``In(column_shape(cfg))``
        What the column sends.
    i, o : ``In(cfg.count_bits)``, ``Out(cfg.count_bits)``
        The read-out chain, from the row below and to the row above.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        bits, count_shape = unsigned(cfg.lane_bits), unsigned(cfg.count_bits)
        super().__init__(
            {
                "control": In(control_layout(cfg)),
                "a": In(bits),
                "b": In(column_shape(self.cfg)),
                "i": In(count_shape),
                "o": Out(count_shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = count(m, self.cfg, self.a, self.b, self.control)
        result = Signal(self.cfg.count_bits, reset_less=True)
        m.d.comb += self.o.eq(result)
        with m.If(self.control.capture):
            m.d.sync += result.eq(total)
        with m.Elif(self.control.shift):
            m.d.sync += result.eq(self.i)
        return m


class AccumulatorCell(wiring.Component):
    """Multiplies one row by one column, and adds the product into a saturating accumulator.

    acc <- sat(acc + y shifted to the accumulator's unit), one cycle after the last bits; the shift
    is the same for all cells. Latency is two cycles from the last bits to ``o``; one vector every
    ``cfg.beats`` cycles.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        Stream length, bits per cycle, kind of the cell, and the accumulator's width.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle; ``capture`` adds the count of the cycle before.
    a : ``In(cfg.lane_bits)``
        Bits of the row.
    b : ``In(column_shape(cfg))``
        What the column sends.
    negative : ``In(1)``
        Sign of the count that ``capture`` adds.
    i, o : ``In(signed(cfg.accumulate))``, ``Out(signed(cfg.accumulate))``
        The read-out chain, from the row below and to the row above.
    overflow : ``Out(1)``
        The addition of this cycle saturates.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        bits, result = unsigned(cfg.lane_bits), signed(cfg.y_bits)
        super().__init__(
            {
                "control": In(control_layout(cfg)),
                "a": In(bits),
                "b": In(column_shape(self.cfg)),
                "negative": In(1),
                "i": In(result),
                "o": Out(result),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        control, width = self.control, self.cfg.y_bits
        total = count(m, cfg, self.a, self.b, control)
        counted = Signal(cfg.count_bits, reset_less=True)
        with m.If(control.step):
            m.d.sync += counted.eq(total)

        y = Signal(signed(cfg.count_bits + 1))
        scaled = Signal(signed(cfg.count_bits + 1 + width))
        # Right shifts act on y + rho, and rho is below one unit of the result.
        rounded = Signal(signed(essop.max_right_shift(cfg) + 2))
        m.d.comb += [
            y.eq(Mux(self.negative, -counted, counted)),
            rounded.eq(y + control.rho),
            scaled.eq(Mux(control.right.any(), rounded >> control.right, y << control.left)),
        ]

        acc = Signal(signed(width))
        total_sum = Signal(signed(cfg.count_bits + 2 + width))
        clipped = Signal(signed(width))
        high = (1 << (width - 1)) - 1
        m.d.comb += [
            total_sum.eq(acc + scaled),
            clipped.eq(total_sum),
            self.overflow.eq(control.capture & (clipped != total_sum)),
            self.o.eq(acc),
        ]
        with m.If(control.capture):
            m.d.sync += acc.eq(Mux(self.overflow, Mux(total_sum[-1], -high - 1, high), clipped))
        with m.Elif(control.shift):
            m.d.sync += acc.eq(self.i)
        return m


class Row(wiring.Component):
    """Multiplies one row's bits by those of all columns: N cells that share everything but ``b``.

    Latency and interval are those of the cell. A row that is not ``live`` keeps its counters still,
    since they would only add zeros.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        As for the cell, and the number of columns.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What to do in this cycle.
    live : ``In(1)``
        The row's operand is not zero.
    a : ``In(cfg.lane_bits)``
        The row's bits.
    b : ``In(ArrayLayout(column_shape(cfg), N))``
        What the columns send.
    i, o : ``In`` and ``Out(ArrayLayout(result, N))``
        The read-out chain.
    negative : ``In(N)``, overflow : ``Out(1)``
        With accumulators: the products' signs, and whether any cell saturates.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        results = data.ArrayLayout(result_shape(cfg), cfg.cols)
        members = {
            "control": In(control_layout(cfg)),
            "live": In(1),
            "a": In(cfg.lane_bits),
            "b": In(data.ArrayLayout(column_shape(cfg), cfg.cols)),
            "i": In(results),
            "o": Out(results),
        }
        if cfg.accumulate:
            members |= {"negative": In(cfg.cols), "overflow": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        kind = AccumulatorCell if cfg.accumulate else Cell
        control = Signal(control_layout(cfg))
        m.d.comb += [
            control.eq(self.control),
            control.step.eq(self.control.step & (self.live | self.control.first)),
        ]
        results, overflows = [], []
        for j in range(cfg.cols):
            m.submodules[f"cell{j}"] = cell = Once("cell", kind, cfg)
            m.d.comb += [
                cell.control.eq(control),
                cell.a.eq(self.a),
                cell.b.eq(self.b[j]),
                cell.i.eq(self.i[j]),
            ]
            results.append(cell.o)
            if cfg.cols <= FLAT:
                m.d.comb += self.o[j].eq(cell.o)
            if cfg.accumulate:
                m.d.comb += cell.negative.eq(self.negative[j])
                overflows.append(cell.overflow)
        if cfg.cols > FLAT:
            m.d.comb += Value.cast(self.o).eq(Cat(results))
        if cfg.accumulate:
            m.d.comb += self.overflow.eq(Cat(overflows).any())
        return m


def result_shape(cfg: Config) -> object:
    """Return the shape of a word of the read-out chain: a count, or an accumulator."""
    return signed(cfg.y_bits) if cfg.accumulate else unsigned(cfg.count_bits)
