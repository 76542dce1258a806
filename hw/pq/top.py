"""The array for product quantisation: subvectors, nearest prototypes, tables and sums."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed

from nomul.golden.pq import LEVELS, Config
from nomul.golden.products.contract import RULES
from nomul.hw.once import Once
from nomul.hw.pq.nearest import Nearest
from nomul.hw.pq.tree import Tree
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader
from nomul.hw.products.member import Member
from nomul.hw.products.ports import admission, raise_flags, strobes
from nomul.hw.products.store import Store


class Top(Member[Config]):
    """Adds up table entries of the nearest prototypes: y is nearly W^T x, and nothing multiplies.

    After PQ-DNN (arXiv 2305.18334). A beat has ``groups`` subvectors. Each is compared with its
    prototypes, ``encoding`` cycles, while the entries of the beat before are looked up,
    ``looking_up`` cycles, and added to the sums. ``cfg.interval`` cycles between vectors, and three
    from the last entries to the first sums. The metric ``l2`` multiplies distances by themselves.

    When tiles and vectors may be offered is said in :class:`nomul.hw.products.member.Member`.

    Members
    -------
    Those of :class:`nomul.hw.products.member.Member`, of which:

    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: prototypes or thresholds, then tables; see ``Packed.words``.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), y_lanes), last}))``
        Sums in order, in units of 2^table_shift.
    errors : ``Out(5)``
        Sticky flags, ``nomul.golden.products.FLAGS``.
    """

    notes = {"errors": RULES}  # for register maps

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.loader = loader = Loader(cfg.word_bits, cfg.depth, cfg.depth)
        m.submodules.codes = codes = Once("codes", Store, cfg.code_bits, cfg.code_words)
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_bits, cfg.chunks, again=False)
        m.submodules.drain = drain = Drain(cfg.outputs, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        self.attach(m, loader, feed, drain)
        go, done, idle = Signal(), Signal(), Signal()
        m.d.comb += [
            feed.final.eq(1),
            *admission(loader, feed),
            loader.idle.eq(feed.idle & idle),
            self.loaded.eq(loader.loaded),
            codes.write.eq(loader.write & (loader.into < cfg.code_words)),
            codes.into.eq(loader.into),
            codes.word.eq(loader.word[: cfg.code_bits]),
            go.eq(~done | drain.room),
            drain.load.eq(done & drain.room),
            drain.final.eq(1),
        ]
        full, moved, busy = Signal(), Signal(), Signal()
        beat, working = self._encoding(m, feed, codes, (go, full, moved))
        self._looking_up(m, loader, drain, beat, (go, done, full, busy, moved))
        m.d.comb += idle.eq(~working & ~full & ~busy)
        raise_flags(m, self.errors, strobes(loader, feed))
        return m

    def _lanes(self, feed: Feed, tail: Signal) -> list:
        """Return the activations of each subvector of a beat, zero beyond the vector's end."""
        cfg = self.cfg
        zero = Const(0, cfg.act_bits)
        flat = feed.acts(cfg.inputs, tail)
        flat += [zero] * (cfg.lanes - cfg.width)
        return [flat[g * cfg.length : (g + 1) * cfg.length] for g in range(cfg.at_once)]

    def _encoding(
        self, m: Module, feed: Feed, codes: Once, flow: Any
    ) -> tuple[dict[str, Any], Value]:
        """Describe the first part: prototypes are read, and in the next cycle compared."""
        cfg, (go, full, moved) = self.cfg, flow
        tree = cfg.metric == "tree"
        inner = 1 if tree else cfg.element_steps
        outer = LEVELS if tree else cfg.prototype_steps
        there, tail, began, ends, steps, whole, on = (Signal(name=f"beat_{i}") for i in range(7))
        part, row = Signal(range(max(2, inner))), Signal(range(max(2, outer)))
        address, base = Signal(range(max(2, cfg.code_words))), Signal(range(max(2, cfg.prototypes)))
        part_last, row_last = part == inner - 1, row == outer - 1
        now_there, now_last = Signal(), Signal()
        m.d.comb += [
            # Indices of the beat before are in the way until they have moved on.
            on.eq(go & ~(now_there & now_last & full & ~moved)),
            steps.eq(on & there),
            whole.eq(steps & part_last & row_last),
            feed.go.eq(go & (~there | whole)),
            codes.read.eq(steps),
            codes.address.eq(address),
        ]
        with m.If(steps):
            m.d.sync += part.eq(Mux(part_last, 0, part + 1))
            with m.If(part_last):
                m.d.sync += [row.eq(Mux(row_last, 0, row + 1)), base.eq(base + cfg.compared)]
            if not tree:
                m.d.sync += address.eq(address + 1)
        with m.If(whole):
            m.d.sync += base.eq(0)
            if tree:
                m.d.sync += address.eq(address + 1)
            if cfg.shared:
                m.d.sync += address.eq(0)
        with m.If(feed.step):
            m.d.sync += [there.eq(1), began.eq(feed.begin), ends.eq(feed.end)]
            m.d.sync += tail.eq(feed.chunk == cfg.chunks - 1)
            with m.If(feed.begin):
                m.d.sync += address.eq(0)
        with m.Elif(whole):
            m.d.sync += there.eq(0)

        # One cycle later: operands are there.
        now = {
            "part_first": (part == 0, 1),
            "part_last": (part_last, 1),
            "row_first": (row == 0, 1),
            "row_last": (row_last, 1),
            "row": (row, len(row)),
            "base": (base, len(base)),
            "begin": (began, 1),
            "end": (ends, 1),
        }
        kept = {name: Signal(width, name=f"now_{name}") for name, (_, width) in now.items()}
        acts = self._operands(feed, tail, part)
        held = [Signal(len(act), name=f"now_x{g}", reset_less=True) for g, act in enumerate(acts)]
        with m.If(on):
            m.d.sync += [now_there.eq(there), now_last.eq(whole)]
            m.d.sync += [kept[name].eq(value) for name, (value, _) in now.items()]
            m.d.sync += [signal.eq(act) for signal, act in zip(held, acts, strict=True)]
        beat: dict[str, Any] = {
            "begin": Signal(name="found_begin"),
            "end": Signal(name="found_end"),
            "index": [
                Signal(range(max(2, cfg.prototypes)), name=f"found{g}") for g in range(cfg.at_once)
            ],
        }
        written = on & now_there & now_last
        with m.If(written):
            m.d.sync += [full.eq(1), beat["begin"].eq(kept["begin"]), beat["end"].eq(kept["end"])]
        with m.Elif(moved):
            m.d.sync += full.eq(0)
        for g, index in enumerate(beat["index"]):
            found = self._searcher(m, g, codes.found, held[g], kept, on & now_there)
            with m.If(written):
                m.d.sync += index.eq(found)
        return beat, there | now_there

    def _operands(self, feed: Feed, tail: Signal, part: Signal) -> list:
        """Return what each subvector compares in a step: all of it, or some elements."""
        cfg = self.cfg
        lanes = self._lanes(feed, tail)
        if cfg.metric == "tree":
            return [Cat(*lane) for lane in lanes]
        full = cfg.element_steps * cfg.elements - cfg.length
        chosen = []
        for lane in lanes:
            padded = [*lane, *[Const(0, cfg.act_bits)] * full]
            parts = [
                Cat(*padded[i : i + cfg.elements]) for i in range(0, len(padded), cfg.elements)
            ]
            chosen.append(Array(parts)[part] if len(parts) > 1 else parts[0])
        return chosen

    def _searcher(
        self, m: Module, g: int, found: Value, x: Signal, now: dict[str, Any], enable: Value
    ) -> Value:
        """Describe what finds the index of a subvector, and return that."""
        cfg = self.cfg
        if cfg.metric == "tree":
            width = cfg.code_bits // cfg.at_once
            m.submodules[f"tree{g}"] = tree = Once("tree", Tree, cfg)
            m.d.comb += [
                tree.enable.eq(enable),
                tree.level.eq(now["row"]),
                tree.x.eq(x),
                tree.codes.eq(found[g * width :][:width]),
            ]
            return tree.index
        width = cfg.compared * cfg.elements * cfg.act_bits
        m.submodules[f"nearest{g}"] = nearest = Once("nearest", Nearest, cfg)
        m.d.comb += [
            nearest.enable.eq(enable),
            nearest.first_element.eq(now["part_first"]),
            nearest.last_element.eq(now["part_last"]),
            nearest.first_group.eq(now["row_first"]),
            nearest.last_group.eq(now["row_last"]),
            nearest.base.eq(now["base"]),
            nearest.x.eq(x),
            nearest.codes.eq(found if cfg.shared else found[g * width :][:width]),
        ]
        return nearest.index

    def _looking_up(
        self, m: Module, loader: Loader, drain: Drain, beat: dict[str, Any], flow: Any
    ) -> None:
        """Describe the second part: entries of each subvector's table, added to the sums."""
        cfg, (go, done, full, busy, moved) = self.cfg, flow
        begin, end, finished = (Signal(name=f"look_{n}") for n in ("begin", "end", "finished"))
        step, base = Signal(range(max(2, cfg.looking_up))), Signal(range(max(2, cfg.table_words)))
        start, stride = Signal.like(base), cfg.prototypes * cfg.looking_up
        m.d.comb += [
            finished.eq(step == cfg.looking_up - 1),
            moved.eq(full & go & (~busy | finished)),
            start.eq(Mux(beat["begin"], 0, base)),
        ]
        with m.If(go & busy):
            m.d.sync += step.eq(Mux(finished, 0, step + 1))
            with m.If(finished):
                m.d.sync += busy.eq(0)
        with m.If(moved):
            m.d.sync += [busy.eq(1), begin.eq(beat["begin"]), end.eq(beat["end"])]
            m.d.sync += base.eq(start + stride)
        entries, word = [], cfg.columns * cfg.table_bits
        for g, index in enumerate(beat["index"]):
            m.submodules[f"table{g}"] = table = Once("table", Store, word, cfg.table_words)
            address = Signal.like(base, name=f"entry{g}")
            with m.If(moved):
                m.d.sync += address.eq(start + index * cfg.looking_up)
            with m.Elif(go & busy):
                m.d.sync += address.eq(address + 1)
            m.d.comb += [
                table.write.eq(loader.write & (loader.into >= cfg.code_words)),
                table.into.eq(loader.into - cfg.code_words),
                table.word.eq(loader.word[g * word :][:word]),
                table.read.eq(go & busy),
                table.address.eq(address),
            ]
            entries.append(table.found)
        valid, first, last = (Signal(name=f"add_{n}") for n in ("valid", "first", "last"))
        at = Signal.like(step, name="add_step")
        with m.If(go):
            m.d.sync += [
                valid.eq(busy),
                first.eq(begin),
                last.eq(busy & finished & end),
                at.eq(step),
                done.eq(valid & last),
            ]
        bits = cfg.table_bits
        for column in range(cfg.columns):
            sums = [
                Signal(signed(cfg.y_bits), name=f"sum{column}_{s}", reset_less=True)
                for s in range(cfg.looking_up)
            ]
            looked = [entry[column * bits :][:bits].as_signed() for entry in entries]
            total = Signal(signed(cfg.y_bits), name=f"total{column}")
            m.d.comb += total.eq(Mux(first, 0, Array(sums)[at]) + sum(looked[1:], looked[0]))
            for s, kept in enumerate(sums):
                with m.If(go & valid & (at == s)):
                    m.d.sync += kept.eq(total)
                output = s * cfg.columns + column
                if output < cfg.outputs:
                    m.d.comb += drain.sums[output].eq(kept)
