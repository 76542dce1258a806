"""SP-IMC, the sparse in-memory-compute macro: commands, loader, activations and columns.

One file, since commands, sequencer and columns serve one product.
"""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spimc import FORMATS, Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.skid import Stage
from nomul.hw.spimc.column import Column
from nomul.hw.spimc.layouts import (
    NOTES,
    add_layout,
    column_bits,
    command_layout,
    flags_layout,
    lane_bits,
    select_layout,
    slot_bits,
    step_bits,
    tile_layout,
    weight_layout,
    x_layout,
    y_layout,
)
from nomul.hw.spimc.loader import Loader
from nomul.hw.spimc.rows import Buffer, Rows, address_bits
from nomul.hw.spimc.serial import SerialColumn


class Sequencer(Configured[Config]):
    """Counts planes, steps and, where they are read one by one, slots of one pass.

    One step per cycle; ``select`` and ``add`` come one cycle after ``offset``.

    Members
    -------
    run : ``In(1)``
        A step is issued in this cycle.
    tile : ``In(tile_layout())``, pass_base : ``In``, later : ``In(1)``
        The tile at work, the first row of this pass, and whether there was one before.
    offset : ``Out``
        First row of the step within a group. ``row``: the slot to read; ``base``: its group's row.
    rotate, ends : ``Out(1)``
        This step ends its plane; it ends the pass.
    select : ``Out(select_layout(cfg))``, add : ``Out(add_layout())``
        For the columns, and for their accumulators if the tree had no registers.
    """

    def ports(self, cfg: Config) -> Ports:
        address = unsigned(address_bits(cfg))
        return {
            "run": In(1),
            "tile": In(tile_layout()),
            "pass_base": In(address),
            "later": In(1),
            "offset": Out(address),
            "row": Out(range(max(2, cfg.slots))),
            "base": Out(address),
            "rotate": Out(1),
            "ends": Out(1),
            "select": Out(select_layout(cfg)),
            "add": Out(add_layout()),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m, tile = self.cfg, Module(), self.tile
        code = {name: tile.format == FORMATS.index(name) for name in FORMATS}
        lanes = lane_bits(cfg)
        serial = cfg.store == "rowserial"
        step, plane, extent = Signal(step_bits(cfg)), Signal(4), Signal(9)
        step_last, plane_last, row_last, last = Signal(), Signal(), Signal(), Signal()
        # How many steps a plane takes: as many as the largest index needs groups of lanes.
        with m.If(code["dense"]):
            m.d.comb += extent.eq(0)
        with m.Elif(code["rl"]):
            m.d.comb += extent.eq(tile.length - 1)
        with m.Elif(code["nm"]):
            m.d.comb += extent.eq((tile.group - 1) >> lanes)
        with m.Else():
            m.d.comb += extent.eq((tile.length - 1) >> lanes)
        # Three counters, one inside the other: rows of a serial store, steps, bit planes.
        m.d.comb += [
            step_last.eq(step == extent),
            plane_last.eq(plane == tile.act_bits - 1),
            row_last.eq(self.row == cfg.slots - 1 if serial else 1),
            last.eq(step_last & row_last),
            self.rotate.eq(self.run & last),
            self.ends.eq(self.rotate & plane_last),
            self.offset.eq(Mux(code["rl"], step, step << lanes)),
        ]
        with m.If(self.run):
            if serial:
                m.d.sync += self.row.eq(Mux(row_last, 0, self.row + 1))
            with m.If(row_last):
                m.d.sync += step.eq(Mux(step_last, 0, step + 1))
            with m.If(last):
                m.d.sync += plane.eq(Mux(plane_last, 0, plane + 1))
        if serial:
            self._groups(m, row_last, code)

        # Steps beyond the range of an index match nothing; only large groups have them.
        beyond = (step >> max(0, cfg.ib - lanes)).any() & ~code["rl"]
        begins = (step == 0) & (self.row == 0)
        m.d.sync += [
            self.select.valid.eq(self.run & ~beyond),
            self.select.last.eq(last),
            self.select.step.eq(step),
            self.select.row.eq(self.row),
            self.select.row_last.eq(row_last),
            self.select.rl.eq(code["rl"]),
            self.select.dense.eq(code["dense"]),
            self.add.valid.eq(self.run),
            self.add.first.eq(begins & (plane == 0)),
            self.add.double.eq(begins & (plane != 0)),
            self.add.negate.eq(tile.x_signed & (plane == 0)),
            self.add.carry.eq(self.later),
        ]
        return m

    def _groups(self, m: Module, row_last: Signal, code: dict) -> None:
        """Describe the group of the slot that is read; slots are read in order."""
        tile, member, within = self.tile, Signal(9), Signal(address_bits(self.cfg))
        m.d.comb += self.base.eq(Mux(code["dense"], self.pass_base + within, within))
        with m.If(self.run & row_last):
            m.d.sync += [member.eq(0), within.eq(0)]
        with m.Elif(self.run & code["dense"]):
            m.d.sync += within.eq(within + 1)
        with m.Elif(self.run & code["nm"]):
            m.d.sync += member.eq(member + 1)
            with m.If(member + 1 == tile.nnz_per_group):
                m.d.sync += [member.eq(0), within.eq(within + tile.group)]


class Top(wiring.Component):
    """Multiplies vectors by a stored sparse tile: y_c = sum_k dense[k, c] x_k.

    One index comparator per slot serves all formats; activations pass bit plane by bit plane, the
    most significant first. A product takes ``cfg.cycles(tile)`` cycles from its first plane to the
    finished accumulators, ``cfg.latency`` of them in registers; before, ``length`` activations come
    in, and after, C sums go out.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spimc.Config`
        Geometry, formats, storage, and whether malformed entries invalidate a tile.

    Members
    -------
    command : ``In(stream.Signature(command_layout()))``
        Open a tile, start a product, clear the errors; taken while no product is at work.
    weight : ``In(stream.Signature(weight_layout(cfg)))``
        Entries, column by column; ``last`` ends one, an empty column is one ``null`` entry. Dense
        tiles with more rows than slots come in several passes, the later ones during the product.
    x : ``In(stream.Signature(x_layout(cfg)))``
        Activations of a product, ``last`` on the last; taken after a start.
    y : ``Out(stream.Signature(y_layout(cfg)))``
        C sums, column 0 first, equal to ``nomul.golden.spimc.model``.
    loading : ``Out(1)``
        Entries are awaited.
    loaded : ``Out(1)``
        A tile may be started.
    busy : ``Out(1)``
        A product is at work.
    done : ``Out(1)``
        A product has left, and no other tile or product has begun.
    errors : ``Out(flags_layout())``
        Sticky until cleared, see :data:`nomul.golden.spimc.FLAGS`.
    error_column, error_slot : ``Out``
        Where the first error was found.
    cycles : ``Out(32)``
        Cycles that the last product computed.

    Limits
    ------
    The memory array is made of flip-flops, of black boxes, or of block RAM; bit cells, sense
    amplifiers and their energy are not modelled.
    """

    notes = NOTES

    command: stream.Interface
    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        # For proofs: sums leave; an entry or header is refused; the tile has had one; the loader
        # does not do two things at once.
        self.giving, self.refused, self.tile_bad = Signal(), Signal(), Signal()
        self.one_phase = Signal()
        super().__init__(
            {
                "command": In(stream.Signature(command_layout())),
                "weight": In(stream.Signature(weight_layout(cfg))),
                "x": In(stream.Signature(x_layout(cfg))),
                "y": Out(stream.Signature(y_layout(cfg))),
                "loading": Out(1),
                "loaded": Out(1),
                "busy": Out(1),
                "done": Out(1),
                "errors": Out(flags_layout()),
                "error_column": Out(column_bits(cfg)),
                "error_slot": Out(slot_bits(cfg)),
                "cycles": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.loader = loader = Loader(cfg)
        m.submodules.buffer = buffer = Buffer(cfg)
        m.submodules.rows = rows = Rows(cfg)
        m.submodules.sequencer = sequencer = Sequencer(cfg)
        wiring.connect(m, loader.weight, wiring.flipped(self.weight))
        opens, starts, clears = Signal(), Signal(), Signal()
        taken, op = self.command.valid & self.command.ready, self.command.payload.op
        m.d.comb += [
            self.command.ready.eq(~self.busy),
            opens.eq(taken & (op == 0)),
            starts.eq(taken & (op == 1)),
            clears.eq(taken & (op == 2)),
            loader.open.eq(opens),
            loader.header.eq(self.command.payload.tile),
            self.loading.eq(loader.loading),
            self.loaded.eq(loader.loaded),
            sequencer.tile.eq(loader.tile),
            sequencer.pass_base.eq(loader.pass_base),
            sequencer.later.eq(loader.later),
            rows.set_base.eq(loader.set_base),
            rows.slot.eq(loader.base_slot),
            rows.base.eq(sequencer.base if cfg.store == "rowserial" else loader.base),
            rows.enable.eq(sequencer.run),
            rows.offset.eq(sequencer.offset),
            rows.rl.eq(loader.tile.format == FORMATS.index("rl")),
            rows.plane.eq(buffer.plane),
        ]
        wrong_length = self._control(m, loader, buffer, sequencer, starts, opens)
        self._errors(m, loader, starts, clears, wrong_length)
        return m

    def _control(
        self,
        m: Module,
        loader: Any,
        buffer: Any,
        sequencer: Any,
        starts: Value,
        opens: Value,
    ) -> Signal:
        """Describe a product's way from start to the last sum; return E_XLAST."""
        cfg, tile = self.cfg, loader.tile
        place, wrong = Signal(9), Signal()
        turned, waited = Signal(4), Signal(range(cfg.latency + 1))
        column = Signal(range(max(2, cfg.columns)))
        out = self._columns(m, loader, sequencer, column)
        m.d.comb += [
            buffer.x.eq(self.x.payload.x << (cfg.act_bits - tile.act_bits)[:3]),
            buffer.place.eq(place),
            buffer.rotate.eq(sequencer.rotate),
        ]
        # Fill the buffer, run all planes, reload for each further pass, drain, give sums by column.
        with m.FSM() as fsm:
            m.d.comb += [
                self.busy.eq(~fsm.ongoing("IDLE")),
                self.giving.eq(fsm.ongoing("GIVE") | fsm.ongoing("LEAVE")),
            ]
            with m.State("IDLE"):
                with m.If(opens):
                    m.d.sync += self.done.eq(0)
                with m.If(starts):
                    m.d.sync += self.done.eq(0)
                    m.d.comb += loader.cancel.eq(loader.loading)
                    with m.If(loader.loaded):
                        m.d.sync += [self.cycles.eq(0), place.eq(0)]
                        m.next = "FILL"
            with m.State("FILL"):
                short = self.x.payload.last != (place == tile.length - 1)
                m.d.comb += [
                    self.x.ready.eq(1),
                    buffer.enable.eq(self.x.valid & (place < tile.length)),
                ]
                with m.If(self.x.valid):
                    m.d.sync += place.eq(place + (place < tile.length))
                    m.d.comb += wrong.eq(short)
                    with m.If(self.x.payload.last):
                        m.next = "RUN"
                        with m.If(short):
                            m.next = "IDLE"
            with m.State("RUN"):
                m.d.comb += sequencer.run.eq(1)
                m.d.sync += self.cycles.eq(self.cycles + 1)
                with m.If(sequencer.ends):
                    m.d.sync += [turned.eq(tile.act_bits), waited.eq(1)]
                    m.next = "DRAIN"
                    with m.If(~loader.last_pass):
                        m.d.comb += loader.again.eq(1)
                        m.next = "RELOAD"
            with m.State("RELOAD"):
                with m.If(turned != cfg.act_bits):
                    m.d.comb += buffer.rotate.eq(1)
                    m.d.sync += turned.eq(turned + 1)
                with m.Elif(~loader.loading):
                    m.next = "IDLE"
                    with m.If(loader.loaded):
                        m.next = "RUN"
            with m.State("DRAIN"):
                m.d.sync += [self.cycles.eq(self.cycles + 1), waited.eq(waited + 1)]
                with m.If(waited == cfg.latency):
                    m.d.sync += column.eq(0)
                    # The slots hold the last pass only.
                    m.d.comb += loader.cancel.eq(loader.later)
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += out.i.valid.eq(1)
                with m.If(out.i.ready):
                    m.d.sync += column.eq(column + 1)
                    with m.If(out.i.payload.last):
                        m.next = "LEAVE"
            with m.State("LEAVE"), m.If(~self.y.valid | self.y.ready):
                m.d.sync += self.done.eq(1)
                m.next = "IDLE"
        return wrong

    def _columns(self, m: Module, loader: Loader, sequencer: Sequencer, number: Signal) -> Stage:
        """Describe the columns; return the register that their sums leave through."""
        cfg, add, sums, totals = self.cfg, sequencer.add, [], []
        for level in range(cfg.tree_regs):
            delayed = Signal(add_layout(), name=f"add{level}")
            m.d.sync += delayed.eq(add)
            add = delayed
        for c in range(cfg.columns):
            kind = SerialColumn if cfg.store == "rowserial" else Column
            m.submodules[f"column{c}"] = column = Once("column", kind, cfg)
            m.d.comb += [
                column.chosen.eq(loader.write_column == c),
                column.write.eq(loader.write),
                column.select.eq(sequencer.select),
                column.add.eq(add),
                column.bundle.eq(m.submodules.rows.bundle),
            ]
            if cfg.store == "rowserial":
                m.d.comb += column.row.eq(sequencer.row)
            sums.append(column.acc)
            totals.append(column.total)
        m.submodules.out = out = Stage(y_layout(cfg))
        wiring.connect(m, out.o, wiring.flipped(self.y))
        m.d.comb += [
            out.i.payload.y.eq(Array(sums)[number] + Array(totals)[number]),
            out.i.payload.last.eq(number == cfg.columns - 1),
        ]
        return out

    def _errors(
        self, m: Module, loader: Loader, starts: Signal, clears: Signal, wrong_length: Signal
    ) -> None:
        """Describe the sticky flags and the place of the first."""
        now = Signal(flags_layout())
        m.d.comb += [
            now.eq(loader.error),
            now.E_TRUNC.eq(starts & loader.loading),
            now.E_NOTLOADED.eq(starts & ~loader.loading & ~loader.loaded),
            now.E_XLAST.eq(wrong_length),
            self.refused.eq(loader.error.as_value().any()),
            self.tile_bad.eq(loader.bad | ~loader.usable),
            self.one_phase.eq(~(loader.setup & loader.active)),
        ]
        raised = Cat(now.as_value()).any()
        known = self.errors.as_value().any() & ~clears
        with m.If(clears):
            m.d.sync += self.errors.eq(now)
        with m.Elif(raised):
            m.d.sync += self.errors.eq(self.errors.as_value() | now.as_value())
        with m.If(raised & ~known):
            place = now.E_NOTLOADED | now.E_XLAST | now.E_HDR
            m.d.sync += [
                self.error_column.eq(Mux(place, Const(0), loader.column)),
                self.error_slot.eq(Mux(place, Const(0), loader.slot)),
            ]
