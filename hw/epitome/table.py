"""The table of patches, loaded word by word and checked as it comes."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden.epitome import Config
from nomul.golden.spimc.config import bits_for
from nomul.hw.configured import Configured, Ports
from nomul.hw.popcount import popcount


def entry_layout(cfg: Config) -> data.StructLayout:
    """Return an entry: input offset, row, output offset, rows less one, column mask."""
    return data.StructLayout(
        {
            "input": unsigned(bits_for(cfg.inputs)),
            "row": unsigned(bits_for(cfg.rows)),
            "output": unsigned(bits_for(cfg.outputs)),
            "rows": unsigned(bits_for(cfg.rows)),
            "mask": unsigned(cfg.cols),
        }
    )


def table_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``table``: an entry, and whether it is the last."""
    return data.StructLayout({"entry": unsigned(cfg.table_bits), "last": unsigned(1)})


class Table(Configured[Config]):
    """Holds entries, and gives one in the cycle in which it is asked for.

    One word per cycle. A table that has too many entries, or one outside of the epitome, of the
    inputs or of the outputs, is not there at all.

    Members
    -------
    table : ``In(stream.Signature(table_layout(cfg)))``
        Entries, in the order of their rounds.
    idle : ``In(1)``
        No vector is under way: a table may begin.
    at : ``In``
        Number of an entry.
    entry : ``Out(entry_layout(cfg))``
        That entry.
    count : ``Out``
        Entries of the table.
    busy, loaded : ``Out(1)``
        A table is on its way, its first entry perhaps only offered; one is there.
    long, wrong : ``Out(1)``
        Strobes: too many entries; one outside.
    """

    table: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "table": In(stream.Signature(table_layout(cfg))),
            "idle": In(1),
            "at": In(range(cfg.entries + 1)),
            "entry": Out(entry_layout(cfg)),
            "count": Out(range(cfg.entries + 1)),
            "busy": Out(1),
            "loaded": Out(1),
            "long": Out(1),
            "wrong": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        shape = unsigned(cfg.table_bits)
        words: Memory = Memory(shape=shape, depth=max(2, cfg.entries), init=[])
        m.submodules.words = words
        into, out = words.write_port(), words.read_port(domain="comb")
        begun, spoiled, into_now = Signal(), Signal(), Signal(range(cfg.entries + 1))
        given, last = (
            data.View(entry_layout(cfg), self.table.payload.entry),
            self.table.payload.last,
        )
        taken, full = Signal(), Signal()
        # Whether a patch ends within E, the inputs and the outputs, and has columns at all.
        columns = popcount(m, given.mask)
        outside = (
            (given.row + given.rows >= cfg.rows)
            | (given.input + given.rows >= cfg.inputs)
            | (given.output + columns > cfg.outputs)
            | ~given.mask.any()
        )
        m.d.comb += [
            self.table.ready.eq(self.idle | begun),
            self.busy.eq(begun | self.table.valid),
            taken.eq(self.table.valid & self.table.ready),
            full.eq(into_now == cfg.entries),
            self.long.eq(taken & full & ~spoiled),
            self.wrong.eq(taken & ~full & outside),
            into.en.eq(taken & ~full),
            into.addr.eq(into_now),
            into.data.eq(self.table.payload.entry),
            out.addr.eq(self.at),
            self.entry.eq(out.data),
        ]
        with m.If(taken):
            m.d.sync += [begun.eq(~last), self.loaded.eq(0)]
            m.d.sync += spoiled.eq(~last & (spoiled | self.long | self.wrong))
            m.d.sync += into_now.eq(into_now + ~full)
            with m.If(last):
                m.d.sync += [into_now.eq(0), self.count.eq(into_now + 1)]
                m.d.sync += self.loaded.eq(~(spoiled | self.long | self.wrong))
        return m
