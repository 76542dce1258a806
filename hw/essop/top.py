"""ESSOP, the stochastic outer product: operands and sources around an array of counting cells."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.essop import Config
from nomul.hw.bitstream import Source, comparator, places, seed_layout, weighted
from nomul.hw.essop.array import FLAT, Row, control_layout, running
from nomul.hw.essop.lanes import Lane, too_large
from nomul.hw.essop.layouts import EXPONENT, UNIT_EXPONENT, pair_layout, row_layout, tail_fields
from nomul.hw.essop.prefix import columns, run_length
from nomul.hw.essop.readout import ReadOut
from nomul.hw.essop.stack import Stack
from nomul.hw.once import Once
from nomul.hw.popcount import popcount

__all__ = ["EXPONENT", "UNIT_EXPONENT", "Top", "pair_layout", "row_layout"]


class Top(wiring.Component):
    """Computes outer products of pairs of vectors by counting the ANDs of random bits.

    Every row compares its operand with one random word, every column with another; cell (i, j)
    counts how often both bits are one, so E[c_ij] = BL p_i q_j (steps 2 to 4 of
    :func:`nomul.golden.essop.model`). Latency is ``cfg.beats`` + 2 cycles from a pair to its first
    row, one more with accumulators; a pair every ``cfg.interval`` cycles. The next pair is taken
    in the cycle that draws the last bits of the one before.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        Array, stream and sources, already validated.

    Members
    -------
    x_d : ``In(stream.Signature(pair_layout(cfg)))``
        Magnitudes 0 .. 2**W of rows and columns, their signs, and the block exponents. With
        accumulators also ``read``: send all of them out after this pair, and ``clear``: leave them
        at zero then.
    y : ``Out(stream.Signature(row_layout(cfg)))``
        One row per beat, row 0 first: its index, N signed counts (or accumulators), the exponent of
        their unit, and ``last``.
    seed : ``In(stream.Signature(seed_layout(cfg)))``
        Reloads the sources' registers (and ``a`` the rounding register); taken only while no pair
        is at work. Absent where the source has no register.
    saturated : ``Out(1)``
        Sticky: an operand was above 2**W and counted as 2**W.
    seed_refused : ``Out(1)``
        Sticky: a zero seed was offered, and neither register was reloaded. Absent with ``seed``.
    overflow : ``Out(1)``
        Sticky: an accumulator saturated. Absent without accumulators.
    gated : ``Out(32)``
        Rows kept still because their operand was zero, over all pairs, modulo 2**32.
    """

    x_d: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        members = {
            "x_d": In(stream.Signature(pair_layout(cfg))),
            "y": Out(stream.Signature(row_layout(cfg))),
            "saturated": Out(1),
            "gated": Out(32),
        }
        if cfg.registers:
            members |= {
                "seed": In(stream.Signature(seed_layout(cfg))),
                "seed_refused": Out(1),
            }
        if cfg.accumulate:
            members["overflow"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.source = source = Once("source", Source, cfg)
        control = Signal(control_layout(cfg))

        # A pair is drawn beat by beat; its bits are counted one cycle later.
        pair = Signal(self._held(), reset_less=True)
        x, d = self._operands(m, pair)
        drawing = Signal()
        counting = Signal()
        first = Signal(init=1)
        last = Signal()
        ending = Signal()
        go = Signal()
        m.d.comb += [
            source.advance.eq(drawing & go),
            source.finish.eq(self._ended(source.r, x) if cfg.early_stop else 0),
            ending.eq(source.last | source.finish),
            self.x_d.ready.eq(~drawing | (go & ending)),
            control.step.eq(counting & go),
            control.first.eq(first),
        ]
        with m.If(self.x_d.ready):
            m.d.sync += drawing.eq(self.x_d.valid)
        with m.If(self.x_d.ready & self.x_d.valid):
            m.d.sync += self._take(pair)
            with m.If(self._too_large()):
                m.d.sync += self.saturated.eq(1)
        with m.If(go):
            m.d.sync += [counting.eq(drawing), last.eq(ending)]
        with m.If(control.step):
            m.d.sync += first.eq(last)
        self._reseed(m, source, drawing, counting)

        b = self._draw(m, source.s, d, 1, source.advance)
        live = Signal(cfg.rows, reset_less=True)
        # Signs and unit leave the pair's register with its last bits.
        tail = Signal(data.StructLayout(tail_fields(cfg)), reset_less=True)
        with m.If(source.advance):
            m.d.sync += live.eq(Cat(operand.any() for operand in x))
        with m.If(source.advance & ending):
            unit = pair.e_x + pair.e_d - cfg.stream_log2
            names = [name for name, _ in pair_layout(cfg)]
            m.d.sync += [tail[name].eq(pair[name]) for name in tail_fields(cfg) if name in names]
            m.d.sync += tail.unit.eq(unit)
            if cfg.cell == "prefix":
                lengths = [run_length(cfg, operand, source.r[0]) for operand in x]
                m.d.sync += tail.lengths.eq(Cat(lengths))
        self._count_gated(m, live, control.step & last)

        # The read-out; prefix sums of the columns need no lanes for the rows.
        read_out = ReadOut(self, m, control, tail, counting & last, go)
        if cfg.cell == "prefix":
            counts = columns(m, cfg, control, b, tail.lengths)
            read_out.counts(counts)
            return m
        a = self._draw(m, source.r, x, 0, source.advance)
        if cfg.cell == "snapshot":
            b = [running(m, cfg, control, lambda count, bit=bit: count + bit) for bit in b]
        # The array: stacked in halves where it is large, else rows that shift into one another.
        if cfg.rows > FLAT:
            stack = Once("rows", Stack, cfg, cfg.rows)
            m.submodules.rows = stack
            m.d.comb += [
                stack.control.eq(control),
                stack.live.eq(live),
                stack.a.eq(Cat(a)),
                stack.b.eq(Cat(b)),
            ]
            self._read(read_out, [stack], source.load)
            return m
        rows = [Once("row", Row, cfg) for _ in range(cfg.rows)]
        for i, row in enumerate(rows):
            m.submodules[f"row{i}"] = row
            m.d.comb += [
                row.control.eq(control),
                row.live.eq(live[i]),
                row.a.eq(a[i]),
                row.b.eq(Cat(b)),
            ]
            if i:
                m.d.comb += rows[i - 1].i.eq(row.o)

        self._read(read_out, rows, source.load)
        return m

    def _read(self, read_out: ReadOut, rows: list[Row] | list[Stack], reload: Value) -> None:
        """Describe the read-out of rows, or of the one stack that holds them."""
        if self.cfg.accumulate:
            read_out.accumulators(rows, reload)
        else:
            read_out.m.d.comb += rows[-1].i.eq(0)
            read_out.counts(list(rows[0].o))

    @property
    def _large(self) -> bool:
        """Whether lanes are modules: in a large array a copy of each takes most of the time."""
        return max(self.cfg.rows, self.cfg.cols) > FLAT

    def _held(self) -> data.StructLayout:
        """Return what is kept of a pair, here or in the lanes."""
        fields = dict(pair_layout(self.cfg).members)
        return data.StructLayout(
            {n: shape for n, shape in fields.items() if not (self._large and n in ("x", "d"))}
        )

    def _take(self, pair: data.View) -> list[object]:
        """Return what keeps the pair that is offered."""
        if not self._large:
            return [pair.eq(self.x_d.payload)]
        return [pair[name].eq(self.x_d.payload[name]) for name, _ in pair.shape()]

    def _operands(self, m: Module, pair: data.View) -> tuple[Sequence[Value], Sequence[Value]]:
        """Return the operands of both sides, and in a large array describe their lanes."""
        self.lanes: list[list[Lane]] = [[], []]
        if not self._large:
            return pair.x, pair.d
        for side, lanes in enumerate(self.lanes):
            payload = self.x_d.payload["xd"[side]]
            # Each operand of a structure would bring a copy of its whole side.
            offered = Signal(payload.shape(), name=f"offered_{'xd'[side]}")
            m.d.comb += offered.eq(payload)
            for index, operand in enumerate(offered):
                lane = Once("lane", Lane, self.cfg, type(self).lane)
                m.submodules[f"lane_{'xd'[side]}{index}"] = lane
                m.d.comb += [
                    lane.load.eq(self.x_d.ready & self.x_d.valid),
                    lane.offered.eq(operand),
                ]
                lanes.append(lane)
        x, d = ([lane.operand for lane in lanes] for lanes in self.lanes)
        return x, d

    def _too_large(self) -> Value:
        """Return whether any operand that is offered is above 2**W."""
        if self._large:
            return Cat(lane.large for lanes in self.lanes for lane in lanes).any()
        offered = self.x_d.payload
        return Cat(too_large(operand) for operand in [*offered.x, *offered.d]).any()

    def _draw(
        self, m: Module, words: data.View, operands: Sequence[Value], side: int, advance: Signal
    ) -> list[Value]:
        """Describe the lanes of one side and the registers of what they send."""
        cfg, sent = self.cfg, []
        draws = cfg.bits_per_cycle
        if cfg.sng == "wbg":
            words = [places(m, word, f"place_{'rs'[side]}{k}") for k, word in enumerate(words)]
        for lane, operand in enumerate(operands):
            first = 0 if cfg.share == "pair" else lane * draws
            drawn_words = [words[first + u] for u in range(draws)]
            if self._large:
                module = self.lanes[side][lane]
                m.d.comb += [module.words.eq(Cat(drawn_words)), module.advance.eq(advance)]
                sent.append(module.sent)
                continue
            drawn = Signal(cfg.lane_bits, name=f"{'ab'[side]}{lane}", reset_less=True)
            with m.If(advance):
                m.d.sync += drawn.eq(self.lane(cfg, drawn_words, operand))
            sent.append(drawn)
        return sent

    @staticmethod
    def lane(cfg: Config, words: list[Value], operand: Value) -> Value:
        """Return what a lane sends for its words: one bit each."""
        generate = weighted if cfg.sng == "wbg" else comparator
        return Cat(generate(word, operand) for word in words)

    def result(self, count: Value, negative: Value) -> Value:
        """Return the result that leaves for what a cell has counted."""
        return Mux(negative, -count, count)

    def _ended(self, words: data.View, operands: Sequence[Value]) -> Value:
        """Return whether all rows' ones have ended, where they come first."""
        return ~Cat(comparator(words[0], operand) for operand in operands).any()

    def _reseed(self, m: Module, source: Source, drawing: Signal, counting: Signal) -> None:
        if not self.cfg.registers:
            return
        used = [self.seed.payload.a, self.seed.payload.b][: self.cfg.registers]
        offered = Signal()
        good = Signal()
        m.d.comb += [
            self.seed.ready.eq(~drawing & ~counting),
            offered.eq(self.seed.valid & self.seed.ready),
            good.eq(Cat(word.any() for word in used).all()),
            source.seed.eq(self.seed.payload),
            source.load.eq(offered & good),
        ]
        with m.If(offered & ~good):
            m.d.sync += self.seed_refused.eq(1)

    def _count_gated(self, m: Module, live: Signal, done: Value) -> None:
        still = Signal(range(self.cfg.rows + 1))
        idle: Value = ~live
        if self.cfg.rows > FLAT:
            # Every bit of an expression brings a copy of all of it; those of a signal do not.
            idle = Signal(self.cfg.rows)
            m.d.comb += idle.eq(~live)
        m.d.comb += still.eq(popcount(m, list(idle)))
        with m.If(done):
            m.d.sync += self.gated.eq(self.gated + still)
