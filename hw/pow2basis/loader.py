"""Takes the words of a tile whose length its first words say."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from nomul.golden.pow2basis import CODE_BITS, Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.popcount import popcount
from nomul.hw.products.loader import weight_layout


class Loader(Configured[Config]):
    """Writes a block's first words into one store and the codes of its groups into another.

    One word per cycle. A tile that ends before the groups that its bitmaps announce, or goes on
    behind them, is not there at all; what follows up to its last word is dropped.

    Members
    -------
    weight : ``In(stream.Signature(weight_layout(cfg.word_bits)))``
        Words.
    idle : ``In(1)``
        No vector is under way: a tile may begin.
    write_head, write_codes, head, codes, word : ``Out``
        For the stores.
    busy : ``Out(1)``
        A tile is on its way, its first word perhaps only offered: no vector may begin.
    loaded : ``Out(1)``
        A tile is there.
    short, long, minus_zero : ``Out(1)``
        Strobes: a tile ended too early, goes on too long, or is whole with a code of minus nothing.
    """

    weight: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        flags = ("write_head", "write_codes", "busy", "loaded", "short", "long", "minus_zero")
        return {
            "weight": In(stream.Signature(weight_layout(cfg.word_bits))),
            "idle": In(1),
            "head": Out(range(max(2, cfg.blocks))),
            "codes": Out(range(max(2, cfg.blocks * cfg.steps))),
            "word": Out(cfg.word_bits),
        } | {name: Out(1) for name in flags}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        begun, full, headed, whole = Signal(), Signal(), Signal(), Signal()
        left = Signal(range(cfg.blocks * cfg.steps + 1))
        left_now, taken, last = Signal.like(left), Signal(), self.weight.payload.last
        bitmap = self.weight.payload.w[cfg.header_bits - cfg.map_bits : cfg.header_bits]
        m.d.comb += [
            self.weight.ready.eq(self.idle | begun),
            self.busy.eq(begun | self.weight.valid),
            taken.eq(self.weight.valid & self.weight.ready),
            self.word.eq(self.weight.payload.w),
            self.write_head.eq(taken & ~full & ~headed),
            self.write_codes.eq(taken & ~full & headed),
            # Groups still to come: those that this word announces too, or less this one.
            left_now.eq(Mux(headed, left - 1, left + self._announced(m, bitmap))),
            whole.eq((left_now == 0) & (headed | (self.head == cfg.blocks - 1))),
            self.short.eq(taken & ~full & last & ~whole),
            self.long.eq(taken & ~full & ~last & whole),
        ]
        fields = self.word[: cfg.codes_bits]
        codes = [fields[i : i + CODE_BITS] for i in range(0, cfg.codes_bits, CODE_BITS)]
        wrong = Cat(code == 1 << (CODE_BITS - 1) for code in codes).any()
        # Of a whole tile: what a malformed one has there may be no codes.
        before, suspect = Signal(), Signal()
        m.d.comb += [
            suspect.eq(before | self.write_codes & wrong),
            self.minus_zero.eq(taken & last & whole & ~full & suspect),
        ]
        with m.If(taken):
            m.d.sync += [begun.eq(1), self.loaded.eq(0), left.eq(left_now)]
            m.d.sync += before.eq(suspect & ~last)
            with m.If(headed):
                m.d.sync += self.codes.eq(self.codes + 1)
            with m.Else():
                m.d.sync += [self.head.eq(self.head + 1), headed.eq(self.head == cfg.blocks - 1)]
            with m.If(self.long):
                m.d.sync += full.eq(1)
            with m.If(last):
                m.d.sync += [begun.eq(0), full.eq(0), headed.eq(0), left.eq(0)]
                m.d.sync += [self.head.eq(0), self.codes.eq(0)]
                m.d.sync += self.loaded.eq(whole & ~full)
        return m

    def _announced(self, m: Module, bitmap: Value) -> Value | int:
        """Return the groups of a block: those of its bitmap, or all."""
        return popcount(m, bitmap) if self.cfg.skip else self.cfg.steps
