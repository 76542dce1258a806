"""Readouts: from the last layer's groups to a label per image."""

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lif import Config
from nomul.hw.lif.layouts import answer_layout, group_layout
from nomul.hw.skid import Stage


class Readout(wiring.Component):
    """Says which neuron has most spikes, spikes first, or ends at the highest potential.

    Latency is one cycle from the last group of an image; one group per cycle.

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
        given, taken = Signal(), Signal()
        group, step = Signal(range(max(2, self.layer.groups))), Signal(range(cfg.steps + 1))
        m.d.comb += [
            given.eq(i.payload.last & i.payload.final),
            stage.i.valid.eq(i.valid & given),
            i.ready.eq(stage.i.ready),
            taken.eq(i.valid & i.ready),
        ]
        with m.If(taken):
            m.d.sync += group.eq(Mux(i.payload.last, 0, group + 1))
            with m.If(i.payload.last):
                m.d.sync += step.eq(Mux(i.payload.final, 0, step + 1))
        if cfg.readout == "first":
            self._first(m, stage.i.payload, taken, given, group, step)
        else:
            self._highest(m, stage.i.payload, taken, group, step)
        return m

    def _first(self, m: Module, o: data.View, taken, given, group, step) -> None:
        """Describe the first spike: the lowest lane of the first group that has one."""
        seen, any_spike = Signal(), self.i.payload.spikes.any()
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
            m.d.sync += seen.eq((seen | any_spike) & ~given)
            m.d.sync += held.eq(o)

    def _highest(self, m: Module, o: data.View, taken, group, step) -> None:
        """Describe the scores and the greatest of them so far, of equals the lowest number."""
        layer, i = self.layer, self.i.payload
        if self.cfg.readout == "potential":
            scores = [i.v[lane] for lane in range(layer.parallel)]
        else:
            counts = Array(
                Signal(
                    data.ArrayLayout(self.cfg.steps.bit_length(), layer.parallel), name=f"counts{g}"
                )
                for g in range(layer.groups)
            )
            scores = []
            for lane in range(layer.parallel):
                score = Signal(self.cfg.steps.bit_length(), name=f"score{lane}")
                before = Array(counts[g][lane] for g in range(layer.groups))[group]
                m.d.comb += score.eq(Mux(step == 0, 0, before) + i.spikes[lane])
                scores.append(score)
            for g in range(layer.groups):
                with m.If(taken & (group == g)):
                    m.d.sync += [counts[g][k].eq(score) for k, score in enumerate(scores)]
        rest = layer.neurons - (layer.groups - 1) * layer.parallel
        ends = group == layer.groups - 1
        entries = []
        for lane, score in enumerate(scores):
            first = Array(g * layer.parallel + lane for g in range(layer.groups))[group]
            entries.append((score, first, ~ends if lane >= rest else Value.cast(1)))
        best, label = Signal.like(o.value), Signal.like(o.label)
        value, number, _ = entries[0]  # a group has one neuron at least
        for score, name, real in entries[1:]:
            wins = real & (score > value)
            value, number = Mux(wins, score, value), Mux(wins, name, number)
        better = (group == 0) | (value > best)
        m.d.comb += [o.value.eq(Mux(better, value, best)), o.label.eq(Mux(better, number, label))]
        with m.If(taken):
            m.d.sync += [best.eq(o.value), label.eq(o.label)]
