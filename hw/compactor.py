"""Zero compactor: drops what does not survive of a vector, and fills beats with the rest."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.compactor import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.popcount import popcount
from nomul.hw.skid import Stage


def vector_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``: P elements, which of them survive, and the end of the vector."""
    return data.StructLayout(
        {
            "values": data.ArrayLayout(unsigned(cfg.value_bits), cfg.width),
            "mask": unsigned(cfg.width),
            "last": unsigned(1),
        }
    )


def beat_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: L survivors, their places, how many lanes hold one."""
    return data.StructLayout(
        {
            "values": data.ArrayLayout(unsigned(cfg.value_bits), cfg.lanes),
            "index": data.ArrayLayout(unsigned(cfg.index_bits), cfg.lanes),
            "keep": unsigned(cfg.lanes),
            "last": unsigned(1),
        }
    )


def _element(cfg: Config) -> data.StructLayout:
    return data.StructLayout({"keep": 1, "index": cfg.index_bits, "value": cfg.value_bits})


def pack(m: Module, elements: list[Value]) -> list[Value]:
    """Return the elements whose lowest bit is set, moved down in order; the others are 0.

    Every element moves by the number of gaps below it, one bit of that number per stage, the lowest
    first: then no two ever meet.
    """
    count, width = len(elements), len(elements[0])
    gaps: list[Value] = []
    for i in range(count):
        below = Signal(range(count + 1), name=f"gaps{i}")
        m.d.comb += below.eq(popcount(m, [~e[0] for e in elements[:i]]) if i else 0)
        gaps.append(below)
    moving = []
    for i, element in enumerate(elements):
        item = Signal(width + len(gaps[0]), name=f"item0_{i}")
        m.d.comb += item.eq(Mux(element[0], Cat(element, gaps[i]), 0))
        moving.append(item)
    for stage in range((count - 1).bit_length()):
        step, bit = 1 << stage, width + stage
        moved = []
        for i in range(count):
            item = Signal.like(moving[0], name=f"item{stage + 1}_{i}")
            stays = Mux(moving[i][bit], 0, moving[i])
            comes: Value = Const(0)
            if i + step < count:
                comes = Mux(moving[i + step][bit], moving[i + step], 0)
            m.d.comb += item.eq(stays | comes)
            moved.append(item)
        moving = moved
    return [item[:width] for item in moving]


def spread(m: Module, elements: list[Value], offset: Value, room: int) -> list[Value]:
    """Return ``room`` elements: the given ones from place ``offset`` on, and 0 elsewhere."""
    placed: list[Value] = list(elements)
    for stage in range(len(offset)):
        step, moved = 1 << stage, []
        for i in range(min(room, len(placed) + step)):
            item = Signal(len(elements[0]), name=f"placed{stage}_{i}")
            here = placed[i] if i < len(placed) else 0
            below = placed[i - step] if 0 <= i - step < len(placed) else 0
            m.d.comb += item.eq(Mux(offset[stage], below, here))
            moved.append(item)
        placed = list(moved)
    return placed + [Value.cast(0)] * (room - len(placed))


class Top(Configured[Config]):
    """Packs the survivors of a vector, in order, into beats of L lanes.

    Latency is two cycles from a beat to the beat that it fills. A beat per cycle is taken where L
    is at least P, through the ends of vectors too; else ceil(P / L) cycles per beat at most.

    Members
    -------
    i : ``In(stream.Signature(vector_layout(cfg)))``
        P elements, ``mask``: which of them survive, ``last``: the vector ends with this beat. What
        does not survive may be anything, unknown included.
    o : ``Out(stream.Signature(beat_layout(cfg)))``
        L survivors and their places in the vector, ``keep``: which lanes hold one, ``last``. Lanes
        that hold none are 0. A vector without survivors gives one beat that keeps nothing.
    """

    i: stream.Interface
    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "i": In(stream.Signature(vector_layout(cfg))),
            "o": Out(stream.Signature(beat_layout(cfg))),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.packed = packed = Stage(_packed_layout(cfg))
        self._pack(m, packed)
        m.submodules.beat = beat = Stage(beat_layout(cfg))
        self._fill(m, packed.o, beat.i)
        wiring.connect(m, beat.o, wiring.flipped(self.o))
        return m

    def _pack(self, m: Module, packed: Stage) -> None:
        """Describe how elements are numbered, and survivors of a beat moved together."""
        cfg, i = self.cfg, self.i
        base = Signal(cfg.index_bits)
        elements: list[Value] = []
        for k in range(cfg.width):
            index = Signal(cfg.index_bits, name=f"index{k}")
            m.d.comb += index.eq(base + k)
            elements.append(Cat(i.payload.mask[k], index, i.payload.values[k]))
        with m.If(i.valid & i.ready):
            m.d.sync += base.eq(Mux(i.payload.last, 0, base + cfg.width))
        m.d.comb += [
            Value.cast(packed.i.payload.elements).eq(Cat(pack(m, elements))),
            packed.i.payload.count.eq(popcount(m, list(i.payload.mask))),
            packed.i.payload.last.eq(i.payload.last),
            packed.i.valid.eq(i.valid),
            i.ready.eq(packed.i.ready),
        ]

    def _fill(self, m: Module, i: stream.Interface, o: stream.Interface) -> None:
        """Collect survivors until more than L are there or the vector ends, then give a beat.

        Exactly L wait: without any further survivor they are the last beat.
        """
        cfg = self.cfg
        element = _element(cfg)
        held = [Signal(element, name=f"held{k}") for k in range(cfg.room)]
        fill, ending = Signal(range(cfg.room + 1)), Signal()
        total = Signal(range(cfg.room + cfg.width + 1))
        offset = Signal.like(fill)
        # Nothing comes in while more than one beat is held; a vector that has ended makes room.
        full, taken, given = Signal(), Signal(), Signal()
        m.d.comb += [
            full.eq(fill > cfg.lanes),
            offset.eq(Mux(ending, 0, fill)),
            total.eq(Mux(ending | full, fill, fill + i.payload.count)),
            o.payload.last.eq(~full & (ending | (i.payload.last & (total <= cfg.lanes)))),
            o.valid.eq(full | ending | (i.valid & (i.payload.last | (total > cfg.lanes)))),
            given.eq(o.valid & o.ready),
            i.ready.eq(~full & (given | ~o.valid)),
            taken.eq(i.valid & i.ready),
        ]
        # Arriving survivors move behind those that wait; the first lanes of both are the beat.
        arriving = spread(
            m, list(map(Value.cast, i.payload.elements)), offset, cfg.room + cfg.width
        )
        merged = []
        for k in range(cfg.room + cfg.width):
            place = Signal(element, name=f"merged{k}")
            here = held[k] if k < cfg.room else 0
            comes = Mux(full | ending, 0, arriving[k])
            m.d.comb += Value.cast(place).eq(Value.cast(here) | comes)
            merged.append(place)
        for k in range(cfg.lanes):
            m.d.comb += [
                o.payload.values[k].eq(merged[k].value),
                o.payload.index[k].eq(merged[k].index),
                o.payload.keep[k].eq(merged[k].keep),
            ]
        # What waits afterwards: all, all but a beat, or the start of the next vector.
        following = Signal(range(cfg.room + cfg.width + 1))
        restart, rest = Signal(), Signal()
        m.d.comb += [
            restart.eq(ending & ~full),
            rest.eq(total > cfg.lanes),
        ]
        with m.If(restart):
            m.d.comb += following.eq(Mux(taken, i.payload.count, 0))
        with m.Elif(given):
            m.d.comb += following.eq(Mux(rest, total - cfg.lanes, 0))
        with m.Else():
            m.d.comb += following.eq(total)
        with m.If(given | taken):
            m.d.sync += fill.eq(following)
            for k in range(cfg.room):
                further = k + cfg.lanes
                later = merged[further] if further < len(merged) else 0
                kept = Mux(given, later, merged[k])
                fresh = Mux(taken, arriving[k], 0)
                m.d.sync += Value.cast(held[k]).eq(Mux(restart, fresh, kept))
        with m.If(restart & given):
            m.d.sync += ending.eq(taken & i.payload.last)
        with m.Elif(taken & i.payload.last & rest):
            m.d.sync += ending.eq(1)


def _packed_layout(cfg: Config) -> data.StructLayout:
    return data.StructLayout(
        {
            "elements": data.ArrayLayout(_element(cfg), cfg.width),
            "count": unsigned(cfg.width.bit_length()),
            "last": unsigned(1),
        }
    )
