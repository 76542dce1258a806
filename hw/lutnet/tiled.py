"""Tiled layers: one array of tables that serves all tiles, and access to its weight memory."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import LutNetTiled, Network
from nomul.golden.lutnet.layers import Lanes
from nomul.hw.compressor import shared_sum
from nomul.hw.lutnet.layers import lane_shape, outputs, times
from nomul.hw.lutnet.operators import settle, table
from nomul.hw.skid import Stage


def beat(lanes: Lanes) -> data.StructLayout:
    """Return the payload of a stream: all lanes of one vector, and whether it is the last."""
    return data.StructLayout({"x": data.ArrayLayout(lane_shape(lanes), lanes.count), "last": 1})


def request(network: Network, weights: str) -> data.StructLayout:
    """Return the payload of a request to the weight memories of a network's tiled layers.

    ``layer`` counts the tiled layers, ``tile`` and ``op`` are the indices of the layer's
    ``weight``; where memories can be written (``weights`` is ``load``) there follow ``value`` and
    ``write``, which says whether the request stores or asks.
    """
    layers = [network.layers[i] for i in network.tiled]
    fields: dict[str, Shape] = {
        "layer": unsigned(max(1, (len(layers) - 1).bit_length())),
        "tile": unsigned(max(1, max(len(layer.weight) - 1 for layer in layers).bit_length())),
        "op": unsigned(max(1, max(len(layer.idx) - 1 for layer in layers).bit_length())),
    }
    if weights == "load":
        fields |= {"value": unsigned(max(layer.p for layer in layers)), "write": unsigned(1)}
    return data.StructLayout(fields)


class Tiled(wiring.Component):
    """One array of tables that serves all tiles of a layer, one tile per cycle.

    Latency is TM TN + 1 cycles; one vector every TM TN cycles. The inputs rotate by one slice per
    tile, the finished slices of the outputs are shifted in from the top.

    Parameters
    ----------
    layer : :class:`nomul.golden.lutnet.LutNetTiled`
        The layer.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What it takes.
    adder : str
        How ones are added.
    layout : :class:`data.StructLayout` or None
        Of requests to the weights, from :func:`request`; None for a ROM without a port.

    Members
    -------
    i : ``In(stream.Signature(beat(before)))``
        Vectors.
    o : ``Out(stream.Signature(beat(after)))``
        Outputs.
    ask : ``In(layout)``
        Where there is a layout: an address of the memory, while no vector is inside.
    stored : ``Out(P)``
        With it: the weight there; 0 outside the memory.
    write : ``In(1)``
        With a layout that writes: store ``ask.value`` there at the coming edge.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(
        self,
        layer: LutNetTiled,
        before: Lanes,
        adder: str,
        layout: data.StructLayout | None = None,
    ):
        self.layer, self.before, self.adder, self.layout = layer, before, adder, layout
        self.after = layer.lanes(before)
        members = {
            "i": In(stream.Signature(beat(before))),
            "o": Out(stream.Signature(beat(self.after))),
        }
        if layout is not None:
            members |= {"ask": In(layout), "stored": Out(layer.p)}
            if "write" in layout.members:
                members["write"] = In(1)
        super().__init__(members)

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

        # Tables of this tile on this slice; a row of tiles ends in the outputs of its neurons.
        stored = self.memory(m, tile, busy)
        done = self.array(m, x, list(stored), row, column, go & busy)
        with m.If(go):
            m.d.sync += self.o.valid.eq(busy & final)
        with m.If(go & busy & last_column):
            m.d.sync += self.o.payload.last.eq(last)
            self.collect(m, done)
        return m

    def memory(self, m: Module, tile: Value, busy: Value) -> Value:
        """Return the stored bits of all tables for a tile, and describe the port."""
        layer, n_ops = self.layer, len(self.layer.idx)
        words = [
            sum(int(w) << (o * layer.p) for o, w in enumerate(words)) for words in layer.weight
        ]
        shape = unsigned(layer.p * n_ops)
        if len(words) == 1 and self.layout is None:
            return Const(words[0], shape)
        store: memory.Memory = memory.Memory(shape=shape, depth=len(words), init=words)
        m.submodules.weights = store
        port = store.read_port(domain="comb")
        if self.layout is None:
            m.d.comb += port.addr.eq(tile)
            return port.data
        inside = Signal()
        m.d.comb += [
            inside.eq((self.ask.tile < len(words)) & (self.ask.op < n_ops)),
            port.addr.eq(Mux(busy, tile, Mux(inside, self.ask.tile, 0))),
            self.stored.eq(Mux(inside, port.data.word_select(self.ask.op, layer.p), 0)),
        ]
        if "write" in self.layout.members:
            change = store.write_port(granularity=layer.p)
            m.d.comb += [
                change.addr.eq(self.ask.tile),
                change.data.eq(self.ask.value[: layer.p].replicate(n_ops)),
                change.en.eq(Mux(self.write & inside, 1 << self.ask.op, 0)),
            ]
        return port.data

    def array(
        self,
        m: Module,
        x: list[Signal],
        stored: list[Value],
        row: Value,
        column: Value,
        step: Value,
    ) -> Value:
        """Describe tables and accumulators; return the outputs of the slice, valid at its end."""
        layer = self.layer
        slice_in, slice_out = layer.n_in // layer.tile_n, layer.n_out // layer.tile_m
        wires = [bit for value in x for bit in value[:slice_in]]
        own: list[list[list[Value]]] = [[[] for _ in layer.alpha] for _ in range(slice_out)]
        for o, (tt, idx) in enumerate(zip(layer.tt, layer.idx.tolist(), strict=True)):
            inputs = [wires[i] for i in idx] + stored[o * layer.p : (o + 1) * layer.p]
            y = settle(m, table(tt, inputs), 1)
            own[int(layer.out[o])][int(layer.level[o])].append(y)
        low, high = layer.unrolled.bounds()
        width = max(1, int((high - low).max()).bit_length())
        sums = []
        for neuron, levels in enumerate(own):
            now: Value = Const(0, 1)
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


class Requests(wiring.Component):
    """Lets requests to the weight memories in between vectors.

    A request stops the intake, waits until no vector is inside, and is then carried out; an answer
    leaves one cycle later.

    Parameters
    ----------
    payload : ShapeLike
        Of the vectors.
    layout : :class:`data.StructLayout`
        Of the requests, from :func:`request`.
    widths : list of int
        P of each memory.
    capacity : int
        Vectors that can be inside at most.

    Members
    -------
    i, o : ``In(stream.Signature(payload))``, ``Out(stream.Signature(payload))``
        Vectors.
    left : ``In(1)``
        Whether a vector leaves at the coming edge.
    weight, stored : ``In(stream.Signature(layout))``, ``Out(stream.Signature(unsigned(P)))``
        Requests and answers.
    ask, write : ``Out(layout)``, ``Out(len(widths))``
        The request, and which memory it is written into at the coming edge.
    found : ``In(sum(widths))``
        What the memories answer, the first lowest.
    """

    i: stream.Interface
    o: stream.Interface
    weight: stream.Interface
    stored: stream.Interface

    def __init__(
        self, payload: object, layout: data.StructLayout, widths: list[int], capacity: int
    ):
        self.layout, self.widths, self.capacity = layout, widths, capacity
        super().__init__(
            {
                "i": In(stream.Signature(payload)),
                "o": Out(stream.Signature(payload)),
                "left": In(1),
                "weight": In(stream.Signature(layout)),
                "stored": Out(stream.Signature(unsigned(max(widths)))),
                "ask": Out(layout),
                "write": Out(len(widths)),
                "found": In(sum(widths)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, ask = Module(), self.weight.payload
        inside, empty, write = Signal(range(self.capacity + 1)), Signal(), Signal()
        m.submodules.answer = answer = Stage(unsigned(max(self.widths)))
        wiring.connect(m, answer.o, wiring.flipped(self.stored))
        m.d.comb += [
            self.ask.eq(ask),
            empty.eq(inside == 0),
            write.eq(ask.write if "write" in self.layout.members else 0),
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & ~self.weight.valid),
            self.i.ready.eq(self.o.ready & ~self.weight.valid),
            self.weight.ready.eq(empty & (write | answer.i.ready)),
            answer.i.valid.eq(self.weight.valid & empty & ~write),
        ]
        m.d.sync += inside.eq(inside + (self.o.valid & self.o.ready) - self.left)
        start = 0
        with m.Switch(ask.layer):
            for number, width in enumerate(self.widths):
                with m.Case(number):
                    m.d.comb += [
                        answer.i.payload.eq(self.found[start : start + width]),
                        self.write[number].eq(self.weight.valid & empty & write),
                    ]
                start += width
        return m
