"""Look-up-table networks: a chain of stream stages, each a group of layers or one tiled layer."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import Config, LutNetTiled
from nomul.golden.lutnet_layers import Lanes, Layer
from nomul.hw.compressor import shared_sum
from nomul.hw.lutnet_layers import HARDWARE, lane_shape, outputs, settle, table, times
from nomul.hw.skid import Stage


def beat(lanes: Lanes) -> data.StructLayout:
    """Return the payload of a stream: all lanes of one vector, and whether it is the last."""
    return data.StructLayout({"x": data.ArrayLayout(lane_shape(lanes), lanes.count), "last": 1})


class Group(wiring.Component):
    """Layers that answer within a cycle, and one register.

    Latency is one cycle; one vector per cycle.

    Parameters
    ----------
    layers : sequence of :class:`nomul.golden.lutnet_layers.Layer`
        Layers in order.
    before : :class:`nomul.golden.lutnet_layers.Lanes`
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
        self.parts = []
        for layer in layers:
            self.parts.append(HARDWARE[type(layer)](layer, before, adder))
            before = self.parts[-1].after
        self.first = first
        wide = {"i": In(stream.Signature(beat(self.parts[0].before)))}
        super().__init__(wide | {"o": Out(stream.Signature(beat(before)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value: Value = self.i.payload.x.as_value()
        for number, part in enumerate(self.parts, self.first):
            m.submodules[f"layer{number}_{part.layer.kind}"] = part
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


class Tiled(wiring.Component):
    """One array of tables that serves all tiles of a layer, one tile per cycle.

    Latency is TM TN + 1 cycles; one vector every TM TN cycles. The inputs rotate by one slice per
    tile, the finished slices of the outputs are shifted in from the top.

    Parameters
    ----------
    layer : :class:`nomul.golden.lutnet.LutNetTiled`
        The layer.
    before : :class:`nomul.golden.lutnet_layers.Lanes`
        What it takes.
    adder : str
        How ones are added.

    Members
    -------
    i : ``In(stream.Signature(beat(before)))``
        Vectors.
    o : ``Out(stream.Signature(beat(after)))``
        Outputs.

    Limits
    ------
    The weights are a ROM; they cannot be reloaded.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, layer: LutNetTiled, before: Lanes, adder: str, first: int):
        self.layer, self.before, self.adder, self.first = layer, before, adder, first
        self.after = layer.lanes(before)
        super().__init__(
            {
                "i": In(stream.Signature(beat(before))),
                "o": Out(stream.Signature(beat(self.after))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        layer, m = self.layer, Module()
        tiles, slice_in = layer.tile_m * layer.tile_n, layer.n_in // layer.tile_n
        busy, go, final = Signal(), Signal(), Signal()
        tile, column = Signal(range(max(2, tiles))), Signal(range(max(2, layer.tile_n)))
        row = Signal(range(max(2, layer.tile_m)))
        last_column, last = Signal(), Signal()
        x = [
            Signal(layer.n_in, name=f"x{level}", reset_less=True)
            for level in range(len(layer.alpha))
        ]
        m.d.comb += [
            go.eq(~self.o.valid | self.o.ready),
            last_column.eq(column == layer.tile_n - 1),
            final.eq(tile == tiles - 1),
            self.i.ready.eq(go & (~busy | final)),
        ]

        # Where in the layer the array is, and the vector it works on.
        with m.If(go & busy):
            m.d.sync += [
                tile.eq(Mux(final, 0, tile + 1)),
                column.eq(Mux(last_column, 0, column + 1)),
                *(value.eq(value.rotate_right(slice_in)) for value in x),
            ]
            with m.If(last_column):
                m.d.sync += row.eq(Mux(final, 0, row + 1))
        with m.If(self.i.ready):
            m.d.sync += busy.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += [Cat(*x).eq(self.i.payload.x.as_value()), last.eq(self.i.payload.last)]

        done = self.array(m, x, tile, row, column, go & busy)
        with m.If(go):
            m.d.sync += self.o.valid.eq(busy & final)
        with m.If(go & busy & last_column):
            m.d.sync += self.o.payload.last.eq(last)
            self.collect(m, done)
        return m

    def weights(self, m: Module, tile: Value) -> Value:
        """Return the stored bits of all tables for a tile."""
        layer = self.layer
        words = [
            sum(int(w) << (o * layer.p) for o, w in enumerate(words)) for words in layer.weight
        ]
        shape = unsigned(layer.p * len(layer.idx))
        if len(words) == 1:
            return Const(words[0], shape)
        rom = memory.Memory(shape=shape, depth=len(words), init=words)
        m.submodules.weights = rom
        port = rom.read_port(domain="comb")
        m.d.comb += port.addr.eq(tile)
        return port.data

    def array(
        self, m: Module, x: list[Signal], tile: Value, row: Value, column: Value, step: Value
    ) -> Value:
        """Describe tables and accumulators; return the outputs of the slice, valid at its end."""
        layer = self.layer
        slice_in, slice_out = layer.n_in // layer.tile_n, layer.n_out // layer.tile_m
        wires = [bit for value in x for bit in value[:slice_in]]
        stored = list(self.weights(m, tile))
        own: list[list[list[Value]]] = [[[] for _ in layer.alpha] for _ in range(slice_out)]
        for o, (tt, idx) in enumerate(zip(layer.tt, layer.idx.tolist(), strict=True)):
            inputs = [wires[i] for i in idx] + stored[o * layer.p : (o + 1) * layer.p]
            y = settle(m, table(tt, inputs), 1)
            own[int(layer.out[o])][int(layer.level[o])].append(y)
        low, high = layer.unrolled.bounds()
        width = max(1, int((high - low).max()).bit_length())
        sums = []
        for neuron, levels in enumerate(own):
            now = Const(0, 1)
            for scale, bits in zip(layer.alpha, levels, strict=True):
                if bits:
                    now = now + times(shared_sum(m, [bits], self.adder), int(scale))
            if layer.tile_n > 1:
                held = Signal(width, name=f"acc{neuron}", reset_less=True)
                now = settle(m, Mux(column == 0, 0, held) + now, width)
                with m.If(step):
                    m.d.sync += held.eq(now)
            sums.append(settle(m, now, width))
        return outputs(m, layer.unrolled, Cat(*sums), width, row)

    def collect(self, m: Module, done: Value) -> None:
        """Shift the outputs of a finished slice into the register of each output level."""
        levels = max(1, self.layer.unrolled.levels_out)
        target = self.o.payload.x.as_value()
        whole, part = len(target) // levels, len(done) // levels
        for level in range(levels):
            old = target[level * whole : (level + 1) * whole]
            new = done[level * part : (level + 1) * part]
            m.d.sync += old.eq(Cat(old[part:], new))


class Top(wiring.Component):
    """Computes a network of look-up tables.

    Latency is ``cfg.latency`` cycles, the sum over the stages; one vector per ``cfg.interval``
    cycles, which is 1 without tiled layers. Stalls never change results.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lutnet.Config`
        Network, kind of adder and registers, already validated.

    Members
    -------
    x : ``In(stream.Signature(beat(network.lanes[0])))``
        Inputs, input 0 lowest, and ``last``.
    y : ``Out(stream.Signature(beat(network.lanes[-1])))``
        What the last layer gives, equal to ``nomul.golden.lutnet.model(network, x)``, or to
        ``predict`` where it is an argmax; and ``last`` of the same vector.
    """

    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        network = cfg.load()
        super().__init__(
            {
                "x": In(stream.Signature(beat(network.lanes[0]))),
                "y": Out(stream.Signature(beat(network.lanes[-1]))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, network, first = Module(), self.cfg.load(), 0
        upstream = wiring.flipped(self.x)
        for number, layers in enumerate(self.cfg.stages):
            before = network.lanes[first]
            if isinstance(layers[0], LutNetTiled):
                stage = Tiled(layers[0], before, self.cfg.adder, first)
            else:
                stage = Group(layers, before, self.cfg.adder, first)
            m.submodules[f"stage{number}"] = stage
            wiring.connect(m, upstream, stage.i)
            upstream, first = stage.o, first + len(layers)
        wiring.connect(m, upstream, wiring.flipped(self.y))
        return m
