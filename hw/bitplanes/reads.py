"""Run-time precision: what a command says, whether it can be done, and the reads that it takes."""

from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from nomul.golden.bitplanes import ENCODINGS, Config
from nomul.hw.bitplanes.column import places
from nomul.hw.configured import Configured, Ports


def mode_layout() -> data.StructLayout:
    """Return the payload of ``command``: encoding, A, B, planes used, and whether to round."""
    return data.StructLayout(
        {
            "encoding": unsigned(1),
            "act_planes": unsigned(6),
            "weight_planes": unsigned(5),
            "planes_used": unsigned(5),
            "round": unsigned(1),
        }
    )


def table(index: Value, values: list[int]) -> Value:
    """Return the entry of a table of constants; the last one beyond its end."""
    width = max(1, max(values).bit_length())
    return Array([Const(value, width) for value in values])[index]


class Modes(Configured[Config]):
    """Keeps the precision of vectors: that of the last command, held while a vector is under way.

    A command between vectors holds for the next one; one inside a vector waits until that ends, and
    is flagged. Combinational but for the registers.

    Members
    -------
    command : ``In(stream.Signature(mode_layout()))``
        Precisions.
    idle, leaves : ``In(1)``
        No vector is under way; the last step of one is.
    parts : ``In``
        Slices of weight planes that are loaded.
    mode : ``Out(mode_layout())``
        The precision that holds.
    bad : ``Out(1)``
        It is none that the hardware or its tile has.
    busy : ``Out(1)``
        A command is on its way: no vector may begin.
    inside : ``Out(1)``
        Strobe: a command came inside a vector.
    """

    command: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "command": In(stream.Signature(mode_layout())),
            "idle": In(1),
            "parts": In(range(cfg.slices + 1)),
            "mode": Out(mode_layout()),
            "bad": Out(1),
            "busy": Out(1),
            "inside": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        begin: Any = {
            "encoding": ENCODINGS.index(cfg.encodings[0]),
            "act_planes": cfg.act_planes,
            "weight_planes": cfg.weight_planes,
            "planes_used": cfg.weight_planes,
            "round": 0,
        }
        mode = Signal(mode_layout(), init=begin)
        later, waiting = Signal(mode_layout(), reset_less=True), Signal()
        m.d.comb += [
            self.command.ready.eq(1),
            self.mode.eq(mode),
            self.busy.eq(self.command.valid | waiting),
            self.inside.eq(self.command.valid & ~self.idle),
        ]
        with m.If(self.idle):
            with m.If(waiting):
                m.d.sync += [mode.eq(later), waiting.eq(0)]
            with m.If(self.command.valid):
                m.d.sync += mode.eq(self.command.payload)
        with m.Elif(self.command.valid):
            m.d.sync += [later.eq(self.command.payload), waiting.eq(1)]

        # What cannot be done.
        slices = [0] + [-(-b // cfg.slice_planes) for b in range(1, cfg.weight_planes + 1)]
        needed = table(mode.weight_planes, slices)
        xnor = mode.encoding == ENCODINGS.index("xnor")
        missing = Const(0, 1)
        if "xnor" not in cfg.encodings:
            missing = xnor
        elif "and" not in cfg.encodings:
            missing = ~xnor
        m.d.comb += self.bad.eq(
            (mode.act_planes == 0)
            | (mode.act_planes > cfg.act_planes)
            | (mode.weight_planes == 0)
            | (mode.weight_planes > cfg.weight_planes)
            | (needed > self.parts)
            | (mode.planes_used == 0)
            | (mode.planes_used > mode.weight_planes)
            | (mode.round & (xnor if cfg.rounding else 1))
            | missing
        )
        return m


class Reads(Configured[Config]):
    """Goes through the reads of a vector: slices of weight planes, and groups of activation planes.

    The highest slice first, a sign plane by itself, and in each read the highest group first.

    Members
    -------
    mode : ``In(mode_layout())``
        The precision, from :class:`Modes`.
    restart : ``In(1)``
        The next pass is a vector's first.
    advance : ``In(1)``
        The pass under way ends, and another one follows.
    slice, place : ``Out``
        Slice and group of this pass.
    planes : ``Out(slice_planes)``
        The slice's planes that are read.
    sign : ``Out(1)``
        It is the sign plane's.
    first_read, first_place, doubles : ``Out(1)``
        It is the first read; the first group of a read; of a read of a lower slice than before.
    final : ``Out(1)``
        It is the vector's last pass.
    """

    def ports(self, cfg: Config) -> Ports:
        flags = ("restart", "advance")
        return (
            {
                "mode": In(mode_layout()),
                "slice": Out(range(max(2, cfg.slices))),
                "place": Out(range(max(2, places(cfg)))),
                "planes": Out(cfg.slice_planes),
            }
            | {name: In(1) for name in flags}
            | {n: Out(1) for n in ("sign", "first_read", "first_place", "doubles", "final")}
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m, mode, size = self.cfg, Module(), self.mode, self.cfg.slice_planes
        most = range(cfg.weight_planes + 1)
        top_plane = [max(0, b - 1) for b in most]
        top_slice = table(mode.weight_planes, [p // size for p in top_plane])
        bottom = Signal(range(cfg.weight_planes + 1))
        m.d.comb += bottom.eq(mode.weight_planes - mode.planes_used)
        last_slice = table(bottom, [b // size for b in most])
        alone = (mode.encoding == 0) if cfg.weight_signed else Const(0, 1)
        # A read under way, unless the first pass is next; then everything follows from the mode.
        begun, now, sign, lower = Signal(), Signal.like(self.slice), Signal(), Signal()
        group, in_read = Signal.like(self.place), Signal()
        top_group = table(
            mode.act_planes, [max(0, -(-a // cfg.at_once) - 1) for a in range(cfg.act_planes + 1)]
        )
        m.d.comb += [
            self.slice.eq(Mux(begun, now, top_slice)),
            self.sign.eq(Mux(begun, sign, alone)),
            self.place.eq(Mux(in_read, group, top_group)),
            self.first_read.eq(~begun),
            self.first_place.eq(~in_read),
            self.doubles.eq(begun & lower & ~in_read),
        ]
        place_last, read_last = Signal(), Signal()
        m.d.comb += [
            place_last.eq(self.place == 0),
            read_last.eq(Mux(self.sign, mode.planes_used == 1, self.slice == last_slice)),
            self.final.eq(place_last & read_last),
        ]
        if size == 1:
            m.d.comb += self.planes.eq(1)
        else:
            for j in range(size):
                plane = Signal(range(cfg.weight_planes + size), name=f"plane{j}")
                m.d.comb += plane.eq(self.slice * size + j)
                below = plane < mode.weight_planes - (alone & ~self.sign)
                wanted = Mux(self.sign, plane == mode.weight_planes - 1, plane >= bottom)
                m.d.comb += self.planes[j].eq(wanted & below)
        # The rest of the sign plane's slice is a read of its own, where there is a rest.
        rest = table(mode.weight_planes, [int(p % size > 0) for p in top_plane])
        with m.If(self.restart):
            m.d.sync += [begun.eq(0), in_read.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [in_read.eq(1), group.eq(self.place - 1)]
            m.d.sync += [begun.eq(begun), now.eq(self.slice), sign.eq(self.sign)]
            with m.If(place_last):
                m.d.sync += [begun.eq(1), in_read.eq(0), sign.eq(0)]
                with m.If(self.sign & rest):
                    m.d.sync += lower.eq(0)
                with m.Else():
                    m.d.sync += [now.eq(self.slice - 1), lower.eq(1)]
        return m
