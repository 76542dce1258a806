"""The outer-product unit: operands and sources around whatever lanes send and cells compute."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.bitstream import Side
from nomul.golden.outer.pairs import HasArray
from nomul.hw.bitstream import Source, seed_layout
from nomul.hw.once import Once
from nomul.hw.outer.lanes import Lane
from nomul.hw.outer.layouts import control_layout, pair_layout, row_layout, tail_fields
from nomul.hw.outer.readout import ReadOut
from nomul.hw.outer.strategies import Cells, Draw
from nomul.hw.popcount import popcount


class Unit(wiring.Component):
    """Computes the outer products of pairs of vectors.

    Every lane sends what it draws for its operand and for the words of a cycle, for as many cycles
    as ``array.beats``; cells make products of what a row and a column send, which leave row by row.
    Latency is ``array.latency`` cycles from a pair to its first row; a pair every
    ``array.interval`` cycles. The next pair is taken in the cycle that draws the last words of the
    one before.

    Parameters
    ----------
    cfg
        The unit's configuration, already validated; sources, widths and accumulators are those of
        its ``array``.
    draw : :class:`nomul.hw.outer.Draw`
        What the lanes send.
    cells : :class:`nomul.hw.outer.Cells`
        What becomes of it.

    Members
    -------
    x_d : ``In(stream.Signature(pair_layout(array)))``
        Magnitudes 0 .. 2**W of rows and columns, their signs, and the block exponents. With
        accumulators also ``read``: send all of them out after this pair, and ``clear``: leave them
        at zero then.
    y : ``Out(stream.Signature(row_layout(array)))``
        One row per beat, row 0 first: its index, N signed products (or accumulators), the exponent
        of their unit, and ``last``.
    seed : ``In(stream.Signature(seed_layout(array.words)))``
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

    def __init__(self, cfg: HasArray, draw: Draw, cells: Cells):
        self.cfg, self.draw, self.cells = cfg, draw, cells
        self.array = array = cfg.array
        members = {
            "x_d": In(stream.Signature(pair_layout(array))),
            "y": Out(stream.Signature(row_layout(array))),
            "saturated": Out(1),
            "gated": Out(32),
        }
        if array.words.registers:
            members |= {
                "seed": In(stream.Signature(seed_layout(array.words))),
                "seed_refused": Out(1),
            }
        if array.accumulators:
            members["overflow"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        array, m = self.array, Module()
        m.submodules.source = source = Once("source", Source, array.words, array.ordered)
        control: Any = Signal(control_layout(array))

        # A pair is drawn beat by beat; its bits are counted one cycle later. Operands are held in
        # the lanes, the rest of a pair here.
        sides = {
            Side.D: self._lanes(m, Side.D, source.s, source.advance),
            Side.X: self._lanes(m, Side.X, source.r, source.advance),
        }
        operands = [lane.operand for lane in sides[Side.X]]
        held = [name for name, _ in pair_layout(array) if name not in ("x", "d")]
        pair: Any = Signal(
            data.StructLayout({name: pair_layout(array)[name].shape for name in held}),
            reset_less=True,
        )
        drawing = Signal()
        counting = Signal()
        last = Signal()
        ending = Signal()
        go = Signal()
        m.d.comb += [
            source.advance.eq(drawing & go),
            source.finish.eq(self._ended(source.r, operands) if array.early_stop else 0),
            ending.eq(source.last | source.finish),
            self.x_d.ready.eq(~drawing | (go & ending)),
            control.step.eq(counting & go),
            control.clear.eq(~counting | (control.step & last)),
        ]
        with m.If(self.x_d.ready):
            m.d.sync += drawing.eq(self.x_d.valid)
        with m.If(self.x_d.ready & self.x_d.valid):
            m.d.sync += [pair[name].eq(self.x_d.payload[name]) for name in held]
            with m.If(Cat(lane.large for lanes in sides.values() for lane in lanes).any()):
                m.d.sync += self.saturated.eq(1)
        with m.If(go):
            m.d.sync += [counting.eq(drawing), last.eq(ending)]
        self._reseed(m, source, drawing, counting)

        # What results need of a pair leaves its registers with the last words.
        live = Signal(array.rows, reset_less=True)
        fields = tail_fields(array) | self.cells.tail_fields(array)
        tail: Any = Signal(data.StructLayout(fields), reset_less=True)
        with m.If(source.advance):
            m.d.sync += live.eq(Cat(operand.any() for operand in operands))
        with m.If(source.advance & ending):
            m.d.sync += [tail[name].eq(pair[name]) for name in fields if name in held]
            m.d.sync += tail.unit.eq(pair.e_x + pair.e_d - array.unit_log2)
            values = self.cells.tail(array, operands, list(source.r))
            m.d.sync += [tail[name].eq(value) for name, value in values.items()]
        self._count_gated(m, live, control.step & last)

        # The cells, and their read-out.
        read_out = ReadOut(self, m, control, tail, counting & last, go, source.load)
        sent = {side: self._sent(side, lanes) for side, lanes in sides.items()}
        self.cells.describe(read_out, sent)
        return m

    def _sends(self, side: Side) -> bool:
        return side is Side.D or self.cells.rows_send

    def _sent(self, side: Side, lanes: Sequence[Once]) -> list[Value]:
        return [lane.sent for lane in lanes] if self._sends(side) else []

    def _lanes(self, m: Module, side: Side, words: Any, advance: Signal) -> list[Once]:
        """Describe the lanes of one side, which load and draw together."""
        payload = self.x_d.payload[side.vector]
        # Each operand of a structure would bring a copy of its whole side.
        offered = Signal(payload.shape(), name=f"offered_{side.vector}")
        m.d.comb += offered.eq(payload)
        draw = self.draw if self._sends(side) else None
        draws = self.array.words.bits_per_cycle
        prepared = draw.prepare(m, list(words), side) if draw else []
        lanes = []
        for index, operand in enumerate(offered):
            lane = Once("lane", Lane, self.array, draw)
            m.submodules[f"lane_{side.vector}{index}"] = lane
            m.d.comb += [
                lane.load.eq(self.x_d.ready & self.x_d.valid),
                lane.offered.eq(operand),
            ]
            if draw:
                first = 0 if self.array.words.share == "pair" else index * draws
                m.d.comb += [
                    lane.words.eq(Cat(prepared[first : first + draws])),
                    lane.advance.eq(advance),
                ]
            lanes.append(lane)
        return lanes

    def _ended(self, words: Any, operands: Sequence[Value]) -> Value:
        """Return whether all rows' ones have ended, where they come first."""
        return ~Cat(self.draw.send([words[0]], operand) for operand in operands).any()

    def _reseed(self, m: Module, source: Once, drawing: Signal, counting: Signal) -> None:
        registers = self.array.words.registers
        if not registers:
            return
        used = [self.seed.payload.a, self.seed.payload.b][:registers]
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
        still = Signal(range(self.array.rows + 1))
        # Every bit of an expression brings a copy of all of it; those of a signal do not.
        idle = Signal(self.array.rows)
        m.d.comb += [idle.eq(~live), still.eq(popcount(m, list(idle)))]
        with m.If(done):
            m.d.sync += self.gated.eq(self.gated + still)
