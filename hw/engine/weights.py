"""Words of weights for the member: from a memory inside, or from a stream held to frames."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.hw.products.loader import weight_layout


class Stored(wiring.Component):
    """Offers the words of all tiles in order, over and over; one per cycle.

    Parameters
    ----------
    width : int
        Bits of a word.
    words : sequence of int
        The words.
    beats : int
        Words of the largest tile.

    Members
    -------
    load : ``In(1)``
        A tile is loaded in this cycle; words are offered then only.
    final : ``In(range(beats))``
        Number of the tile's last word.
    o : ``Out(stream.Signature(weight_layout(width)))``
        Words, for the member.
    """

    o: stream.Interface

    def __init__(self, width: int, words: Sequence[int], beats: int):
        self.width, self.words, self.beats = width, words, beats
        super().__init__(
            {
                "load": In(1),
                "final": In(range(max(2, beats))),
                "o": Out(stream.Signature(weight_layout(width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = max(2, len(self.words))
        words: Memory = Memory(shape=unsigned(self.width), depth=depth, init=list(self.words))
        m.submodules.words = words
        port = words.read_port()
        address, there, taken = Signal(range(depth)), Signal(), Signal()
        m.d.comb += [
            taken.eq(self.o.valid & self.o.ready),
            self.o.valid.eq(there & self.load),
            self.o.payload.w.eq(port.data),
            self.o.payload.last.eq(counted(m, taken, self.final)),
            port.addr.eq(address),
            port.en.eq(~there | taken),
        ]
        m.d.sync += there.eq(1)
        with m.If(port.en):
            m.d.sync += address.eq(Mux(address == len(self.words) - 1, 0, address + 1))
        return m


class Framed(wiring.Component):
    """Passes on the words of tiles, as many as each has, whatever frames they come in.

    A tile that ends too early is filled up with zeros; of one that goes on, what is too much is
    dropped. So frames and tiles never drift apart; whoever uses a tile has to look at the strobes.

    Parameters
    ----------
    width, beats : int
        Bits of a word, and words of the largest tile.

    Members
    -------
    load : ``In(1)``
        A tile is loaded in this cycle; words pass then only.
    final : ``In(range(beats))``
        Number of the tile's last word.
    weight : ``In(stream.Signature(weight_layout(width)))``
        Words as they come; ``last`` ends a tile.
    o : ``Out(stream.Signature(weight_layout(width)))``
        Words, for the member.
    short, long : ``Out(1)``
        Strobes: a tile ended too early, or goes on.
    """

    weight: stream.Interface
    o: stream.Interface

    def __init__(self, width: int, beats: int):
        self.width, self.beats = width, beats
        words = stream.Signature(weight_layout(width))
        super().__init__(
            {
                "load": In(1),
                "final": In(range(max(2, beats))),
                "weight": In(words),
                "o": Out(words),
                "short": Out(1),
                "long": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fill, skip, taken, sent, last = (
            Signal(name=n) for n in ("fill", "skip", "taken", "sent", "last_word")
        )
        given = self.weight.payload
        m.d.comb += [
            self.o.valid.eq(self.load & ~skip & (fill | self.weight.valid)),
            self.o.payload.w.eq(Mux(fill, 0, given.w)),
            self.o.payload.last.eq(last),
            self.weight.ready.eq(skip | self.load & ~fill & self.o.ready),
            sent.eq(self.o.valid & self.o.ready),
            taken.eq(self.weight.valid & self.weight.ready),
            last.eq(counted(m, sent, self.final)),
            self.short.eq(taken & ~skip & given.last & ~last),
            self.long.eq(taken & ~skip & ~given.last & last),
        ]
        with m.If(self.short):
            m.d.sync += fill.eq(1)
        with m.If(sent & last):
            m.d.sync += fill.eq(0)
        with m.If(self.long):
            m.d.sync += skip.eq(1)
        with m.If(skip & taken & given.last):
            m.d.sync += skip.eq(0)
        return m


def counted(m: Module, taken: Signal, final: Signal) -> Signal:
    """Return whether a word is a tile's last, by counting those that are taken."""
    count, last = Signal.like(final), Signal()
    m.d.comb += last.eq(count == final)
    with m.If(taken):
        m.d.sync += count.eq(Mux(last, 0, count + 1))
    return last
