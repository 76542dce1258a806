"""Spiking networks: coder, layers one after another, readout."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lif import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.lif.coder import Coder
from nomul.hw.lif.intake import Frames
from nomul.hw.lif.layer import Layer
from nomul.hw.lif.layouts import (
    FLAGS,
    answer_layout,
    counters_layout,
    flags_layout,
    input_layout,
    weight_layout,
)
from nomul.hw.lif.readout import Readout


class Top(Configured[Config]):
    """Computes a spiking layer, or a network of them.

    A layer's step of e events takes ``cfg.cycles(e)`` = e ceil(N/P) + ceil(N/P) + 2 cycles; frames
    and the events of the next step come in meanwhile. Layers work at the same time, on steps that
    follow one another. Stalls never change results.

    Members
    -------
    x : ``In(stream.Signature(input_layout(cfg)))``
        Spikes, as frames or events, or pixels for a coder; ``last`` ends a step, or an image.
    y : ``Out(stream.Signature(answer_layout(cfg)))``
        The last layer's spikes, equal to ``nomul.golden.lif.model``, G beats per step; or a label
        and its value per image.
    weight : ``In(stream.Signature(weight_layout(cfg.layers)))``
        If ``cfg.loads``: words of weights, at any time; the layer pauses a cycle
        and uses them from then on. A word outside a memory has no defined place.
    flags : ``Out(flags_layout())``
        Sticky until reset.
    events0, additions0, saturations0, spikes0, events1, ... : ``Out(cfg.counter_bits)``
        Counters of each layer since reset, unless ``counter_bits`` is 0.

    Limits
    ------
    Neither refractory periods nor synapses with a state of their own, nor recurrent connections.
    """

    notes = {"flags": FLAGS}  # for register maps

    x: stream.Interface
    y: stream.Interface
    weight: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        members = {
            "x": In(stream.Signature(input_layout(cfg))),
            "y": Out(stream.Signature(answer_layout(cfg))),
            "flags": Out(flags_layout()),
        }
        for number in range(len(cfg.layers) if cfg.counter_bits else 0):
            # A register of AXI holds one counter.
            for name, each in counters_layout(cfg.counter_bits):
                members[f"{name}{number}"] = Out(each.shape)
        if cfg.loads:
            members["weight"] = In(stream.Signature(weight_layout(cfg.layers)))
        return members

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        wrong, outside = [], []
        upstream: Any = wiring.flipped(self.x)
        index_bits = cfg.inputs.bit_length()
        if cfg.coder != "direct":
            m.submodules.coder = coder = Coder(cfg)
            wiring.connect(m, upstream, coder.i)
            upstream = coder.o
            wrong.append(coder.wrong)
        elif cfg.form == "frames":
            beats = -(-cfg.inputs // cfg.chunk)
            index_bits = (beats * cfg.chunk).bit_length()
            m.submodules.frames = frames = Frames(cfg.inputs, cfg.chunk, index_bits)
            wiring.connect(m, upstream, frames.i)
            upstream = frames.o
            wrong.append(frames.wrong)
        given = [None] * len(cfg.layers) if cfg.loads else cfg.load().weights
        layers: list[Layer] = []
        for number, (config, weights) in enumerate(zip(cfg.layers, given, strict=True)):
            if number:
                before = cfg.layers[number - 1]
                index_bits = (before.groups * before.parallel).bit_length()
                frames = Frames(before.neurons, before.parallel, index_bits)
                m.submodules[f"frames{number}"] = frames
                groups = layers[-1].o
                m.d.comb += [
                    frames.i.payload.spikes.eq(groups.payload.spikes),
                    frames.i.payload.last.eq(groups.payload.last),
                    frames.i.valid.eq(groups.valid),
                    groups.ready.eq(frames.i.ready),
                ]
                upstream = frames.o
            large = number == 0 and cfg.loads and cfg.weights == "large"
            layer = Layer(config, weights, cfg.steps, index_bits, cfg.counter_bits, large)
            m.submodules[f"layer{number}"] = layer
            wiring.connect(m, upstream, layer.i)
            layers.append(layer)
            wrong.append(layer.wrong)
            outside.append(layer.outside)
            if cfg.counter_bits:
                for name, _ in counters_layout(cfg.counter_bits):
                    m.d.comb += getattr(self, f"{name}{number}").eq(layer.counters[name])
        m.submodules.readout = readout = Readout(cfg)
        wiring.connect(m, layers[-1].o, readout.i)
        wiring.connect(m, readout.o, wiring.flipped(self.y))
        if cfg.loads:
            self._load(m, layers)
        for flag, causes in (("E_LAST", wrong), ("E_RANGE", outside)):
            seen = Signal(name=f"seen_{flag}")
            m.d.comb += self.flags[flag].eq(seen)
            for cause in causes:
                with m.If(cause):
                    m.d.sync += seen.eq(1)
        return m

    def _load(self, m: Module, layers: list[Layer]) -> None:
        """Describe how a word of weights reaches its layer; one is taken per cycle."""
        m.d.comb += self.weight.ready.eq(1)
        for number, layer in enumerate(layers):
            m.d.comb += [
                layer.write.eq(self.weight.valid & (self.weight.payload.layer == number)),
                layer.word.eq(self.weight.payload.word),
                layer.data.eq(self.weight.payload.values),
            ]
