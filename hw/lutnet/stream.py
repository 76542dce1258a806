"""Front of a streamed network: pixels in, bits of windows out, and no image is stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import Kernels, Windows
from nomul.golden.lutnet.layers import Lanes
from nomul.golden.lutnet.schedule import Schedule
from nomul.hw.lutnet.operators import look_up, settle, table
from nomul.hw.lutnet.squares import Cells, Squares
from nomul.hw.lutnet.tiled import beat
from nomul.hw.once import Once


@dataclass(frozen=True)
class Step:
    """Which pixel a pipeline stage has: whether there is one, where, and whether it is the last."""

    valid: Value
    row: Value
    column: Value
    final: Value

    def at(self, rows: Iterable[int], columns: Iterable[int]) -> Value:
        """Return whether there is a pixel, in one of some rows and one of some columns."""
        return self.valid & among(self.row, rows) & among(self.column, columns)


def among(value: Value, numbers: Iterable[int]) -> Value:
    """Return whether a number is one of some, by a table."""
    return table(sum(1 << number for number in numbers), list(value))


def reaches(count: Value, threshold: int) -> Value:
    """Return whether a count reaches a positive constant, digit by digit from the lowest on."""
    answer: Value = Const(0, 1)
    for digit, bit in enumerate(list(count)):
        answer = bit & answer if (threshold - 1) >> digit & 1 else bit | answer
    return answer


class Front(wiring.Component):
    """Kernels and windows of a streamed network, one pixel per cycle.

    Pixels pass comparators and, one chain per level, the registers that kernels look into; the
    kernels' bits pass the windows' counters, which keep a number per column; and each threshold's
    bits enter a chain, whose registers hold the layer's answer once the image has ended.
    Latency is ``Schedule.latency`` cycles from the last pixel. An image takes as many cycles as it
    has pixels; only if its bits are in use for longer than the next image takes to complete the
    first window of several pixels does that one wait.

    Parameters
    ----------
    kernels, windows : :class:`Kernels`, :class:`Windows`
        The layers.
    codes : :class:`nomul.golden.lutnet.layers.Lanes`
        What the first of them takes.

    Members
    -------
    i : ``In(stream.Signature(beat(one code)))``
        Pixels in raster order; ``last`` with the last one of every image.
    o : ``Out(stream.Signature(beat(bits)))``
        The bits of an image; ``last`` is always set.
    misframed : ``Out(1)``
        Set from the cycle after ``last`` comes with another pixel, or is missing, until reset. An
        image that ends early has no answer, and the next one begins behind it.
    """

    i: stream.Interface
    o: stream.Interface
    misframed: Signal

    def __init__(self, kernels: Kernels, windows: Windows, codes: Lanes):
        self.kernels, self.windows = kernels, windows
        self.schedule = Schedule(kernels, windows)
        after = windows.lanes(kernels.lanes(codes))
        pixel = beat(Lanes(1, codes.low, codes.high))
        super().__init__(
            {
                "i": In(stream.Signature(pixel)),
                "o": Out(stream.Signature(beat(after))),
                "misframed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, windows = Module(), self.windows
        steps = [self.intake(m)]
        for number in range(1, self.schedule.stages + 1):
            steps.append(following(m, steps[-1], number))
        maps = self.maps(m, steps[0])
        # Counts of each grid and kernel in use, at the stage of the grid.
        counts: dict[tuple[int, int], Value] = {}
        used = set(zip(windows.grid.tolist(), windows.kernel.tolist(), strict=True))
        for grid, kernel in sorted(used):
            self.count(m, steps, maps, counts, grid, kernel)
        m.d.comb += [
            self.o.payload.x.eq(self.held(m, steps[-1], counts)),
            self.o.payload.last.eq(1),
        ]
        return m

    def intake(self, m: Module) -> Step:
        """Describe positions, flow and framing; return the step of the pixel that comes in."""
        windows, x = self.windows, self.i
        row, column = (
            Signal(max(1, (edge - 1).bit_length()), name=name)
            for name, edge in (("row", windows.height), ("column", windows.width))
        )
        step, final, taken, pending = (
            Signal(name=name) for name in ("step", "final", "taken", "pending")
        )
        wrap = settle(m, column == windows.width - 1, 1)
        m.d.comb += [
            final.eq(wrap & (row == windows.height - 1)),
            taken.eq(self.o.valid & self.o.ready),
            # Rows that complete no window of several pixels may pass while bits are in use.
            x.ready.eq(~pending | taken | among(row, range(self.schedule.free_rows))),
            step.eq(x.valid & x.ready),
        ]
        with m.If(taken):
            m.d.sync += pending.eq(0)
        with m.If(step):
            restart = settle(m, final | x.payload.last, 1)
            m.d.sync += [
                column.eq(Mux(restart | wrap, 0, column + 1)),
                row.eq(Mux(restart, 0, row + wrap)),
                self.misframed.eq(self.misframed | (final ^ x.payload.last)),
            ]
            with m.If(final):
                m.d.sync += pending.eq(1)
        return Step(step, row, column, final)

    def maps(self, m: Module, now: Step) -> Signal:
        """Describe chains of pixels' bits, and kernels; return a bit per kernel, a stage later."""
        kernels, width = self.kernels, self.windows.width
        place = (kernels.level, -kernels.dy * width - kernels.dx)
        wires = sorted(set(zip(*(values.reshape(-1).tolist() for values in place), strict=True)))
        found: list[Value] = []
        for level in sorted({level for level, _ in wires}):
            delays = [delay for own, delay in wires if own == level]
            first = settle(m, self.i.payload.x[0] >= level, 1)
            chain = Signal(max(1, delays[-1]), name=f"level{level}", reset_less=True)
            if delays[-1]:
                with m.If(now.valid):
                    m.d.sync += chain.eq(Cat(first, chain[:-1]))
            found += [chain[delay - 1] if delay else first for delay in delays]
        idx = [
            [wires.index(wire) for wire in zip(levels, delays, strict=True)]
            for levels, delays in zip(*(values.tolist() for values in place), strict=True)
        ]
        bits = look_up(m, Cat(found), idx, kernels.tt)
        # Elsewhere than where all of its pixels are in the image a kernel gives 0.
        inside: dict[tuple[int, int, int], Value] = {}
        for reach in kernels.reach:
            above, left, right = reach
            if reach not in inside:
                rows, columns = range(above, kernels.height), range(left, width - right)
                inside[reach] = settle(m, now.at(rows, columns), 1)
        result = Signal(len(kernels.tt), name="maps", reset_less=True)
        m.d.sync += result.eq(Cat(b & inside[r] for b, r in zip(bits, kernels.reach, strict=True)))
        return result

    def count(
        self,
        m: Module,
        steps: list[Step],
        maps: Signal,
        counts: dict[tuple[int, int], Value],
        grid: int,
        kernel: int,
    ) -> Value:
        """Describe the counter of a kernel's windows of one grid, unless it is there; return it."""
        if (grid, kernel) in counts:
            return counts[grid, kernel]
        windows, source = self.windows, self.schedule.sources[grid]
        size, edge = int(windows.size[grid]), int(windows.stride[grid])
        now, columns = steps[self.schedule.depths[grid] + 1], windows.width // edge
        name = f"map{kernel}_grid{grid}"
        value: Value
        if source is not None:
            inner = self.count(m, steps, maps, counts, source, kernel)
            value = Signal(len(inner), name=f"{name}_cell", reset_less=True)
            m.d.sync += value.eq(inner)
        elif edge == 1:
            value = maps[kernel]
        else:
            m.submodules[f"{name}_cells"] = cells = Once(f"cells{edge}", Cells, edge, columns)
            m.d.comb += [
                cells.x.eq(maps[kernel]),
                cells.step.eq(now.valid),
                cells.first_row.eq(among(now.row, range(0, windows.height, edge))),
                cells.first_column.eq(among(now.column, range(0, windows.width, edge))),
                cells.last_column.eq(among(now.column, range(edge - 1, windows.width, edge))),
            ]
            value = cells.count
        if size > edge:
            part = Once(f"squares{size}", Squares, size // edge, edge * edge, columns)
            m.submodules[name] = part
            m.d.comb += [part.x.eq(value), part.step.eq(now.at(*self.ends(edge, edge)))]
            value = part.count
        counts[grid, kernel] = value
        return value

    def ends(self, size: int, stride: int) -> tuple[range, range]:
        """Return the rows and columns in which windows end."""
        return (
            range(size - 1, self.windows.height, stride),
            range(size - 1, self.windows.width, stride),
        )

    def held(self, m: Module, now: Step, counts: dict[tuple[int, int], Value]) -> Cat:
        """Describe thresholds and chains; return the bits in the order of the layer."""
        windows, schedule = self.windows, self.schedule
        done = settle(m, now.valid & now.final, 1)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(done):
            m.d.sync += self.o.valid.eq(1)
        names = ("grid", "kernel", "threshold", "row", "column")
        bits = list(zip(*(getattr(windows, name).tolist() for name in names), strict=True))
        held: dict[tuple[int, ...], Value] = {}
        for grid, kernel, threshold in sorted({bit[:3] for bit in bits}):
            ends = self.ends(int(windows.size[grid]), int(windows.stride[grid]))
            rows, columns = map(len, ends)
            bit = reaches(counts[grid, kernel], threshold)
            for number in range(schedule.depths[grid] + 1, schedule.stages):
                later = Signal(name=f"bit{grid}_{kernel}_{threshold}_{number}", reset_less=True)
                m.d.sync += later.eq(bit)
                bit = later
            # The last window's bit is the first of the chain.
            own = [b for b in bits if b[:3] == (grid, kernel, threshold)]
            places = [rows * columns - 1 - (b[3] * columns + b[4]) for b in own]
            name = f"chain{grid}_{kernel}_{threshold}"
            # With a reset it stays registers, where shift registers would take look-up tables.
            chain = Signal(max(places) + 1, name=name)
            with m.If(now.at(*ends)):
                m.d.sync += chain.eq(Cat(bit, chain[:-1]))
            if schedule.latched(grid):
                copy = Signal(len(chain), name=f"{name}_copy", reset_less=True)
                with m.If(done):
                    m.d.sync += copy.eq(Cat(bit, chain[:-1]))
                chain = copy
            held |= {b: chain[place] for b, place in zip(own, places, strict=True)}
        return Cat(held[bit] for bit in bits)


def following(m: Module, step: Step, number: int) -> Step:
    """Return the step of the next pipeline stage."""
    valid = Signal(name=f"valid{number}")
    row = Signal(len(step.row), name=f"row{number}", reset_less=True)
    column = Signal(len(step.column), name=f"column{number}", reset_less=True)
    final = Signal(name=f"final{number}", reset_less=True)
    m.d.sync += [
        valid.eq(step.valid),
        row.eq(step.row),
        column.eq(step.column),
        final.eq(step.final),
    ]
    return Step(valid, row, column, final)
