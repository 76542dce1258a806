"""Additions in the order of the engine, one per cycle, for all lanes at once."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.spdnn import Config, shift
from nomul.golden.spdnn.config import DRAIN, GROUP, MEMBERS
from nomul.hw.configured import Configured, Ports


def addition_layout(cfg: Config) -> data.StructLayout:
    """Return what is known of an addition when it is named.

    ``go``: there is one; ``begin`` and ``end``: it is the first, or the last, of its sum;
    ``number``: whose sum it is, a column's or a class's; ``bank``: the bank of activations that the
    layer reads; ``images``: the layer is the first; ``pairs``: it takes class ``sum``'s sum.
    """
    return data.StructLayout(
        {
            "go": unsigned(1),
            "begin": unsigned(1),
            "end": unsigned(1),
            "number": unsigned(cfg.address_bits),
            "bank": unsigned(1),
            "images": unsigned(1),
            "pairs": unsigned(1),
            "sum": unsigned(cfg.class_bits),
        }
    )


class Sequencer(Configured[Config]):
    """Counts through the layers and names one addition per cycle.

    An engine's layer is one pass or two: ``edge`` and ``general`` visit the columns, edge by edge;
    ``class`` adds the 16 members of each class, and then two classes for each column. Between
    passes five cycles go by, until what was written last can be read.

    Members
    -------
    start : ``In(1)``
        All images are there; the first addition is named in the next cycle.
    edge, edge_last : ``In(1)``
        With engine ``general``: an edge is offered, and it is its column's last.
    wants : ``Out(1)``
        An edge is taken if it is offered.
    addition : ``Out(addition_layout(cfg))``
        What is added in this cycle.
    table : ``Out``
        Address in the table of members, of the activation that is added.
    done : ``Out(1)``
        The last pass is over in this cycle.
    """

    start: Signal
    edge: Signal
    edge_last: Signal
    wants: Signal
    addition: data.View
    table: Signal
    done: Signal

    def ports(self, cfg: Config) -> Ports:
        return {
            "start": In(1),
            "edge": In(1),
            "edge_last": In(1),
            "wants": Out(1),
            "addition": Out(addition_layout(cfg)),
            "table": Out(range(cfg.table_words)),
            "done": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m, addition = self.cfg, Module(), self.addition
        layer, pairs = Signal(range(max(2, cfg.layers))), Signal()
        number = Signal(cfg.address_bits)
        busy, drain = Signal(), Signal(range(DRAIN + 1))
        m.d.comb += [
            self.wants.eq(busy & ~drain.any()),
            addition.number.eq(number),
            addition.bank.eq(layer[0]),
            addition.images.eq(layer == 0),
            addition.pairs.eq(pairs),
        ]
        # Columns within the pass; the last addition of a pass is the last one of its last sum.
        last, over, ended = Signal(), Signal(), Signal()
        final = number[: cfg.class_bits].all() if cfg.engine == "class" else number.all()
        m.d.comb += [last.eq(addition.go & addition.end & final), over.eq(drain == 1)]
        with m.If(addition.go & addition.end):
            m.d.sync += number.eq(Mux(final, 0, number + 1))
        with m.If(last):
            m.d.sync += drain.eq(DRAIN)
        with m.Elif(drain.any()):
            m.d.sync += drain.eq(drain - 1)
        # Passes within the layer, layers within the network.
        if cfg.engine == "class":
            m.d.comb += ended.eq(over & pairs)
            m.d.sync += pairs.eq(pairs ^ over)
        else:
            m.d.comb += ended.eq(over)
        m.d.comb += self.done.eq(ended & (layer == cfg.layers - 1))
        with m.If(ended):
            m.d.sync += layer.eq(Mux(self.done, 0, layer + 1))
        with m.If(self.start):
            m.d.sync += busy.eq(1)
        with m.Elif(self.done):
            m.d.sync += busy.eq(0)
        if cfg.engine == "general":
            self._edges(m)
        else:
            self._members(m, ended)
        return m

    def _edges(self, m: Module) -> None:
        """Describe additions that are edges of a stream."""
        addition, begun = self.addition, Signal()
        m.d.comb += [
            addition.go.eq(self.wants & self.edge),
            addition.begin.eq(~begun),
            addition.end.eq(self.edge_last),
        ]
        with m.If(addition.go):
            m.d.sync += begun.eq(~self.edge_last)

    def _members(self, m: Module, ended: Signal) -> None:
        """Describe additions of classes' members, and of the sums of classes."""
        cfg, addition = self.cfg, self.addition
        pairs, bits = addition.pairs, cfg.class_bits
        # Which map the layer has, and how far apart the two classes of its columns are.
        group, within = Signal(range(max(2, cfg.groups))), Signal(range(GROUP))
        turns = within == GROUP - 1
        with m.If(ended):
            m.d.sync += [
                within.eq(Mux(self.done | turns, 0, within + 1)),
                group.eq(Mux(self.done, 0, group + turns)),
            ]
        distances = [shift(n + 1, cfg.neurons) for n in range(GROUP)]
        apart = Array(Const(d, bits) for d in distances)[within]
        # Members within a sum: 32 of two classes, or 16 of one; or the two sums of a column.
        each = MEMBERS if cfg.engine == "class" else 2 * MEMBERS
        member = Signal(range(each))
        m.d.comb += [
            addition.go.eq(self.wants),
            addition.begin.eq(member == 0),
            addition.end.eq(Mux(pairs, member == 1, member == each - 1)),
        ]
        with m.If(addition.go):
            m.d.sync += member.eq(Mux(addition.end, 0, member + 1))
        own, second = addition.number[:bits], Signal(bits)
        m.d.comb += second.eq(own + apart)
        place = member[: MEMBERS.bit_length() - 1]
        if cfg.engine == "class":
            m.d.comb += addition.sum.eq(Mux(member[0], second, own))
            source: Value = own
        else:
            source = Mux(member[-1], second, own)
        m.d.comb += self.table.eq(Cat(place, source[:bits], group))
