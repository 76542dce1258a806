"""Loads the SP-IMC macro: reads a tile's weights, and checks every entry with O(1) state.

One file, since the checks of an entry share state with the counters that place it.
"""

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spimc import FORMATS, Config, bits_for
from nomul.golden.spimc.config import Format
from nomul.hw.spimc.layouts import (
    column_bits,
    flags_layout,
    slot_bits,
    tile_layout,
    weight_layout,
    write_layout,
)
from nomul.hw.spimc.rows import address_bits


def header_legal(m: Module, cfg: Config, tile: data.View) -> Signal:
    """Return whether the macro can read such a tile; the opposite of E_HDR."""
    code = {name: tile.format == FORMATS.index(name) for name in FORMATS}
    group, nnz = tile.group, tile.nnz_per_group
    power, legal = Signal(), Signal()
    m.d.comb += [
        power.eq(((group & (group - 1))[: len(group)] == 0) & (group != 0)),
        legal.eq(
            Cat(code[name] for name in cfg.formats).any()
            & (tile.act_bits >= 1)
            & (tile.act_bits <= cfg.act_bits)
            & (tile.length >= 1)
            & (tile.length <= cfg.window)
            & (~code["nm"] | (power & (group <= cfg.max_group) & (nnz >= 1) & (nnz <= group)))
            & (~code["rl"] | (tile.run_bits <= cfg.ib))
        ),
    ]
    return legal


def lowest_one(m: Module, bits: Value) -> tuple[Signal, Signal]:
    """Return the number of the lowest set bit, and the word without it."""
    alone, rest = Signal(len(bits)), Signal(len(bits))
    m.d.comb += [rest.eq(bits & (bits - 1)), alone.eq(bits & ~rest)]
    number = Signal(max(1, bits_for(len(bits))))
    for j in range(bits_for(len(bits))):
        of_weight = [alone[i] for i in range(len(bits)) if (i >> j) & 1]
        m.d.comb += number[j].eq(Cat(of_weight).any())
    return number, rest


class Loader(wiring.Component):
    """Takes a tile's entries column by column, checks them, and writes them into the columns.

    Latency is one cycle from an entry to ``write``; one entry per cycle, after the R cycles in
    which slots learn their groups.

    Parameters
    ----------
    cfg : :class:`nomul.golden.spimc.Config`
        Geometry, formats, and whether an error invalidates the tile.

    Members
    -------
    open : ``In(1)``, header : ``In(tile_layout())``
        Begin a tile; what was there before is gone.
    again : ``In(1)``
        Begin the next pass of a dense tile.
    cancel : ``In(1)``
        Forget the tile.
    weight : ``In(stream.Signature(weight_layout(cfg)))``
        Entries; a bitmap column begins with its bits.
    tile : ``Out(tile_layout())``
        The header in force.
    loading, loaded : ``Out(1)``
        Entries are awaited; a tile may be started.
    last_pass : ``Out(1)``
        No further pass is needed. ``later``: this is not the first one.
    write : ``Out(write_layout(cfg))``, write_column : ``Out``
        An entry for one of the columns.
    set_base : ``Out(1)``, base_slot, base : ``Out``
        The first row of a slot's group.
    error : ``Out(flags_layout())``, column, slot : ``Out``
        What this cycle's entry is guilty of, and its place.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.usable, self.bad = Signal(), Signal()  # a legal header; an entry that broke a rule
        self.setup, self.active = Signal(), Signal()  # slots learn their groups; entries come
        super().__init__(
            {
                "open": In(1),
                "header": In(tile_layout()),
                "again": In(1),
                "cancel": In(1),
                "weight": In(stream.Signature(weight_layout(cfg))),
                "tile": Out(tile_layout()),
                "loading": Out(1),
                "loaded": Out(1),
                "last_pass": Out(1),
                "later": Out(1),
                "pass_base": Out(address_bits(cfg)),
                "write": Out(write_layout(cfg)),
                "write_column": Out(column_bits(cfg)),
                "set_base": Out(1),
                "base_slot": Out(range(cfg.slots + 1)),
                "base": Out(address_bits(cfg)),
                "error": Out(flags_layout()),
                "column": Out(column_bits(cfg)),
                "slot": Out(slot_bits(cfg)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        tile, weight = self.tile, self.weight.payload
        has = {name: Signal(name=f"is_{name}") for name in FORMATS}
        for name in cfg.formats:
            m.d.comb += has[name].eq(tile.format == FORMATS.index(name))

        usable, bad = self.usable, self.bad
        legal = header_legal(m, cfg, self.header)
        entry, header_beat, ends = Signal(), Signal(), Signal()
        setup, active = self.setup, self.active
        reading = Signal()  # the bits of a bitmap column
        m.d.comb += [
            self.loading.eq(setup | active),
            self.weight.ready.eq(active & ~(self.open | self.cancel)),
            header_beat.eq(self.weight.valid & self.weight.ready & reading),
            entry.eq(self.weight.valid & self.weight.ready & ~reading),
            ends.eq(entry & (weight.last | weight.null)),
            self.last_pass.eq(~has["dense"] | (self.pass_base + cfg.slots >= tile.length)),
        ]

        bits = self._bitmap(m, header_beat, entry, reading)
        fault = self._check(m, has, bits, entry, usable)
        self._groups(m, has, setup)

        # What a slot stores as its index: row, run length, or nothing where storage is dense.
        stored = Signal(cfg.ib)
        with m.If(has["bitmap"]):
            m.d.comb += stored.eq(bits[0])
        with m.Elif(has["rl"]):
            m.d.comb += stored.eq(weight.index & ((1 << tile.run_bits) - 1))
        with m.Elif(~has["dense"]):
            m.d.comb += stored.eq(weight.index)
        fits = self.slot != cfg.slots
        m.d.sync += [
            self.write.enable.eq(entry & ~weight.null & fits),
            self.write.slot.eq(self.slot),
            self.write.value.eq(Mux(fault, 0, weight.value)),
            self.write.index.eq(stored),
            self.write.commit.eq(ends),
            self.write.count.eq(self.slot + (~weight.null & fits)),
            self.write_column.eq(self.column),
        ]

        # Entries fill the slots of a column, and the last column makes the tile loaded.
        with m.If(entry):
            m.d.sync += self.slot.eq(Mux(ends, 0, self.slot + fits))
            m.d.sync += bad.eq(bad | fault)
            with m.If(ends):
                m.d.sync += [self.column.eq(self.column + 1), reading.eq(has["bitmap"] & usable)]
                with m.If(self.column == cfg.columns - 1):
                    valid = ~(bad | fault) if cfg.strict else 1
                    m.d.sync += [active.eq(0), self.loaded.eq(usable & valid)]

        # A header opens a tile, and a later pass goes on with it; what was loaded is lost.
        with m.If(self.open):
            m.d.sync += [tile.eq(self.header), usable.eq(legal), bad.eq(0), self.later.eq(0)]
            m.d.sync += self.pass_base.eq(0)
        with m.Elif(self.again):
            m.d.sync += [self.later.eq(1), self.pass_base.eq(self.pass_base + cfg.slots)]
        with m.If(self.open | self.again):
            needs_setup = cfg.store != "rowserial"
            m.d.sync += [
                setup.eq(needs_setup),
                active.eq(not needs_setup),
                self.loaded.eq(0),
                self.column.eq(0),
                self.slot.eq(0),
                self.base_slot.eq(0),
            ]
            bitmap = self.header.format == FORMATS.index("bitmap")
            m.d.sync += reading.eq(self.open & legal & bitmap)
        with m.Elif(self.cancel):
            m.d.sync += [setup.eq(0), active.eq(0), self.loaded.eq(0)]
        with m.Elif(setup):
            m.d.sync += self.base_slot.eq(self.base_slot + 1)
            with m.If(self.base_slot == cfg.slots - 1):
                m.d.sync += [setup.eq(0), active.eq(1)]
        with m.If(self.open & ~legal):
            m.d.comb += self.error.E_HDR.eq(1)
        return m

    def _bitmap(
        self, m: Module, beat: Value, entry: Value, reading: Signal
    ) -> tuple[Value, Value, Value]:
        """Describe the reader of bitmaps; return the next row, the bits, and those after it."""
        cfg, weight = self.cfg, self.weight.payload
        if "bitmap" not in cfg.formats:
            return Const(0), Const(0), Const(0)
        bits, low = Signal(cfg.window), Signal(range(cfg.window + cfg.weight_bits + 1))
        number, rest = lowest_one(m, bits)
        with m.If(entry):
            m.d.sync += bits.eq(Mux(weight.last | weight.null, 0, rest))
            m.d.sync += low.eq(0)
        with m.If(beat):
            m.d.sync += low.eq(low + cfg.weight_bits)
            for k in range(cfg.window):
                here = low == k - k % cfg.weight_bits
                with m.If(here & (self.tile.length > k)):
                    m.d.sync += bits[k].eq(weight.value[k % cfg.weight_bits])
            with m.If(low + cfg.weight_bits >= self.tile.length):
                m.d.sync += [reading.eq(0), low.eq(0)]
        with m.If(self.open):
            m.d.sync += [bits.eq(0), low.eq(0)]
        return number, bits, rest

    def _groups(self, m: Module, has: Mapping[Format, Signal], setup: Signal) -> None:
        """Describe how slots learn the first rows of their groups, one slot per cycle."""
        tile, member = self.tile, Signal(9)
        m.d.comb += self.set_base.eq(setup)
        with m.If(self.open):
            m.d.sync += [self.base.eq(0), member.eq(0)]
        with m.Elif(self.again):
            m.d.sync += [self.base.eq(self.pass_base + self.cfg.slots), member.eq(0)]
        with m.Elif(setup):
            with m.If(has["dense"]):
                m.d.sync += self.base.eq(self.base + 1)
            with m.Elif(has["nm"]):
                m.d.sync += member.eq(member + 1)
                with m.If(member + 1 == tile.nnz_per_group):
                    m.d.sync += [member.eq(0), self.base.eq(self.base + tile.group)]

    def _check(
        self,
        m: Module,
        has: Mapping[Format, Signal],
        bits: tuple[Value, Value, Value],
        entry: Value,
        usable: Signal,
    ) -> Signal:
        """Describe the checks; return whether this cycle's entry breaks a rule."""
        cfg, tile, weight = self.cfg, self.tile, self.weight.payload
        index, error = weight.index, self.error
        real, ends = Signal(), Signal()
        previous, follows = Signal(cfg.ib), Signal()  # of the last entry that was accepted
        base, member = Signal(address_bits(cfg) + 1), Signal(9)  # of the group
        row, over = Signal(10), Signal()  # rows that run lengths have covered
        m.d.comb += [real.eq(entry & usable & ~weight.null), ends.eq(weight.last | weight.null)]

        # N:M: whether the group in work is the last one, and complete with this entry.
        completes, beyond, after = Signal(), Signal(), Signal(len(base) + 1)
        m.d.comb += [
            beyond.eq(base >= tile.length),
            completes.eq(member + 1 == tile.nnz_per_group),
            after.eq(base + Mux(completes & ~weight.null, tile.group, 0)),
        ]
        # The row that an entry is for, as its format gives it.
        position, run = Signal(range((1 << cfg.ib) + 1025)), Signal(cfg.ib)
        m.d.comb += run.eq(index & ((1 << tile.run_bits) - 1))
        m.d.comb += position.eq(Mux(has["rl"], row + run, base + index))

        # The rules of each format.
        crowded, miscounted, outside, overrun = Signal(), Signal(), Signal(), Signal()
        m.d.comb += crowded.eq(real & (self.slot == cfg.slots))
        with m.If(has["nm"]):
            m.d.comb += [
                miscounted.eq((real & beyond) | (ends & (after < tile.length))),
                outside.eq(
                    (index >= tile.group) | ((position >= tile.length) & (weight.value != 0))
                ),
            ]
        with m.Elif(has["bitmap"]):
            left = Mux(weight.null, bits[1], bits[2]).any()
            m.d.comb += miscounted.eq((real & ~bits[1].any()) | (ends & left))
        with m.Elif(has["coo"]):
            m.d.comb += outside.eq(index >= tile.length)
        with m.Elif(has["rl"]):
            m.d.comb += [
                outside.eq((index >> tile.run_bits).any()),
                overrun.eq(over | (position >= tile.length)),
            ]
        with m.Elif(has["dense"]):
            m.d.comb += outside.eq(self.pass_base + self.slot >= tile.length)

        # One flag per entry, the first of the rules that it breaks.
        ordered = (has["coo"] | has["nm"]) & follows
        with m.If(crowded):
            m.d.comb += error.E_SLOTS.eq(1)
        with m.Elif(entry & usable & miscounted):
            m.d.comb += error.E_NMCNT.eq(1)
        with m.Elif(real & outside):
            m.d.comb += error.E_RANGE.eq(1)
        with m.Elif(real & overrun):
            m.d.comb += error.E_RLRUN.eq(1)
        with m.Elif(real & ordered & (index == previous)):
            m.d.comb += error.E_DUP.eq(1)
        with m.Elif(real & ordered & (index < previous)):
            m.d.comb += error.E_ORDER.eq(1)
        guilty = Signal()
        names = ("E_SLOTS", "E_NMCNT", "E_RANGE", "E_RLRUN", "E_DUP", "E_ORDER")
        m.d.comb += guilty.eq(Cat(error[name] for name in names).any())

        # What the next entry is compared with; guilty ones leave no trace.
        with m.If(real):
            with m.If(~guilty):
                m.d.sync += [previous.eq(index), follows.eq(1)]
            m.d.sync += [row.eq(position + 1), over.eq(overrun)]
            with m.If(~beyond):
                m.d.sync += member.eq(member + 1)
                with m.If(completes):
                    m.d.sync += [member.eq(0), base.eq(after), follows.eq(0)]
            with m.If(~has["nm"]):
                m.d.sync += follows.eq(follows | ~guilty)
        with m.If((entry & ends) | self.open | self.again):
            m.d.sync += [follows.eq(0), base.eq(0), member.eq(0), row.eq(0), over.eq(0)]
        return guilty
