"""What comes in: frames of bits to events, and lists of events for a layer to work through."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import compactor
from nomul.hw.compactor import Top as Compactor
from nomul.hw.lif.layouts import event_layout, frame_layout


class Frames(wiring.Component):
    """Turns frames of M bits, some per beat, into events: the zero compactor, one survivor a beat.

    Latency is that of the compactor, two cycles; one event per cycle.

    Parameters
    ----------
    inputs
        M.
    chunk
        Bits per beat; those of a last beat beyond M come through, for whoever checks numbers.
    index_bits
        Bits of an event's number.

    Members
    -------
    i : ``In(stream.Signature(frame_layout(chunk)))``
        Frames. One ends after ceil(M / chunk) beats, whatever ``last`` says.
    o : ``Out(stream.Signature(event_layout(index_bits)))``
        Events in ascending order.
    wrong : ``Out(1)``
        A beat is taken whose ``last`` is missing or comes early; what is missing then is zero.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, inputs: int, chunk: int, index_bits: int):
        self.beats = -(-inputs // chunk)
        self.cfg = compactor.Config(
            width=chunk, lanes=1, value_bits=1, max_length=max(2, min(65536, self.beats * chunk))
        )
        super().__init__(
            {
                "i": In(stream.Signature(frame_layout(chunk))),
                "o": Out(stream.Signature(event_layout(index_bits))),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.compactor = packer = Compactor(self.cfg)
        number, ends, last = Signal(range(max(2, self.beats))), Signal(), Signal()
        taken = Signal()
        m.d.comb += [
            ends.eq(number == self.beats - 1),
            last.eq(ends | self.i.payload.last),
            packer.i.payload.mask.eq(self.i.payload.spikes),
            packer.i.payload.last.eq(last),
            packer.i.valid.eq(self.i.valid),
            self.i.ready.eq(packer.i.ready),
            taken.eq(self.i.valid & self.i.ready),
            self.wrong.eq(taken & (ends != self.i.payload.last)),
            self.o.payload.index.eq(packer.o.payload.index[0]),
            self.o.payload.spike.eq(packer.o.payload.keep[0]),
            self.o.payload.last.eq(packer.o.payload.last),
            self.o.valid.eq(packer.o.valid),
            packer.o.ready.eq(self.o.ready),
        ]
        with m.If(taken):
            m.d.sync += number.eq(Mux(last, 0, number + 1))
        return m


class Lists(wiring.Component):
    """Collects the events of a step in one of two lists, while a layer works through the other.

    One event per cycle. A step is there one cycle after its last event; a third one waits.

    Parameters
    ----------
    inputs
        M, which is also how many events a step has at most.
    index_bits
        Bits of an event's number.

    Members
    -------
    i : ``In(stream.Signature(event_layout(index_bits)))``
        Events.
    full : ``Out(1)``, count : ``Out``
        A step waits, and how many events it has.
    place : ``In``
        Which of its events to read; ``index`` is that event's number one cycle later.
    release : ``In(1)``
        Its events have been read.
    outside : ``Out(1)``
        An event is dropped whose number is M or more.
    wrong : ``Out(1)``
        A step has M events and another comes: ``last`` is missing. It ends before that event.
    """

    i: stream.Interface

    def __init__(self, inputs: int, index_bits: int):
        self.inputs = inputs
        self.bits = max(1, (inputs - 1).bit_length())
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(index_bits))),
                "full": Out(1),
                "count": Out(range(inputs + 1)),
                "place": In(unsigned(self.bits)),
                "index": Out(unsigned(self.bits)),
                "release": In(1),
                "outside": Out(1),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, event = Module(), self.i.payload
        store: memory.Memory = memory.Memory(
            shape=unsigned(self.bits), depth=2 << self.bits, init=[]
        )
        m.submodules.store = store
        write, read = store.write_port(), store.read_port()
        filling, emptying = Signal(), Signal()
        occupied = [Signal(name=f"occupied{k}") for k in range(2)]
        counts = [Signal(range(self.inputs + 1), name=f"count{k}") for k in range(2)]
        number = Signal(range(self.inputs + 1))
        free, real, crowded = Signal(), Signal(), Signal()
        taken, ends, total = Signal(), Signal(), Signal.like(number)
        m.d.comb += [
            free.eq(Mux(filling, ~occupied[1], ~occupied[0])),
            real.eq(event.spike & (event.index < self.inputs)),
            crowded.eq(self.i.valid & real & (number == self.inputs)),
            self.i.ready.eq(free & ~crowded),
            taken.eq(self.i.valid & self.i.ready),
            self.wrong.eq(free & crowded),
            ends.eq((taken & event.last) | self.wrong),
            total.eq(number + (taken & real)),
            self.outside.eq(taken & event.spike & ~real),
            write.addr.eq(Cat(number[: self.bits], filling)),
            write.data.eq(event.index),
            write.en.eq(taken & real),
            read.addr.eq(Cat(self.place, emptying)),
            self.index.eq(read.data),
            self.full.eq(Mux(emptying, occupied[1], occupied[0])),
            self.count.eq(Mux(emptying, counts[1], counts[0])),
        ]
        with m.If(taken | ends):
            m.d.sync += number.eq(Mux(ends, 0, total))
        with m.If(ends):
            m.d.sync += filling.eq(~filling)
        with m.If(self.release):
            m.d.sync += emptying.eq(~emptying)
        for k in range(2):
            with m.If(ends & (filling == k)):
                m.d.sync += [occupied[k].eq(1), counts[k].eq(total)]
            with m.Elif(self.release & (emptying == k)):
                m.d.sync += occupied[k].eq(0)
        return m
