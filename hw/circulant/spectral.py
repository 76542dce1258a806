"""Circulants by transforms modulo a Fermat number: points multiply, and add up, one by one."""

from itertools import pairwise

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.circulant.engine import Engine
from nomul.hw.circulant.fermat import added, decoded, encoded, multiplied
from nomul.hw.circulant.transform import Transform
from nomul.hw.once import Once


class Points(wiring.Component):
    """One unit: multiplies points, adds them up over block columns, and transforms the sums back.

    One point per cycle; a product is added in the next cycle, and enters the inverse in the one
    after that.

    Parameters
    ----------
    k, b, steps : int
        Points of a block, the modulus 2^b + 1, and block rows that the unit works on in turn.

    Members
    -------
    go, valid : ``In(1)``
        The pipeline moves; a point is there.
    x, w : ``In(b + 1)``
        Codes of an activation's point and of a weight's.
    adds, first : ``In(1)``
        Of the product in the cycle before: it is there, and begins a sum.
    back, fresh : ``In(1)``
        Of the sum in the cycle before: it is done, and it is the first of its block row.
    points : ``Out(ArrayLayout(unsigned(b + 1), k))``
        Codes of a block row's sums.
    """

    def __init__(self, k: int, b: int, steps: int):
        self.k, self.b, self.steps = k, b, steps
        flags = ("go", "valid", "first", "adds", "back", "fresh")
        codes = data.ArrayLayout(unsigned(b + 1), k)
        ports = {name: In(1) for name in flags}
        super().__init__(ports | {"x": In(b + 1), "w": In(b + 1), "points": Out(codes)})

    def elaborate(self, platform: object) -> Module:
        m, b = Module(), self.b
        product = Signal(b + 1, reset_less=True)
        with m.If(self.go & self.valid):
            m.d.sync += product.eq(multiplied(m, self.x, self.w, b, "product"))
        # Sums of all points of all block rows go around; the one at the end is next.
        ring = [Signal(b + 1, name=f"sum{i}", reset_less=True) for i in range(self.k * self.steps)]
        total = added(m, ring[-1], product, b, "total")
        with m.If(self.go & self.adds):
            m.d.sync += ring[0].eq(Mux(self.first, product, total))
            m.d.sync += [behind.eq(before) for before, behind in pairwise(ring)]
        m.submodules.inverse = inverse = Transform(self.k, b, inverse=True)
        m.d.comb += [
            inverse.enable.eq(self.go & self.back),
            inverse.first.eq(self.fresh),
            inverse.value.eq(ring[0]),
            self.points.eq(inverse.points),
        ]
        return m


class Spectral(Engine):
    """Describes the engine ``ntt``: beats to points, points to sums, sums back to numbers."""

    def describe(self, m: Module) -> None:
        """Add the engine to the module of the top level."""
        cfg, drain = self.cfg, self.drain
        go, done = Signal(), Signal()
        m.d.comb += [
            go.eq(~done | drain.room),
            self.feed.final.eq(1),
            drain.load.eq(done & drain.room),
        ]
        moved, forward = Signal(), Transform(cfg.k, cfg.modulus_log2, inverse=False)
        m.submodules.forward = forward
        begin, end, full = self._forward(m, forward, go, moved)
        self._points(m, forward, (begin, end, full, moved), go, done)

    def _forward(self, m: Module, forward: Transform, go: Signal, moved: Signal) -> tuple:
        """Describe the transform of a beat, one activation per cycle."""
        cfg, feed = self.cfg, self.feed
        there, tail, steps, whole = Signal(), Signal(), Signal(), Signal()
        began, ends, begin, end, full = (Signal(name=f"beat_{i}") for i in range(5))
        j = Signal(range(max(2, cfg.k)))
        m.d.comb += [
            # The points of the beat before are in the way until they have moved on.
            steps.eq(go & there & ((j != 0) | ~full | moved)),
            whole.eq(steps & (j == cfg.k - 1)),
            feed.go.eq(go & (~there | whole)),
        ]
        with m.If(steps):
            m.d.sync += j.eq(Mux(whole, 0, j + 1))
        with m.If(whole):
            m.d.sync += [full.eq(1), begin.eq(began), end.eq(ends)]
        with m.Elif(moved):
            m.d.sync += full.eq(0)
        feed.beat(m, there, tail, began, ends, whole)
        lanes = feed.acts(cfg.inputs, tail)
        x = Signal(cfg.act_bits)
        m.d.comb += [
            x.eq(Array([*lanes, *[Const(0, cfg.act_bits)] * (cfg.k - cfg.width)])[j]),
            forward.enable.eq(steps),
            forward.first.eq(j == 0),
            forward.value.eq(encoded(m, x, cfg.act_signed, cfg.modulus_log2, "x")),
        ]
        self.there = there
        return begin, end, full

    def _points(self, m: Module, forward: Transform, beat: tuple, go: Signal, done: Signal) -> None:
        """Describe the points of a block column: one per cycle, for each step in turn."""
        cfg, store = self.cfg, self.store
        begin, end, full, moved = beat
        busy, first, final, last = Signal(), Signal(), Signal(), Signal()
        f, step = Signal(range(max(2, cfg.k))), Signal(range(max(2, cfg.groups)))
        address, f_last = Signal(range(max(2, cfg.depth))), f == cfg.k - 1
        codes = Signal(cfg.k * (cfg.modulus_log2 + 1), reset_less=True)
        width = cfg.modulus_log2 + 1
        m.d.comb += [
            last.eq(f_last & (step == cfg.groups - 1)),
            moved.eq(full & go & (~busy | last)),
            store.read.eq(go & busy),
            store.address.eq(address),
            self.loader.idle.eq(self.feed.idle & ~self.there & ~full & ~busy),
        ]
        with m.If(go & busy):
            m.d.sync += [
                codes.eq(Cat(codes[width:], codes[:width])),
                f.eq(Mux(f_last, 0, f + 1)),
                address.eq(address + 1),
            ]
            with m.If(f_last):
                m.d.sync += step.eq(Mux(last, 0, step + 1))
            with m.If(last):
                m.d.sync += busy.eq(0)
        with m.If(moved):
            m.d.sync += [busy.eq(1), codes.eq(forward.points), first.eq(begin), final.eq(end)]
            with m.If(begin):
                m.d.sync += address.eq(0)
        # One cycle later operands, then products, sums, points of the inverse, and a block row.
        shape = data.StructLayout(dict.fromkeys(("valid", "first", "final", "zero", "f", "row"), 1))
        stages = [Signal(shape, name=f"stage{i}") for i in range(3)]
        x = Signal(width, reset_less=True)
        with m.If(go):
            m.d.sync += [
                x.eq(codes[:width]),
                stages[0].as_value().eq(Cat(busy, first, final, f == 0, f_last, last)),
                *(behind.eq(before) for before, behind in pairwise(stages)),
                done.eq(stages[2].valid & stages[2].final & stages[2].f),
                self.drain.final.eq(stages[2].row),
            ]
        operands, products, sums = stages
        for unit in range(cfg.rows_at_once):
            sizes = cfg.k, cfg.modulus_log2, cfg.groups
            m.submodules[f"unit{unit}"] = points = Once("points", Points, *sizes)
            m.d.comb += [
                points.go.eq(go),
                points.valid.eq(operands.valid),
                points.x.eq(x),
                points.w.eq(store.found[unit * width :][:width]),
                points.adds.eq(products.valid),
                points.first.eq(products.first),
                points.back.eq(sums.valid & sums.final),
                points.fresh.eq(sums.zero),
            ]
            for i in range(cfg.k):
                whole = Signal(signed(cfg.modulus_log2 + 1), name=f"whole{unit}_{i}")
                m.d.comb += whole.eq(decoded(points.points[i], cfg.modulus_log2))
                m.d.comb += self.drain.sums[unit * cfg.k + i].eq(whole)
