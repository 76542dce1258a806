"""Machine for the Sparse DNN challenge: images in, all layers, activations out."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spdnn import Config
from nomul.golden.spdnn.config import CEILING
from nomul.hw.memory import whole
from nomul.hw.once import Once
from nomul.hw.skid import Stage
from nomul.hw.spdnn.lane import Lane, control_layout
from nomul.hw.spdnn.sequencer import Sequencer, addition_layout
from nomul.hw.spdnn.stores import ports, store


def image_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``y0``: one neuron of every lane's image; the batch's last is marked."""
    return data.StructLayout(
        {"y": data.ArrayLayout(unsigned(cfg.y_bits), cfg.adders), "last": unsigned(1)}
    )


def result_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``o``: as ``y0``, and which images were not zero so far."""
    return data.StructLayout(
        {
            "y": data.ArrayLayout(unsigned(cfg.y_bits), cfg.adders),
            "active": unsigned(cfg.adders),
            "last": unsigned(1),
        }
    )


def member_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``members``: a neuron of a class; the table's last is marked."""
    return data.StructLayout({"neuron": unsigned(cfg.address_bits), "last": unsigned(1)})


def edge_layout(cfg: Config) -> data.StructLayout:
    """Return a word of ``edges``: a row, its weight of +-2^shift / 16, and the column's end.

    A column without edges is one word with ``none``.
    """
    return data.StructLayout(
        {
            "row": unsigned(cfg.address_bits),
            "shift": unsigned(cfg.shift_bits),
            "negative": unsigned(1),
            "none": unsigned(1),
            "last": unsigned(1),
        }
    )


class Top(wiring.Component):
    """Runs all layers for ``cfg.adders`` images at once, one addition per image and cycle.

    Latency is that of the network, ``cfg.cycles(cfg.adders)``; a batch of images is loaded when the
    one before has left, so the interval is the same.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spdnn.Config`
        Sizes and engine, already validated.
    outside : bool
        Bring the ports of all memories out, for memory macros.

    Members
    -------
    y0 : ``In(stream.Signature(image_layout(cfg)))``
        Images: N words, one neuron of all of them each.
    members : ``In(stream.Signature(member_layout(cfg)))``
        Engines ``edge`` and ``class``: the classes' neurons, for every map 16 of every class;
        before the first batch, or between two.
    edges : ``In(stream.Signature(edge_layout(cfg)))``
        Engine ``general``: the edges of all layers, by column, for each batch again.
    o : ``Out(stream.Signature(result_layout(cfg)))``
        Activations of the last layer, as ``nomul.golden.spdnn.model`` has them, and which images
        are active, which the last word knows.
    misfit, too_large : ``Out(1)``
        Sticky: a batch of other than N words, which is dropped; an activation above 32, which is
        cut.
    misloaded : ``Out(1)``
        Sticky: a table of another length, after which no batch is taken until a good one came.
    unmarked : ``Out(1)``
        Sticky, engine ``general``: a word without an edge that did not end its column. It does.
    table_read, table_write, lane0_activations_read ...
        Ports of the memories, see :func:`nomul.hw.spdnn.stores.ports`; only ``outside``.

    Limits
    ------
    Whether the classes are balanced is for the one who writes the table to check. Reset leaves the
    memories as they are, and the table is to be loaded again.
    """

    o: stream.Interface
    y0: stream.Interface

    def __init__(self, cfg: Config, *, outside: bool = False):
        self.cfg, self.outside = cfg, outside
        members: dict[str, wiring.Member] = {
            "y0": In(stream.Signature(image_layout(cfg))),
            "o": Out(stream.Signature(result_layout(cfg))),
            "misfit": Out(1),
            "too_large": Out(1),
        }
        if cfg.engine == "general":
            members |= {"edges": In(stream.Signature(edge_layout(cfg))), "unmarked": Out(1)}
        else:
            members |= {"members": In(stream.Signature(member_layout(cfg))), "misloaded": Out(1)}
        if outside and "table" in cfg.memories:
            members |= ports(cfg, "table")
        for number in range(cfg.adders if outside else 0):
            for kind in Lane.stores(cfg):
                own = ports(cfg, kind).items()
                members |= {f"lane{number}_{name}": member for name, member in own}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.sequencer = sequencer = Sequencer(cfg)
        control: Any = Signal(control_layout(cfg))
        lanes = [Once("lane", Lane, cfg, self.outside) for _ in range(cfg.adders)]
        for number, lane in enumerate(lanes):
            m.submodules[f"lane{number}"] = lane
            for kind in Lane.stores(cfg) if self.outside else ():
                for name in ports(cfg, kind):
                    own = getattr(self, f"lane{number}_{name}")
                    wiring.connect(m, wiring.flipped(own), getattr(lane, name))
            m.d.comb += Value.cast(lane.control).eq(Value.cast(control))
        # Between two batches nothing is loaded, computed or leaving: then a table may come.
        place = Signal(range(cfg.neurons))
        computing, leaving = Signal(), Signal()
        between = ~computing & ~leaving & ~place.any()
        if cfg.engine == "general":
            row, loaded = self._edges(m, sequencer, control)
        else:
            row, loaded = self._table(m, sequencer, between & ~self.y0.valid)
        self._load(m, sequencer, control, lanes, place, ~computing & ~leaving & loaded)
        with m.If(sequencer.start):
            m.d.sync += computing.eq(1)
        with m.If(sequencer.done):
            m.d.sync += [computing.eq(0), leaving.eq(1)]
        address, moves = self._leave(m, lanes, leaving, place)
        self._add(m, sequencer, control, row)
        with m.If(leaving):
            m.d.comb += [control.read.eq(address), control.reads.eq(moves)]
        return m

    def _table(self, m: Module, sequencer: Sequencer, between: Value) -> tuple[Value, Value]:
        """Describe the table of members; return the neuron addressed, and whether it is loaded."""
        cfg = self.cfg
        read, write = store(m, self, cfg, "table", self.outside)
        place, loaded = Signal(range(cfg.table_words)), Signal()
        taken, ends = Signal(), Signal()
        word, ready = self.members.payload, ~loaded | between
        m.d.comb += [
            read.addr.eq(sequencer.table),
            self.members.ready.eq(ready),
            taken.eq(self.members.valid & ready),
            ends.eq(place == cfg.table_words - 1),
            write.addr.eq(place),
            write.data.eq(word.neuron),
            write.en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += whole(word.last, ends, place, loaded, self.misloaded)
        return read.data, loaded

    def _edges(
        self, m: Module, sequencer: Sequencer, control: data.View
    ) -> tuple[Value, Value | int]:
        """Describe the way of an edge to its addition; return its row, a cycle after it came."""
        cfg, edge = self.cfg, self.edges.payload
        one, two, three = (
            Signal(edge_layout(cfg), name=name) for name in ("edge", "edge_addressed", "edge_read")
        )
        m.d.sync += [one.eq(edge), two.eq(one), three.eq(two)]
        m.d.comb += [
            sequencer.edge.eq(self.edges.valid),
            sequencer.edge_last.eq(edge.last | edge.none),
            self.edges.ready.eq(sequencer.wants),
            control.shift.eq(three.shift),
            control.negative.eq(three.negative),
            control.none.eq(three.none),
        ]
        with m.If(sequencer.addition.go):
            m.d.sync += self.unmarked.eq(self.unmarked | (edge.none & ~edge.last))
        return one.row, Const(1)

    def _load(
        self,
        m: Module,
        sequencer: Sequencer,
        control: data.View,
        lanes: list[Once],
        place: Signal,
        ready: Value,
    ) -> None:
        """Describe how a batch is loaded, into the bank that the first layer reads."""
        cfg, word = self.cfg, self.y0.payload
        taken, ends, large = Signal(), Signal(), Signal(cfg.adders)
        ceiling = CEILING << cfg.fraction
        m.d.comb += [
            self.y0.ready.eq(ready),
            taken.eq(self.y0.valid & ready),
            ends.eq(place == cfg.neurons - 1),
            sequencer.start.eq(taken & ends & word.last),
            control.load.eq(taken),
        ]
        for number, lane in enumerate(lanes):
            m.d.comb += [
                large[number].eq(word.y[number] > ceiling),
                lane.word.eq(Mux(large[number], ceiling, word.y[number])),
            ]
        with m.If(taken):
            m.d.comb += control.write.eq(place)
            m.d.sync += [
                place.eq(Mux(ends | word.last, 0, place + 1)),
                self.misfit.eq(self.misfit | (ends != word.last)),
                self.too_large.eq(self.too_large | large.any()),
            ]

    def _leave(
        self, m: Module, lanes: list[Once], leaving: Signal, place: Signal
    ) -> tuple[Value, Value]:
        """Describe how results leave; return what is read, and whether it is."""
        cfg = self.cfg
        m.submodules.stage = stage = Stage(result_layout(cfg))
        there, ends, moves, finished = Signal(), Signal(), Signal(), Signal()
        active, seen = Signal(cfg.adders), Signal(cfg.adders)
        m.d.comb += [
            moves.eq(leaving & (~there | stage.i.ready)),
            active.eq(seen | Cat(lane.y.any() for lane in lanes)),
            stage.i.valid.eq(there),
            stage.i.payload.active.eq(active),
            stage.i.payload.last.eq(ends),
        ]
        for number, lane in enumerate(lanes):
            m.d.comb += stage.i.payload.y[number].eq(lane.y)
        with m.If(moves):
            final = place == cfg.neurons - 1
            m.d.sync += [there.eq(~finished), ends.eq(final)]
            with m.If(~finished):
                m.d.sync += [place.eq(place + 1), finished.eq(final)]
            with m.If(there):
                m.d.sync += seen.eq(Mux(ends, 0, active))
                with m.If(ends):
                    m.d.sync += [leaving.eq(0), finished.eq(0)]
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        # Behind a layer of engine class the columns that are equal are held once.
        shown = Signal(cfg.address_bits)
        m.d.comb += shown.eq(place[: cfg.class_bits] if cfg.engine == "class" else place)
        return Cat(shown, Const(cfg.layers % 2, 1)), moves

    def _add(self, m: Module, sequencer: Sequencer, control: data.View, row: Value) -> None:
        """Describe the way of an addition: named, addressed, read, added, stepped on, written."""
        cfg = self.cfg
        way = [Signal(addition_layout(cfg), name=f"addition{k}") for k in range(1, 8)]
        for before, after in zip([sequencer.addition, *way], way, strict=False):
            m.d.sync += after.eq(before)
        named, addressed, read, added, whole, _, written = way
        # Named: the table's neuron is there, or the edge's row. Addressed in the next cycle.
        place, address = Signal(cfg.address_bits), Signal(cfg.address_bits + 1)
        m.d.comb += place.eq(row)
        if cfg.engine == "class":
            with m.If(~named.images):
                m.d.comb += place.eq(row[: cfg.class_bits])
        m.d.sync += address.eq(Cat(place, named.bank))
        m.d.comb += [control.read.eq(address), control.reads.eq(addressed.go)]
        # Read, and then added.
        m.d.comb += [control.add.eq(added.go), control.begin.eq(added.begin)]
        # The sum is whole: a class's is kept, a column's is written two cycles later.
        column: Value = written.go & written.end
        if cfg.engine == "class":
            column = column & written.pairs
            m.d.comb += [
                control.sum.eq(addressed.sum),
                control.from_sums.eq(read.pairs),
                control.keep.eq(whole.go & whole.end & ~whole.pairs),
                control.place.eq(whole.number),
            ]
        # Written, into the other bank.
        m.d.comb += control.put.eq(column)
        with m.If(control.put):
            m.d.comb += control.write.eq(Cat(written.number, ~written.bank))
