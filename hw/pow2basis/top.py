"""The array of power-of-two coefficients: bases, activations, coefficients, units and sums."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from nomul.golden.pow2basis import Config
from nomul.golden.pow2basis.config import RULES
from nomul.hw.once import Once
from nomul.hw.pow2basis.loader import Loader
from nomul.hw.pow2basis.unit import Unit, parts_layout, serial
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.member import Member
from nomul.hw.products.ports import admission, raise_flags, strobes
from nomul.hw.products.store import Store
from nomul.hw.products.sums import dot, recode


class Top(Member[Config]):
    """Multiplies vectors by W = (Ce B)^T that stays: y = W^T x.

    After SmartExchange (arXiv 2005.03403). A beat has the activations of a block. ``factor``: they
    are multiplied by the block's basis once, while the block before is worked on; then each group
    of ``units`` outputs takes a cycle, in which coefficients shift these products and add them up.
    ``rebuild``: in a group's cycle coefficients shift the basis to weights, which are multiplied.
    Groups without coefficients are left out, and a block without any takes a cycle. Sums leave
    while the next vector's are made: ``cfg.interval`` cycles between vectors of which nothing is
    left out, and three from the last group to the first sums.

    When tiles and vectors may be offered is said in :class:`nomul.hw.products.member.Member`.

    Members
    -------
    Those of :class:`nomul.hw.products.member.Member`, of which:

    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: bases and bitmaps, then coefficients; see ``Packed.words``.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.pow2basis.FLAGS``; a code of minus nothing counts as nothing.
    """

    notes = {"errors": RULES}  # for register maps

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.loader = loader = Loader(cfg)
        m.submodules.heads = heads = Once("heads", Store, cfg.header_bits, cfg.blocks)
        depth = cfg.blocks * cfg.steps
        m.submodules.codes = codes = Once("codes", Store, cfg.codes_bits, depth)
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_bits, cfg.chunks, again=False)
        m.submodules.drain = drain = Drain(cfg.outputs, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        self.attach(m, loader, feed, drain)
        go, done, there, busy = Signal(), Signal(), Signal(), Signal()
        full = Signal(name="block_full")
        m.d.comb += [
            feed.final.eq(1),
            *admission(loader, feed),
            loader.idle.eq(feed.idle & ~there & ~full & ~busy),
            self.loaded.eq(loader.loaded),
            heads.write.eq(loader.write_head),
            heads.into.eq(loader.head),
            heads.word.eq(loader.word[: cfg.header_bits]),
            heads.read.eq(feed.step),
            heads.address.eq(feed.chunk),
            codes.write.eq(loader.write_codes),
            codes.into.eq(loader.codes),
            codes.word.eq(loader.word[: cfg.codes_bits]),
            go.eq(~done | drain.room),
            drain.load.eq(done & drain.room),
            drain.final.eq(1),
        ]
        moved = Signal()
        block = self._block(m, feed, heads, (go, there, full, moved))
        self._groups(m, codes, drain, block, (go, done, full, busy, moved))
        raise_flags(m, self.errors, (*strobes(loader, feed), loader.minus_zero))
        return m

    def _block(
        self, m: Module, feed: Feed, heads: Once, flow: tuple[Value, ...]
    ) -> dict[str, Signal]:
        """Describe the first part: what a block's groups will need, and when it is there."""
        cfg, (go, there, full, moved) = self.cfg, flow
        plane = Signal(range(max(2, cfg.first_cycles)), init=cfg.first_cycles - 1)
        tail, began, ends, steps, whole = (Signal(name=f"beat_{i}") for i in range(5))
        m.d.comb += [
            # What the block before has left is in the way until it has moved on.
            steps.eq(go & there & ((plane != cfg.first_cycles - 1) | ~full | moved)),
            whole.eq(steps & (plane == 0)),
            feed.go.eq(go & (~there | whole)),
        ]
        with m.If(steps):
            m.d.sync += plane.eq(Mux(plane == 0, cfg.first_cycles - 1, plane - 1))
        feed.beat(m, there, tail, began, ends, whole)
        x = Signal(cfg.size * cfg.act_bits, name="x_now")
        lanes = feed.acts(cfg.inputs, tail)
        m.d.comb += [x[i * cfg.act_bits :][: cfg.act_bits].eq(lane) for i, lane in enumerate(lanes)]
        kept = {
            "begin": Signal(name="block_begin"),
            "end": Signal(name="block_end"),
            "map": Signal(cfg.steps, name="block_map", reset_less=True),
            "parts": Signal(parts_layout(cfg).size, name="block_parts", reset_less=True),
            "x": Signal(cfg.size * cfg.act_bits, name="block_x", reset_less=True),
        }
        bits = cfg.header_bits - cfg.map_bits
        bitmap = heads.found[bits:] if cfg.skip else Const((1 << cfg.steps) - 1, cfg.steps)
        parts = self._parts(m, heads.found[:bits], x, plane, steps)
        with m.If(whole):
            m.d.sync += [
                full.eq(1),
                kept["begin"].eq(began),
                kept["end"].eq(ends),
                kept["map"].eq(bitmap),
                kept["parts"].eq(parts),
                kept["x"].eq(x),
            ]
        with m.Elif(moved):
            m.d.sync += full.eq(0)
        return kept

    def _parts(self, m: Module, basis: Value, x: Signal, plane: Signal, enable: Value) -> Value:
        """Return what units get of a block: the basis, or its products with the activations."""
        cfg, bits, size = self.cfg, self.cfg.basis_bits, self.cfg.size
        if cfg.datapath == "rebuild":
            return basis
        acts = [x[i * cfg.act_bits :][: cfg.act_bits] for i in range(size)]
        rows = [
            [basis[(k * size + j) * bits :][:bits].as_signed() for j in range(size)]
            for k in range(size)
        ]
        if cfg.products == "bitserial":
            made = [serial(m, row, acts, plane, cfg, enable, cfg.part_bits) for row in rows]
        else:
            factors = [recode(m, act, cfg.act_signed) for act in acts]
            made = [dot(m, factors, row, cfg.part_bits) for row in rows]
        return Cat(made)

    def _groups(
        self, m: Module, codes: Once, drain: Drain, block: dict[str, Signal], flow: Any
    ) -> None:
        """Describe the second part: a block's groups one after the other, and the units."""
        cfg, (go, done, full, busy, moved) = self.cfg, flow
        names = ("begin", "end", "parts", "x")
        at = {name: Signal.like(block[name], name=f"group_{name}") for name in names}
        pending, others = Signal(cfg.steps), Signal(cfg.steps)
        plane = Signal(range(max(2, cfg.group_cycles)), init=cfg.group_cycles - 1)
        address = Signal(range(max(2, cfg.blocks * cfg.steps)))
        step, operand, worked, finished = (
            Signal(range(max(2, cfg.steps))),
            *(Signal(name=n) for n in ("operand", "worked", "finished")),
        )
        for number in reversed(range(cfg.steps)):
            with m.If(pending[number]):
                m.d.comb += step.eq(number)
        m.d.comb += [
            others.eq(pending & (pending - 1)),
            operand.eq(busy & pending.any()),
            worked.eq(plane == 0),
            finished.eq(~operand | worked & ~others.any()),
            moved.eq(full & go & (~busy | finished)),
            codes.read.eq(go & operand),
            codes.address.eq(address),
        ]
        with m.If(go & busy):
            m.d.sync += at["begin"].eq(0)
            with m.If(operand):
                m.d.sync += plane.eq(Mux(worked, cfg.group_cycles - 1, plane - 1))
                with m.If(worked):
                    m.d.sync += [pending.eq(others), address.eq(address + 1)]
            with m.If(finished):
                m.d.sync += busy.eq(0)
        with m.If(moved):
            m.d.sync += [busy.eq(1), pending.eq(block["map"])]
            m.d.sync += [at[name].eq(block[name]) for name in names]
            with m.If(block["begin"]):
                m.d.sync += address.eq(0)
        # One cycle later the coefficients are there.
        valid, first, adds, last = (
            Signal(name=f"now_{n}") for n in ("valid", "first", "adds", "l")
        )
        now = {
            "step": Signal.like(step, name="now_step"),
            "plane": Signal.like(plane, name="now_p"),
        }
        parts, x = (Signal.like(at[n], name=f"now_{n}") for n in ("parts", "x"))
        with m.If(go):
            m.d.sync += [
                valid.eq(busy),
                first.eq(busy & at["begin"]),
                adds.eq(operand),
                last.eq(busy & finished & at["end"]),
                now["step"].eq(step),
                now["plane"].eq(plane),
                parts.eq(at["parts"]),
                x.eq(at["x"]),
                done.eq(valid & last),
            ]
        width = cfg.codes_bits // cfg.outputs_at_once
        for number in range(cfg.outputs_at_once):
            m.submodules[f"unit{number}"] = unit = Once("unit", Unit, cfg)
            m.d.comb += [
                unit.enable.eq(go & valid),
                unit.first.eq(first),
                unit.adds.eq(adds),
                unit.codes.eq(codes.found[number * width :][:width]),
                unit.parts.eq(parts),
                unit.x.eq(x),
                unit.step.eq(now["step"]),
                unit.plane.eq(now["plane"]),
            ]
            for s in range(cfg.steps):
                output = s * cfg.outputs_at_once + number
                if output < cfg.outputs:
                    m.d.comb += drain.sums[output].eq(unit.sums[s])
