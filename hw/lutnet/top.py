"""Look-up-table networks: a chain of stream stages, each a group of layers or one tiled layer."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import Config, Kernels, LutNetTiled, Windows
from nomul.golden.lutnet.layers import Lanes, Layer
from nomul.hw.lutnet.layers import HARDWARE, Combinational
from nomul.hw.lutnet.scores import Ballot, fits
from nomul.hw.lutnet.stream import Front
from nomul.hw.lutnet.tally import Tally
from nomul.hw.lutnet.tiled import Requests, Tiled, beat, request
from nomul.hw.skid import Stage


class Group(wiring.Component):
    """Layers that answer within a cycle, and one register.

    Latency is one cycle; one vector per cycle.

    Parameters
    ----------
    layers : sequence of :class:`nomul.golden.lutnet.layers.Layer`
        Layers in order.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What the first of them takes.
    adder : str
        How ones are added.
    first : int
        Number of the first layer in the network, for names.

    Members
    -------
    i : ``In(stream.Signature(beat(before)))``
        Vectors.
    o : ``Out(stream.Signature(beat(after)))``
        The last layer's outputs.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, layers: tuple[Layer, ...], before: Lanes, adder: str, first: int):
        self.parts: dict[str, Combinational | Ballot] = {}
        into, number = before, 0
        while number < len(layers):
            layer, name = layers[number], f"layer{first + number}_{layers[number].kind}"
            if fits(layer, layers[-1], adder) and number == len(layers) - 2:
                self.parts[f"{name}_argmax"] = Ballot((layer, layers[-1]), before)
                before, number = layers[-1].lanes(layer.lanes(before)), number + 2
            else:
                self.parts[name] = HARDWARE[type(layer)](layer, before, adder)
                before, number = layer.lanes(before), number + 1
        wide = {"i": In(stream.Signature(beat(into)))}
        super().__init__(wide | {"o": Out(stream.Signature(beat(before)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value: Value = self.i.payload.x.as_value()
        part: Any
        for name, part in self.parts.items():
            m.submodules[name] = part
            m.d.comb += part.x.eq(value)
            value = part.y
        m.submodules.stage = stage = Stage(self.o.payload.shape())
        m.d.comb += [
            stage.i.payload.eq(Cat(value, self.i.payload.last)),
            stage.i.valid.eq(self.i.valid),
            self.i.ready.eq(stage.i.ready),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        return m


class Top(wiring.Component):
    """Computes a network of look-up tables.

    Latency is ``cfg.latency`` cycles, the sum over the stages; one vector per ``cfg.interval``
    cycles, which is 1 without tiled layers. Stalls never change results.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lutnet.Config`
        Network, kind of adder, registers and weight memories, already validated.

    Members
    -------
    x : ``In(stream.Signature(beat(network.lanes[0])))``
        Inputs, input 0 lowest, and ``last``.
    y : ``Out(stream.Signature(beat(network.lanes[-1])))``
        What the last layer gives, equal to ``nomul.golden.lutnet.model(network, x)``, or to
        ``predict`` where it is an argmax; and ``last`` of the same vector. Of a streamed network
        ``x`` is one pixel, ``last`` comes with the last one of each image, and the answer's
        ``last`` is always set.
    misframed : ``Out(1)``
        Of a streamed network: see :class:`nomul.hw.lutnet.stream.Front`.
    weight : ``In(stream.Signature(request(network, cfg.weights)))``
        Unless ``cfg.weights`` is ``rom``: requests to the tiled layers' memories. One stops the
        intake of vectors, waits until those inside have left, and is then carried out, so a vector
        meets the weights of exactly the requests that were taken before it. A write outside a
        memory does nothing.
    stored : ``Out(stream.Signature(unsigned(P)))``
        With it: the weight of every request that does not write, one cycle after it was taken; 0
        outside a memory.
    """

    x: stream.Interface
    y: stream.Interface
    weight: stream.Interface
    stored: stream.Interface
    misframed: Signal

    def __init__(self, cfg: Config):
        self.cfg = cfg
        network = cfg.load()
        self.memories = [network.layers[i] for i in network.tiled]
        self.layout = None if cfg.weights == "rom" else request(network, cfg.weights)
        first = network.lanes[0]
        if network.streamed:
            first = Lanes(1, first.low, first.high)
        members = {
            "x": In(stream.Signature(beat(first))),
            "y": Out(stream.Signature(beat(network.lanes[-1]))),
        }
        if network.streamed:
            members["misframed"] = Out(1)
        if self.layout is not None:
            members["weight"] = In(stream.Signature(self.layout))
            members["stored"] = Out(stream.Signature(unsigned(max(m.p for m in self.memories))))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m, network, first = Module(), self.cfg.load(), 0
        upstream: Any = wiring.flipped(self.x)
        tiled: list[Tiled] = []
        if self.layout is not None:
            # A stage holds one vector, a tiled one two.
            capacity = len(self.cfg.stages) + len(self.memories)
            widths = [layer.p for layer in self.memories]
            gate = Requests(self.x.payload.shape(), self.layout, widths, capacity)
            m.submodules.requests = gate
            for port in ("weight", "stored"):
                wiring.connect(m, wiring.flipped(getattr(self, port)), getattr(gate, port))
            wiring.connect(m, upstream, gate.i)
            m.d.comb += gate.left.eq(self.y.valid & self.y.ready)
            upstream = gate.o
        for number, layers in enumerate(self.cfg.stages):
            before = network.lanes[first]
            stage: Tiled | Front | Tally | Group
            if isinstance(layers[0], LutNetTiled):
                stage = Tiled(layers[0], before, self.cfg.adder, self.layout)
                tiled.append(stage)
            elif isinstance(layers[0], Kernels):
                assert isinstance(layers[1], Windows)
                stage = Front(layers[0], layers[1], before)
                m.d.comb += self.misframed.eq(stage.misframed)
            elif self.cfg.counted(layers[-1]):
                stage = Tally(layers, before, self.cfg.adder, self.cfg.count_cycles)
            else:
                stage = Group(layers, before, self.cfg.adder, first)
            m.submodules[f"stage{number}"] = stage
            wiring.connect(m, upstream, stage.i)
            upstream, first = stage.o, first + len(layers)
        wiring.connect(m, upstream, wiring.flipped(self.y))
        if self.layout is not None:
            m.d.comb += gate.found.eq(Cat(part.stored for part in tiled))
            for number, part in enumerate(tiled):
                m.d.comb += part.ask.eq(gate.ask)
                if self.cfg.weights == "load":
                    m.d.comb += part.write.eq(gate.write[number])
        return m
