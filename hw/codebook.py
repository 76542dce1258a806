"""Codebook: registers that hold a level for every code but 0, and look-ups in them."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.codebook import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.skid import Stage


def table_layout(cfg: Config) -> data.StructLayout:
    """Return all levels, that of code 0 included, and which of them were loaded."""
    return data.StructLayout(
        {
            "levels": data.ArrayLayout(signed(cfg.level_bits), cfg.entries),
            "loaded": unsigned(cfg.entries),
        }
    )


def entry_layout(cfg: Config) -> data.StructLayout:
    """Return what loads an entry: ``clear`` forgets all entries first."""
    return data.StructLayout(
        {"code": unsigned(cfg.code_bits), "level": signed(cfg.level_bits), "clear": unsigned(1)}
    )


def lookup(table: data.View, code: Value) -> Value:
    """Return the level of a code; 0 where it was not loaded."""
    layout = table.shape()["levels"].shape
    width = Shape.cast(layout.elem_shape).width
    # One selection from a flat word: an array of the levels would print a comparison for each.
    return Value.cast(table.levels).word_select(code, width).as_signed()


class Registers(Configured[Config]):
    """Holds the levels; entry 0 is hard-wired to 0, and entries that were not loaded are 0.

    An entry is there in the cycle after it was loaded; one per cycle.

    Members
    -------
    entry : ``In(entry_layout(cfg))``, write : ``In(1)``
        Loads a level.
    table : ``Out(table_layout(cfg))``
        All levels at once, for as many look-ups as are wanted.
    refused : ``Out(1)``
        Sticky: a level other than 0 was offered for code 0, and not taken.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "entry": In(entry_layout(cfg)),
            "write": In(1),
            "table": Out(table_layout(cfg)),
            "refused": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        loaded = Signal(cfg.entries, init=1)
        chosen = Signal(cfg.entries)
        m.d.comb += [chosen.eq(1 << self.entry.code), self.table.loaded.eq(loaded)]
        with m.If(self.write):
            before = Mux(self.entry.clear, 1, loaded)
            m.d.sync += loaded.eq(before | chosen)
            with m.If((self.entry.code == 0) & (self.entry.level != 0)):
                m.d.sync += self.refused.eq(1)
        for k in range(1, cfg.entries):
            level = Signal(signed(cfg.level_bits), name=f"level{k}")
            m.d.comb += self.table.levels[k].eq(level)
            with m.If(self.write & chosen[k]):
                m.d.sync += level.eq(self.entry.level)
            with m.Elif(self.write & self.entry.clear):
                m.d.sync += level.eq(0)
        return m


class Top(Configured[Config]):
    """Turns codes into levels, one per cycle.

    Latency is one cycle; one code per cycle (``cfg.interval`` is 1).

    Members
    -------
    load : ``In(stream.Signature(entry_layout(cfg)))``
        Levels of codes; taken at any time, and seen by the codes of the next cycle.
    code : ``In(stream.Signature(unsigned(cfg.code_bits)))``
        Codes.
    level : ``Out(stream.Signature(StructLayout({level, unloaded})))``
        Their levels; 0 and ``unloaded`` where none was loaded.
    refused : ``Out(1)``
        Sticky: a level other than 0 was offered for code 0, and not taken.
    """

    load: stream.Interface
    code: stream.Interface
    level: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        level = data.StructLayout({"level": signed(cfg.level_bits), "unloaded": unsigned(1)})
        return {
            "load": In(stream.Signature(entry_layout(cfg))),
            "code": In(stream.Signature(unsigned(cfg.code_bits))),
            "level": Out(stream.Signature(level)),
            "refused": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.registers = registers = Registers(self.cfg)
        m.submodules.stage = stage = Stage(self.level.payload.shape())
        table = registers.table
        m.d.comb += [
            registers.entry.eq(self.load.payload),
            registers.write.eq(self.load.valid),
            self.load.ready.eq(1),
            self.refused.eq(registers.refused),
            stage.i.payload.level.eq(lookup(table, self.code.payload)),
            stage.i.payload.unloaded.eq(~table.loaded.bit_select(self.code.payload, 1)),
            stage.i.valid.eq(self.code.valid),
            self.code.ready.eq(stage.i.ready),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.level))
        return m
