"""Takes the words of a tile, and says whether a whole tile is there."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def weight_layout(width: int) -> data.StructLayout:
    """Return the payload of ``weight``: a word, and whether it is the tile's last."""
    return data.StructLayout({"w": unsigned(width), "last": unsigned(1)})


class Loader(wiring.Component):
    """Writes the words of a tile in order, one per cycle.

    A tile may end behind any multiple of ``grain`` words. One that ends elsewhere, or that has more
    words than the store, is not there at all; what follows up to its last word is dropped.

    Parameters
    ----------
    width, depth, grain : int
        Bits of a word, words of the store, and words of the least part of a tile.

    Members
    -------
    weight : ``In(stream.Signature(weight_layout(width)))``
        Words.
    idle : ``In(1)``
        No vector is under way: a tile may begin.
    write, into, word : ``Out``
        For the store.
    busy : ``Out(1)``
        A tile is on its way, its first word perhaps only offered: no vector may begin.
    loaded, parts : ``Out``
        A tile is there, of so many times ``grain`` words.
    short, long : ``Out(1)``
        Strobes: a tile ended too early, or goes on too long.
    """

    weight: stream.Interface

    def __init__(self, width: int, depth: int, grain: int):
        self.width, self.depth, self.grain = width, depth, grain
        super().__init__(
            {
                "weight": In(stream.Signature(weight_layout(width))),
                "idle": In(1),
                "write": Out(1),
                "into": Out(max(1, (depth - 1).bit_length())),
                "word": Out(width),
                "busy": Out(1),
                "loaded": Out(1),
                "parts": Out(range(depth // grain + 1)),
                "short": Out(1),
                "long": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        begun, full, whole = Signal(), Signal(), Signal()
        within = Signal(range(max(2, self.grain)))
        count = Signal(range(self.depth // self.grain + 1))
        last = self.weight.payload.last
        taken = Signal()
        m.d.comb += [
            self.weight.ready.eq(self.idle | begun),
            self.busy.eq(begun | self.weight.valid),
            taken.eq(self.weight.valid & self.weight.ready),
            whole.eq(within == self.grain - 1),
            self.write.eq(taken & ~full),
            self.word.eq(self.weight.payload.w),
            self.short.eq(taken & ~full & last & ~whole),
            self.long.eq(taken & ~full & ~last & (self.into == self.depth - 1)),
        ]
        with m.If(taken):
            m.d.sync += [begun.eq(1), self.loaded.eq(0), self.into.eq(self.into + 1)]
            m.d.sync += within.eq(within + 1)
            with m.If(whole):
                m.d.sync += [within.eq(0), count.eq(count + 1)]
            with m.If(self.long):
                m.d.sync += full.eq(1)
            with m.If(last):
                m.d.sync += [begun.eq(0), full.eq(0), self.into.eq(0), within.eq(0), count.eq(0)]
                m.d.sync += [self.loaded.eq(whole & ~full), self.parts.eq(count + whole)]
        return m
