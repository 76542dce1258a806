"""The passes of a step, cycle by cycle: which operand, which weights, and where results go."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config, Pass
from nomul.hw.sgd.ring import index_bits

PHASES = ("forward", "backward", "update")


class Passes(wiring.Component):
    """Goes through the passes of a step, and through the groups of P results of each.

    A group takes one cycle to begin, for an update P cycles in which gradients come in, then a beat
    per operand, two cycles and ``cfg.stages`` more until the last sum is there, and one per result
    that leaves and one more, or one in which the last weights are written.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sgd.Config`
        ``cfg.passes``.

    Members
    -------
    start, learn : ``In(1)``
        Begin; go through all passes, or through the forward ones.
    go : ``In(1)``
        Results may leave.
    busy, done : ``Out(1)``
        A step is under way; this is its last cycle.
    forward, backward, update : ``Out(1)``
        Phase.
    last : ``Out(1)``
        The pass gives the outputs of the network.
    begin, fresh : ``Out(1)``
        A group begins, the first of a pass.
    index : ``Out``
        Number of the pass.
    address : ``Out``
        Where values are read: an operand, a gradient, or what the result that leaves is judged by.
    ask, load : ``Out(1)``
        An operand is read; it is there.
    filling, fill, inside : ``Out(1)``
        A gradient is read; a gradient that was read is there; it is one, and not behind the last.
    first, slot, step, slide : ``Out``
        First slice of a product; a slice is multiplied; it is the last one.
    fresh_sum : ``Out(1)``
        No product of the group was added yet.
    read, tile, line : ``Out``
        Weights are read, and which.
    store : ``Out(1)``
        The weights that were read are written.
    take, offer, place : ``Out``
        A result leaves the ring; it is there, at this place in the memory of values.
    final : ``Out(1)``
        It is the last output.
    finished : ``Out(1)``
        The last cycle of a pass.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        strobes = (
            *("busy", "done", "forward", "backward", "update", "last", "begin", "fresh"),
            *("ask", "load", "fill", "inside", "first", "step", "slide", "fresh_sum"),
            *("filling", "read", "store", "take", "offer", "final", "finished"),
        )
        address = unsigned(self.address_bits(cfg))
        super().__init__(
            {
                "start": In(1),
                "learn": In(1),
                "go": In(1),
                "index": Out(unsigned(index_bits(len(cfg.passes)))),
                "address": Out(address),
                "place": Out(address),
                "tile": Out(unsigned(index_bits(cfg.tiles))),
                "line": Out(unsigned(index_bits(cfg.pes))),
            }
            | {name: Out(1) for name in strobes}
        )

    @staticmethod
    def address_bits(cfg: Config) -> int:
        """Return the bits of an address of a value, or of one behind a vector's end."""
        return index_bits(cfg.values + cfg.pes)

    def _constant(
        self, m: Module, name: str, values: Sequence[int], negative: bool = False
    ) -> Signal:
        """Describe a value of the pass under way."""
        bits = max(abs(value) for value in values).bit_length()
        signal = Signal(signed(bits + 1) if negative else unsigned(max(1, bits)), name=name)
        with m.Switch(self.index):
            for number, value in enumerate(values):
                with m.Case(number):
                    m.d.comb += signal.eq(value)
        return signal

    def elaborate(self, platform: object) -> Module:
        cfg, m, passes = self.cfg, Module(), self.cfg.passes
        phase = [self._constant(m, name, [one.phase == name for one in passes]) for name in PHASES]
        m.d.comb += [
            *(getattr(self, name).eq(of) for name, of in zip(PHASES, phase, strict=True)),
            self.last.eq(
                self._constant(m, "gives", [one.last and one.phase == "forward" for one in passes])
            ),
        ]
        # Registers of a group.
        offset, remaining = (
            Signal(range(max(cfg.sizes) + cfg.pes)),
            Signal(range(max(cfg.sizes) + 1)),
        )
        origin = Signal(index_bits(cfg.tiles))
        operand = Signal(range(max(max(cfg.sizes), 2)))
        moved = Signal(range(cfg.pes + 1))
        turn = Signal(index_bits(cfg.pes))
        fresh = Signal(init=1)
        m.d.comb += self.fresh.eq(fresh)
        length = self._constant(m, "length_less_1", [one.length - 1 for one in passes])
        turned = self._constant(m, "turned", self._turns(passes))
        begins = self._begin(m, fresh, offset, remaining)
        flush = Signal(range(4 + cfg.stages))
        slice_bits = index_bits(cfg.slices)
        tick = Signal(slice_bits)
        beat_end, whole_beat = Signal(), Signal()
        m.d.comb += [
            whole_beat.eq(self.update if cfg.update == "essop" else 0),
            beat_end.eq(whole_beat | (tick == cfg.slices - 1)),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [self.index.eq(0), fresh.eq(1)]
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += [self.busy.eq(1), self.begin.eq(1)]
                m.d.sync += [*begins, operand.eq(length), moved.eq(0), tick.eq(0), flush.eq(0)]
                m.d.sync += turn.eq(turned)
                with m.If(self.update):
                    m.next = "FILL"
                with m.Else():
                    m.next = "RUN"
            with m.State("FILL"):
                m.d.comb += [self.busy.eq(1), self.filling.eq(1)]
                m.d.sync += [turn.eq(Mux(turn == cfg.pes - 1, 0, turn + 1)), moved.eq(moved + 1)]
                with m.If(moved == cfg.pes - 1):
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [self.busy.eq(1), self.ask.eq(tick == 0)]
                m.d.sync += tick.eq(Mux(beat_end, 0, tick + 1))
                with m.If(beat_end):
                    m.d.sync += operand.eq(operand - 1)
                    with m.If(operand == 0):
                        m.d.sync += moved.eq(0)
                        m.next = "FLUSH"
            with m.State("FLUSH"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += flush.eq(flush + 1)
                with m.If(self.update & (flush == 2 + cfg.stages)):
                    self._next(m, remaining, fresh)
                with m.Elif(~self.update & (flush == 1 + cfg.stages)):
                    m.next = "LEAVE"
            with m.State("LEAVE"):
                m.d.comb += self.busy.eq(1)
                m.d.comb += self.take.eq(self.go & (moved != cfg.pes) & (moved != remaining))
                with m.If(self.take):
                    m.d.sync += moved.eq(moved + 1)
                with m.If(self.go & ~self.take):
                    self._next(m, remaining, fresh)
        with m.If(self.go):
            m.d.sync += self.offer.eq(self.take)
        self._addresses(m, offset, operand, moved, turn, remaining)
        self._slices(m)
        self._weights(m, fresh, origin)
        return m

    def _turns(self, passes: Sequence[Pass]) -> list[int]:
        """Return which gradient comes first: the one that is in element 0 as the rows begin."""
        return [(1 - one.length) % self.cfg.pes for one in passes]

    def _begin(self, m: Module, fresh: Signal, offset: Signal, remaining: Signal) -> list[object]:
        """Return what sets the registers of a group."""
        pes, passes = self.cfg.pes, self.cfg.passes
        outputs = self._constant(m, "outputs", [one.outputs for one in passes])
        return [
            offset.eq(Mux(fresh, 0, offset + pes)),
            remaining.eq(Mux(fresh, outputs, remaining - pes)),
        ]

    def _next(self, m: Module, remaining: Signal, fresh: Signal) -> None:
        """Describe what follows a group: the next one, the next pass, or the end."""
        ends = len(self.cfg.passes) - 1
        m.d.sync += fresh.eq(0)
        m.next = "BEGIN"
        with m.If(remaining <= self.cfg.pes):
            m.d.comb += self.finished.eq(1)
            m.d.sync += [fresh.eq(1), self.index.eq(self.index + 1)]
            with m.If((self.index == ends) | (self.last & ~self.learn)):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"

    def _addresses(
        self,
        m: Module,
        offset: Signal,
        operand: Signal,
        moved: Signal,
        turn: Signal,
        remaining: Signal,
    ) -> None:
        """Describe where values are read and written."""
        cfg, passes = self.cfg, self.cfg.passes
        operands = self._constant(m, "operands", [one.operands for one in passes])
        results = self._constant(m, "results", [one.results for one in passes])
        judged = [
            cfg.activation(one.layer - 1) if one.phase == "backward" else one.results
            for one in passes
        ]
        judges = self._constant(m, "judges", judged)
        with m.If(self.ask):
            m.d.comb += self.address.eq(operands + operand)
        with m.Elif(self.filling):
            m.d.comb += self.address.eq(results + offset + turn)
        with m.Else():
            m.d.comb += self.address.eq(judges + offset + moved)
        m.d.sync += [self.load.eq(self.ask), self.fill.eq(self.filling)]
        m.d.sync += self.inside.eq(turn < remaining)
        with m.If(self.take):
            m.d.sync += [
                self.place.eq(results + offset + moved),
                self.final.eq(moved + 1 == remaining),
            ]

    def _slices(self, m: Module) -> None:
        """Describe the slices of the product under way: they follow ``load``."""
        cfg = self.cfg
        slot = Signal(index_bits(cfg.slices))
        ends: Value = slot == cfg.slices - 1
        if cfg.update == "essop":
            ends = ends | self.update
        slide: Value = self.step & ends
        for stage in range(cfg.stages):  # of the multipliers, after which sums move on
            later = Signal(name=f"slide{stage}")
            m.d.sync += later.eq(slide)
            slide = later
        m.d.comb += [self.slide.eq(slide), self.first.eq(self.step & (slot == 0))]
        with m.If(self.load):
            m.d.sync += [self.step.eq(1), slot.eq(0)]
        with m.Elif(self.step):
            m.d.sync += [slot.eq(slot + 1), self.step.eq(~ends)]
        with m.If(self.begin):
            m.d.sync += self.fresh_sum.eq(1)
        with m.Elif(self.slide):
            m.d.sync += self.fresh_sum.eq(0)
        m.d.sync += self.store.eq(self.slide & self.update)

    def _weights(self, m: Module, fresh: Signal, origin: Signal) -> None:
        """Describe which weights are read: with the operand, of an update with its last slice."""
        passes, pes = self.cfg.passes, self.cfg.pes
        first = self._constant(m, "first_tile", [one.tile for one in passes])
        stride = self._constant(m, "stride", [one.stride for one in passes])
        back = self._constant(m, "back", [one.back for one in passes])
        line = self._constant(m, "first_line", [(one.length - 1) % pes for one in passes])
        m.d.comb += self.read.eq(Mux(self.update, self.slide, self.load))
        begin_at = Signal.like(origin)
        m.d.comb += begin_at.eq(Mux(fresh, first, origin))
        with m.If(self.begin):
            m.d.sync += [self.tile.eq(begin_at), origin.eq(begin_at + stride), self.line.eq(line)]
        with m.Elif(self.read):
            m.d.sync += self.line.eq(Mux(self.line == 0, pes - 1, self.line - 1))
            with m.If(self.line == 0):
                m.d.sync += self.tile.eq(self.tile - back)
