"""Readouts: from the last layer's groups to a label per image."""

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lif import Config
from nomul.hw.lif.layouts import answer_layout, group_layout
from nomul.hw.skid import Stage


class Readout(wiring.Component):
    """Says which neuron has most spikes, spikes first, or ends at the highest potential.

    Latency is one cycle from the last group of an image. One group per cycle, but in an image's
    last step, unless the first spike is asked for, one neuron per cycle: a single comparator then
    goes through all of them.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lif.Config`
        Readout, T, and the last layer's geometry.

    Members
    -------
    i : ``In(stream.Signature(group_layout(cfg.layers[-1])))``
        Groups of spikes and potentials.
    o : ``Out(stream.Signature(answer_layout(cfg)))``
        Label and value of an image, equal to ``nomul.golden.lif.read``. With readout ``spikes``
        the groups' spikes themselves.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg, self.layer = cfg, cfg.layers[-1]
        super().__init__(
            {
                "i": In(stream.Signature(group_layout(self.layer))),
                "o": Out(stream.Signature(answer_layout(cfg))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m, i = self.cfg, Module(), self.i
        if cfg.readout == "spikes":
            m.d.comb += [
                self.o.payload.spikes.eq(i.payload.spikes),
                self.o.payload.last.eq(i.payload.last),
                self.o.valid.eq(i.valid),
                i.ready.eq(self.o.ready),
            ]
            return m
        m.submodules.stage = stage = Stage(answer_layout(cfg))
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        taken, step = Signal(), Signal(range(cfg.steps + 1))
        ends = Signal()
        m.d.comb += [
            ends.eq(i.payload.last & i.payload.final),
            taken.eq(i.valid & i.ready),
        ]
        with m.If(taken & i.payload.last):
            m.d.sync += step.eq(Mux(i.payload.final, 0, step + 1))
        if cfg.readout == "first":
            m.d.comb += [stage.i.valid.eq(i.valid & ends), i.ready.eq(stage.i.ready | ~ends)]
            self._first(m, stage.i.payload, taken, ends, step)
        else:
            self._highest(m, stage.i, taken, ends, step)
        return m

    def _first(self, m: Module, o: data.View, taken: Value, ends: Value, step: Value) -> None:
        """Describe the first spike: the lowest lane of the first group that has one."""
        seen, any_spike = Signal(), self.i.payload.spikes.any()
        group = Signal(range(max(2, self.layer.groups)))
        with m.If(taken):
            m.d.sync += group.eq(Mux(self.i.payload.last, 0, group + 1))
        held, lowest = Signal(answer_layout(self.cfg)), Signal.like(o.label)
        for lane in reversed(range(self.layer.parallel)):
            with m.If(self.i.payload.spikes[lane]):
                m.d.comb += lowest.eq(lane)
        with m.If(seen):
            m.d.comb += o.eq(held)
        with m.Elif(any_spike):
            # A group's first neuron is a multiple of the lanes.
            first = Array(g * self.layer.parallel for g in range(self.layer.groups))[group]
            m.d.comb += [o.label.eq(first + lowest), o.value.eq(step)]
        with m.Else():
            m.d.comb += o.value.eq(self.cfg.steps)
        with m.If(taken):
            m.d.sync += seen.eq((seen | any_spike) & ~ends)
            m.d.sync += held.eq(o)

    def _highest(
        self, m: Module, o: stream.Interface, taken: Value, ends: Value, step: Value
    ) -> None:
        """Describe the scores and the greatest of them so far, of equals the lowest number."""
        layer, i = self.layer, self.i
        lane, number = Signal(range(max(2, layer.parallel))), Signal(range(layer.neurons + 64))
        group, moves = Signal(range(max(2, layer.groups))), Signal()
        final, done = i.payload.final, Signal()
        m.d.comb += [
            done.eq(lane == layer.parallel - 1),
            o.valid.eq(i.valid & ends & done),
            moves.eq(i.valid & final & (~o.valid | o.ready)),
            i.ready.eq(Mux(final, done & (~ends | o.ready), 1)),
        ]
        with m.If(moves):
            m.d.sync += [
                lane.eq(Mux(done, 0, lane + 1)),
                number.eq(Mux(ends & done, 0, number + 1)),
            ]
        with m.If(taken):
            m.d.sync += group.eq(Mux(i.payload.last, 0, group + 1))

        score = Signal.like(o.payload.value)
        if self.cfg.readout == "potential":
            m.d.comb += score.eq(Array(i.payload.v[k] for k in range(layer.parallel))[lane])
        else:
            m.d.comb += score.eq(self._counts(m, taken, step, group)[lane])
        best, label, better = Signal.like(score), Signal.like(o.payload.label), Signal()
        m.d.comb += [
            better.eq((number == 0) | ((score > best) & (number < layer.neurons))),
            o.payload.value.eq(Mux(better, score, best)),
            o.payload.label.eq(Mux(better, number, label)),
        ]
        with m.If(moves):
            m.d.sync += [best.eq(o.payload.value), label.eq(o.payload.label)]

    def _counts(self, m: Module, taken: Value, step: Value, group: Value) -> Array:
        """Describe the counts of spikes; return those of the group at the input, by lane."""
        layer, width = self.layer, self.cfg.steps.bit_length()
        shape = data.ArrayLayout(width, layer.parallel)
        counts = Array(Signal(shape, name=f"counts{g}") for g in range(layer.groups))
        scores = []
        for lane in range(layer.parallel):
            score = Signal(width, name=f"score{lane}")
            before = Array(counts[g][lane] for g in range(layer.groups))[group]
            m.d.comb += score.eq(Mux(step == 0, 0, before) + self.i.payload.spikes[lane])
            scores.append(score)
        for g in range(layer.groups):
            with m.If(taken & (group == g)):
                m.d.sync += [counts[g][k].eq(score) for k, score in enumerate(scores)]
        return Array(scores)
