"""The controller: patches of a layer as rounds of an array that holds their epitome."""

from typing import Any, NamedTuple

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden.epitome import Config
from nomul.hw.epitome.table import Table, table_layout
from nomul.hw.products.drain import y_layout
from nomul.hw.products.feed import x_layout


class Adder(NamedTuple):
    """What adds an entry's columns: those left, also without the next one, and where that goes."""

    pending: Signal
    others: Signal
    to: Signal
    same: Signal
    before: data.View
    column: Value


class Controller(wiring.Component):
    """Drives an array of ``rows`` x ``cols`` weights once for each round, and adds up its sums.

    After EPIM (arXiv 2311.07620). A vector is taken; each round drives all rows, those of its patch
    with inputs and the others with zero; its sums come back, and each entry of the round adds one
    column per cycle to the outputs. Then the outputs leave. Nothing overlaps:
    ``nomul.golden.epitome.cycles`` says how many cycles that takes.

    Parameters
    ----------
    cfg : :class:`nomul.golden.epitome.Config`
        Sizes and widths.
    y_lanes, y_bits : int
        Sums of a beat of the array, and their bits.

    Members
    -------
    table : ``In(stream.Signature({entry, last}))``
        Entries, in the order of their rounds.
    x : ``In(stream.Signature({x: ArrayLayout(act_bits, 1), last}))``
        Activations in order.
    drive : ``Out(stream.Signature({x: ArrayLayout(act_bits, 1), last}))``
        Activations of the array.
    sums : ``In(stream.Signature({y: ArrayLayout(signed(y_bits), y_lanes), last}))``
        Its sums.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(cfg.y_bits), 1), last}))``
        Outputs in order.
    ready, hold : ``In(1)``
        The array has weights; no vector may begin.
    idle, loaded : ``Out(1)``
        No vector is under way; a table is there.
    long, wrong, refused, x_short, x_long, gap : ``Out(1)``
        Strobes, in the order of ``nomul.golden.epitome.FLAGS``.
    """

    table: stream.Interface
    x: stream.Interface
    drive: stream.Interface
    sums: stream.Interface
    y: stream.Interface

    STROBES = ("long", "wrong", "refused", "x_short", "x_long", "gap")

    def __init__(self, cfg: Config, y_lanes: int, y_bits: int):
        self.cfg, self.y_lanes, self.y_bits = cfg, y_lanes, y_bits
        acts = stream.Signature(x_layout(1, cfg.act_bits))
        super().__init__(
            {
                "table": In(stream.Signature(table_layout(cfg))),
                "x": In(acts),
                "drive": Out(acts),
                "sums": In(stream.Signature(y_layout(y_lanes, y_bits))),
                "y": Out(stream.Signature(y_layout(1, cfg.y_bits))),
                "ready": In(1),
                "hold": In(1),
                "idle": Out(1),
                "loaded": Out(1),
            }
            | {name: Out(1) for name in self.STROBES}
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.table = table = Table(cfg)
        wiring.connect(m, wiring.flipped(self.table), table.table)
        acts: Memory = Memory(shape=unsigned(cfg.act_bits), depth=max(2, cfg.inputs), init=[])
        m.submodules.acts = acts
        outs: Memory = Memory(shape=unsigned(cfg.y_bits), depth=max(2, cfg.outputs), init=[])
        m.submodules.outs = outs
        ports = {
            "put": acts.write_port(),
            "get": acts.read_port(domain="comb"),
            "store": outs.write_port(),
            "fetch": outs.read_port(domain="comb"),
        }
        place = Signal(range(max(2, cfg.inputs, cfg.rows, cfg.outputs)))
        written = Signal(cfg.outputs)
        m.d.comb += [
            self.loaded.eq(table.loaded),
            self.long.eq(table.long),
            self.wrong.eq(table.wrong),
            table.idle.eq(self.idle),
        ]
        kept = Signal(data.ArrayLayout(signed(self.y_bits), cfg.cols), reset_less=True)
        adder, self._skip = self._adder(m, table, kept), Signal(name="skip")
        with m.FSM() as fsm:
            with m.State("TAKE"):
                self._take(m, table, ports, place, written)
            with m.State("DRIVE"):
                self._drive(m, table, ports, place)
            with m.State("COLLECT"):
                self._collect(m, kept)
            with m.State("PART"):
                self._part(m, table, adder)
            with m.State("ADD"):
                self._add(m, table, ports, adder, written)
            with m.State("LEAVE"):
                self._leave(m, ports, place, written)
        m.d.comb += self.idle.eq(fsm.ongoing("TAKE") & (place == 0) & ~self._skip)
        return m

    def _take(self, m: Module, table: Table, ports: dict, place: Signal, written: Signal) -> None:
        """Take a vector's activations; one that is too short, too long or refused is dropped."""
        cfg, put = self.cfg, ports["put"]
        skip = self._skip
        last, begins, ends = self.x.payload.last, Signal(), Signal()
        taken = Signal(name="x_taken")
        m.d.comb += [
            begins.eq((place == 0) & ~skip),
            ends.eq(place == cfg.inputs - 1),
            self.x.ready.eq(skip | ~(begins & (table.busy | self.hold))),
            taken.eq(self.x.valid & self.x.ready & ~skip),
            self.refused.eq(taken & begins & ~(table.loaded & self.ready)),
            self.x_short.eq(taken & ~self.refused & last & ~ends),
            self.x_long.eq(taken & ~self.refused & ~last & ends),
            put.en.eq(taken),
            put.addr.eq(place),
            put.data.eq(self.x.payload.x),
        ]
        with m.If(skip & self.x.valid & last):
            m.d.sync += skip.eq(0)
        with m.If(taken):
            m.d.sync += place.eq(place + 1)
            with m.If(self.refused | self.x_short | self.x_long):
                m.d.sync += [place.eq(0), skip.eq(~last)]
            with m.Elif(ends):
                m.d.sync += [place.eq(0), written.eq(0), table.at.eq(0)]
                m.next = "DRIVE"

    def _drive(self, m: Module, table: Table, ports: dict, place: Signal) -> None:
        """Drive all rows of the array: inputs where the patch is, zero elsewhere."""
        cfg, entry, get = self.cfg, table.entry, ports["get"]
        within, last = Signal(name="within"), place == cfg.rows - 1
        m.d.comb += [
            within.eq((place >= entry.row) & (place <= entry.row + entry.rows)),
            get.addr.eq(entry.input + place - entry.row),
            self.drive.valid.eq(1),
            self.drive.payload.x[0].eq(Mux(within, get.data, 0)),
            self.drive.payload.last.eq(last),
        ]
        with m.If(self.drive.ready):
            m.d.sync += place.eq(place + 1)
            with m.If(last):
                m.d.sync += place.eq(0)
                m.next = "COLLECT"

    def _collect(self, m: Module, kept: Signal) -> None:
        """Take the array's sums, the first ones at the lowest place in the end."""
        flat, beat = kept.as_value(), self.sums.payload.y.as_value()
        m.d.comb += self.sums.ready.eq(1)
        with m.If(self.sums.valid):
            joined = beat if len(beat) == len(flat) else None
            if joined is None:
                m.d.sync += flat.eq((beat << (len(flat) - len(beat))) | (flat >> len(beat)))
            else:
                m.d.sync += flat.eq(joined)
            with m.If(self.sums.payload.last):
                m.next = "PART"

    def _adder(self, m: Module, table: Table, kept: Signal) -> Adder:
        """Describe which column is next, and whether the next entry shares the round."""
        cfg = self.cfg
        names = "input", "row", "rows"
        kind = data.StructLayout({name: table.entry[name].shape() for name in names})
        before: Any = Signal(kind, name="before", reset_less=True)
        pending, others = Signal(cfg.cols, name="pending"), Signal(cfg.cols, name="others")
        to = Signal(range(max(2, cfg.outputs)), name="to")
        column, same = Signal(range(max(2, cfg.cols))), Signal(name="same_round")
        for number in reversed(range(cfg.cols)):
            with m.If(pending[number]):
                m.d.comb += column.eq(number)
        m.d.comb += [
            others.eq(pending & (pending - 1)),
            same.eq(Cat(table.entry[name] == before[name] for name in names).all()),
        ]
        return Adder(pending, others, to, same, before, Array(kept)[column])

    def _part(self, m: Module, table: Table, adder: Adder) -> None:
        """Begin with an entry."""
        m.d.sync += [adder.pending.eq(table.entry.mask), adder.to.eq(table.entry.output)]
        m.d.sync += [adder.before[n].eq(table.entry[n]) for n in ("input", "row", "rows")]
        m.d.sync += table.at.eq(table.at + 1)
        m.next = "ADD"

    def _add(self, m: Module, table: Table, ports: dict, adder: Adder, written: Signal) -> None:
        """Add one column to its output, and see what comes behind the last of an entry."""
        store, fetch, to = ports["store"], ports["fetch"], adder.to
        so_far = Mux(written.bit_select(to, 1), fetch.data.as_signed(), 0)
        m.d.comb += [
            fetch.addr.eq(to),
            store.addr.eq(to),
            store.en.eq(1),
            store.data.eq(so_far + adder.column),
        ]
        m.d.sync += [adder.pending.eq(adder.others), to.eq(to + 1)]
        m.d.sync += written.bit_select(to, 1).eq(1)
        with m.If(~adder.others.any()):
            with m.If(table.at == table.count):
                m.next = "LEAVE"
            with m.Elif(adder.same):
                m.next = "PART"
            with m.Else():
                m.next = "DRIVE"

    def _leave(self, m: Module, ports: dict, place: Signal, written: Signal) -> None:
        """Offer the outputs; one that no entry reached is zero."""
        cfg, fetch = self.cfg, ports["fetch"]
        there, last = written.bit_select(place, 1), place == cfg.outputs - 1
        m.d.comb += [
            fetch.addr.eq(place),
            self.y.valid.eq(1),
            self.y.payload.y[0].eq(Mux(there, fetch.data.as_signed(), 0)),
            self.y.payload.last.eq(last),
            self.gap.eq(self.y.ready & ~there),
        ]
        with m.If(self.y.ready):
            m.d.sync += place.eq(place + 1)
            with m.If(last):
                m.d.sync += place.eq(0)
                m.next = "TAKE"
