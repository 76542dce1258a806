"""SP-IMC's macro behind the family's streams: header and entries in, products as vectors come."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from nomul.golden.engine.adapted import SpImc
from nomul.golden.products.spimc import Config
from nomul.golden.spimc.words import OPEN, START
from nomul.hw import spimc
from nomul.hw.configured import Configured, Ports
from nomul.hw.products.drain import y_layout
from nomul.hw.products.feed import x_layout
from nomul.hw.products.loader import weight_layout
from nomul.hw.spimc.layouts import tile_layout
from nomul.hw.spimc.layouts import weight_layout as entry_layout


class Macro(Configured[Config]):
    """Opens a tile by its first word, and starts a product when a vector's first activation comes.

    Words after the first are entries, one per cycle once slots know their groups, as many cycles
    after the header as there are slots. A product begins a cycle after its first activation is
    offered. Where the macro has refused the tile, vectors are taken and give sums of nothing, so
    that whoever counts them goes on.

    Members
    -------
    weight : ``In(stream.Signature({w, last}))``
        A tile's header, then its entries, as ``nomul.golden.engine.adapted.SpImc.words`` has them.
    x : ``In(stream.Signature({x: ArrayLayout(act_bits, 1), last}))``
        An activation.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), 1), last}))``
        A sum.
    """

    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "weight": In(stream.Signature(weight_layout(SpImc.word_bits(cfg)))),
            "x": In(stream.Signature(x_layout(1, cfg.act_bits))),
            "y": Out(stream.Signature(y_layout(1, cfg.y_bits))),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.macro = macro = spimc.Top(cfg.macro)
        # A tile's first word is the header of a command, the others are entries.
        begun, word = Signal(), self.weight.payload.w
        header, entry = tile_layout(), entry_layout(cfg.macro)
        taken = self.weight.valid & self.weight.ready
        opens = self.weight.valid & ~begun
        with m.If(taken):
            m.d.sync += begun.eq(~self.weight.payload.last)
        m.d.comb += [
            macro.weight.valid.eq(self.weight.valid & begun),
            Value.cast(macro.weight.payload).eq(word[: entry.size]),
            self.weight.ready.eq(Mux(begun, macro.weight.ready, macro.command.ready)),
            macro.command.valid.eq(opens | self.x.valid & macro.loaded),
            macro.command.payload.op.eq(Mux(opens, OPEN, START)),
            Value.cast(macro.command.payload.tile).eq(word[: header.size]),
        ]
        # Vectors for a tile that is not there: taken, and answered by as many sums.
        nothing, left = Signal(), Signal(range(cfg.outputs))
        drops = self.x.valid & ~macro.loaded & ~macro.busy & ~nothing
        m.d.comb += [
            macro.x.valid.eq(self.x.valid & ~drops),
            macro.x.payload.x.eq(self.x.payload.x[0]),
            macro.x.payload.last.eq(self.x.payload.last),
            self.x.ready.eq(drops | macro.x.ready),
            macro.y.ready.eq(self.y.ready),
            self.y.valid.eq(nothing | macro.y.valid),
            self.y.payload.y[0].eq(macro.y.payload.y),
            self.y.payload.last.eq(Mux(nothing, left == 0, macro.y.payload.last)),
        ]
        with m.If(drops & self.x.payload.last):
            m.d.sync += [nothing.eq(1), left.eq(cfg.outputs - 1)]
        with m.Elif(nothing & self.y.ready):
            m.d.sync += [left.eq(left - 1), nothing.eq(left != 0)]
        return m
