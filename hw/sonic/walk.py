"""Scheduling: the order of chunks, window positions and groups, and im2col addresses."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sonic import Config
from nomul.hw.configured import Configured, Ports


def chunk_depth(cfg: Config, kind: str) -> int:
    """Return how many chunks of L elements a vector has at most."""
    return -(-cfg.max_length // cfg.lanes(kind))


class Walk(wiring.Component):
    """Walks through the chunks of a vector, once per window position, once per group of units.

    One step per cycle of ``advance``; the first is there in the cycle after ``start``.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Units, lanes, widths.
    kind
        ``fc`` or ``conv``.

    Members
    -------
    start : ``In(1)``
        Begin again; ``count``, ``pool`` and ``last_chunk`` are constant from here to ``done``.
    count : ``In(address_bits)``
        Rows, or windows.
    pool : ``In(1)``
        Each window has four positions.
    last_chunk : ``In(range(depth))``
        Number of the last chunk.
    advance : ``In(1)``
        On to the next step.
    busy : ``Out(1)``
        There is a step.
    read : ``Out(range(depth))``
        Number of the next cycle's chunk, for a memory that reads with one cycle of latency.
    chunk_first, chunk_last : ``Out(1)``
        This is the first, the last chunk.
    phase : ``Out(2)``, phase_last : ``Out(1)``
        Position in the window, and whether it is the last.
    base : ``Out(address_bits)``
        Row or window of the first unit.
    on : ``Out(units)``
        Units that have a row or window.
    group_last : ``Out(1)``, done : ``Out(1)``
        This is the last group; the last step of all.
    """

    def __init__(self, cfg: Config, kind: str):
        self.cfg, self.kind = cfg, kind
        chunk = unsigned(max(1, (chunk_depth(cfg, kind) - 1).bit_length()))
        super().__init__(
            {
                "start": In(1),
                "count": In(cfg.address_bits),
                "pool": In(1),
                "last_chunk": In(chunk),
                "advance": In(1),
                "busy": Out(1),
                "read": Out(chunk),
                "chunk_first": Out(1),
                "chunk_last": Out(1),
                "phase": Out(2),
                "phase_last": Out(1),
                "base": Out(cfg.address_bits),
                "on": Out(cfg.units(kind)),
                "group_last": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, units = Module(), self.cfg.units(self.kind)
        chunk = Signal.like(self.read)
        left = Signal.like(self.count)
        m.d.comb += [
            self.read.eq(chunk),
            self.chunk_first.eq(chunk == 0),
            self.chunk_last.eq(chunk == self.last_chunk),
            self.phase_last.eq(self.phase == self.pool.replicate(2)),
            self.group_last.eq(left <= units),
            self.done.eq(self.busy & self.chunk_last & self.phase_last & self.group_last),
            self.on.eq(Cat(left > u for u in range(units))),
        ]
        m.d.sync += chunk.eq(self.read)
        with m.If(self.start):
            m.d.comb += self.read.eq(0)
            m.d.sync += [self.busy.eq(1), self.phase.eq(0), left.eq(self.count), self.base.eq(0)]
        with m.Elif(self.advance):
            m.d.comb += self.read.eq(Mux(self.chunk_last, 0, chunk + 1))
            with m.If(self.chunk_last):
                m.d.sync += self.phase.eq(Mux(self.phase_last, 0, self.phase + 1))
            with m.If(self.chunk_last & self.phase_last):
                m.d.sync += [left.eq(left - units), self.base.eq(self.base + units)]
            with m.If(self.done):
                m.d.sync += self.busy.eq(0)
        return m


def geometry_layout(cfg: Config) -> data.StructLayout:
    """Return the geometry of a convolution.

    ``width`` and ``plane``: pixels of an image row and of a channel; ``kernel_width``,
    ``kernel_height``; ``columns``: windows in a row.
    """
    names = ("width", "plane", "kernel_width", "kernel_height", "columns")
    return data.StructLayout(dict.fromkeys(names, unsigned(cfg.address_bits)))


class Windows(Configured[Config]):
    """Holds the image address of every unit's window, and moves all of them on by N windows.

    Set up in N cycles by walking through the first N windows; where that walk ends is also how far
    a step of N windows leads, so nothing is multiplied or divided.

    Members
    -------
    geometry : ``In(geometry_layout(cfg))``, pool : ``In(1)``
        Geometry; constant from ``clear`` on.
    clear : ``In(1)``, setup : ``In(1)``
        Begin the walk; walk one window on.
    restart : ``In(1)``, advance : ``In(1)``
        Back to the first windows; on by N.
    base : ``Out(ArrayLayout(address_bits, N))``
        Address of each window's upper left corner.
    """

    def ports(self, cfg: Config) -> Ports:
        address = unsigned(cfg.address_bits)
        return {
            "geometry": In(geometry_layout(cfg)),
            "pool": In(1),
            "clear": In(1),
            "setup": In(1),
            "restart": In(1),
            "advance": In(1),
            "base": Out(data.ArrayLayout(address, cfg.conv_units)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        bits, units = cfg.address_bits, cfg.conv_units
        place = data.StructLayout({"column": bits, "base": bits})
        walk, row = Signal(place), Signal(bits)
        following, next_row = Signal(bits), Signal(bits)
        first = [Signal(place, name=f"first{u}") for u in range(units)]
        now = [Signal(place, name=f"now{u}") for u in range(units)]
        # From the end of one row of windows to the beginning of the next.
        wrap = Signal(bits)
        m.d.comb += [
            following.eq(walk.column + 1),
            next_row.eq(row + (self.geometry.width << self.pool)),
            wrap.eq((self.geometry.width - self.geometry.columns) << self.pool),
        ]
        with m.If(self.clear):
            m.d.sync += [walk.eq(0), row.eq(0)]
        with m.Elif(self.setup):
            m.d.sync += [a.eq(b) for a, b in zip(first, [*first[1:], walk], strict=True)]
            with m.If(following == self.geometry.columns):
                m.d.sync += [walk.column.eq(0), walk.base.eq(next_row), row.eq(next_row)]
            with m.Else():
                m.d.sync += [walk.column.eq(following), walk.base.eq(walk.base + (1 << self.pool))]
        for u in range(units):
            column = Signal(bits + 1, name=f"column{u}")
            over = Signal(name=f"over{u}")
            m.d.comb += [
                column.eq(now[u].column + walk.column),
                over.eq(column >= self.geometry.columns),
                self.base[u].eq(now[u].base),
            ]
            with m.If(self.restart):
                m.d.sync += now[u].eq(first[u])
            with m.Elif(self.advance):
                m.d.sync += [
                    now[u].column.eq(column - Mux(over, self.geometry.columns, 0)),
                    now[u].base.eq(now[u].base + walk.base + Mux(over, wrap, 0)),
                ]
        return m


class Offsets(Configured[Config]):
    """Holds where the next P elements of an unrolled kernel lie in the image.

    Channel by channel, row by row: element (i, dy, dx) lies ``i plane + dy width + dx`` behind the
    corner of the patch.

    Members
    -------
    geometry : ``In(geometry_layout(cfg))``
        Geometry.
    restart : ``In(1)``, advance : ``In(1)``
        Back to the first element; on by P.
    offset : ``Out(ArrayLayout(address_bits, P))``
        Offsets from the corner.
    """

    def ports(self, cfg: Config) -> Ports:
        offset = data.ArrayLayout(unsigned(cfg.address_bits), cfg.compactor_width)
        return {
            "geometry": In(geometry_layout(cfg)),
            "restart": In(1),
            "advance": In(1),
            "offset": Out(offset),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        names = ("column", "line", "at", "row", "channel")
        place = data.StructLayout(dict.fromkeys(names, unsigned(cfg.address_bits)))
        state: Any = Signal(place)
        here: data.View = state
        for k in range(cfg.compactor_width):
            m.d.comb += self.offset[k].eq(here.at)
            after: Any = Signal(place, name=f"after{k}")
            m.d.comb += after.eq(self._next(m, here, k))
            here = after
        with m.If(self.restart):
            m.d.sync += state.eq(0)
        with m.Elif(self.advance):
            m.d.sync += state.eq(here)
        return m

    def _next(self, m: Module, here: data.View, k: int) -> Value:
        """Return the place of the element that follows."""
        shape, bits = self.geometry, self.cfg.address_bits
        row, channel = Signal(bits, name=f"row{k}"), Signal(bits, name=f"channel{k}")
        column, line = Signal(bits, name=f"column{k}"), Signal(bits, name=f"line{k}")
        end_row, end_plane = Signal(name=f"end_row{k}"), Signal(name=f"end_plane{k}")
        m.d.comb += [
            row.eq(here.row + shape.width),
            channel.eq(here.channel + shape.plane),
            column.eq(here.column + 1),
            line.eq(here.line + 1),
            end_row.eq(column == shape.kernel_width),
            end_plane.eq(end_row & (line == shape.kernel_height)),
        ]
        at = (here.at + 1)[:bits]
        return Cat(
            Mux(end_row, 0, column),
            Mux(end_plane, 0, Mux(end_row, line, here.line)),
            Mux(end_plane, channel, Mux(end_row, row, at)),
            Mux(end_plane, channel, Mux(end_row, row, here.row)),
            Mux(end_plane, channel, here.channel),
        )
