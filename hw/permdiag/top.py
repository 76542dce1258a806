"""The permuted-diagonal array: activations, zero compactor, weights, units and sums."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from nomul.golden.permdiag import RULES, Config, shifts
from nomul.hw.once import Once
from nomul.hw.permdiag.address import modular_difference
from nomul.hw.permdiag.compactor import Compactor
from nomul.hw.permdiag.unit import Unit
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader
from nomul.hw.products.member import Member
from nomul.hw.products.ports import admission, raise_flags, strobes
from nomul.hw.products.store import Store


class Top(Member[Config]):
    """Multiplies vectors by a permuted-diagonal matrix that stays: y = W^T x, zeros of x skipped.

    After PermDNN (Deng et al., MICRO 2018). An activation that is not zero meets one weight of each
    block row, ``units`` of them in a step; one that is zero takes no time, and a beat of zeros one
    cycle. All activations have the same work, so that no unit waits for another one. Sums leave
    while the next vector's are made: three cycles from a vector's last step to its first sums, and
    ``cfg.interval`` cycles between vectors without zeros.

    When tiles and vectors may be offered is said in :class:`nomul.hw.products.member.Member`.

    Members
    -------
    Those of :class:`nomul.hw.products.member.Member`, of which:

    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: a weight for each unit, or a shift; see ``Packed.words``.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.permdiag.FLAGS``.

    Limits
    ------
    Unless they are ``loaded``, shifts are constants of the hardware: a tile of others needs other
    hardware.
    """

    notes = {"errors": RULES}  # for register maps

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.loader = loader = Loader(cfg.word_bits, cfg.depth, cfg.depth)
        m.submodules.store = store = Once(
            "store", Store, cfg.units * cfg.stored_bits, cfg.weight_words
        )
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_bits, cfg.chunks, again=False)
        m.submodules.compactor = compactor = Compactor(cfg)
        m.submodules.drain = drain = Drain(cfg.outputs, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        self.attach(m, loader, feed, drain)

        # A beat goes into the compactor, which says when the next one may come.
        filled = (cfg.inputs - 1) % cfg.width + 1
        used = Cat(
            act.any() & ((feed.chunk != cfg.chunks - 1) if lane >= filled else Const(1))
            for lane, act in enumerate(feed.x.payload.x)
        )
        done, go = Signal(), Signal()
        fields = [loader.word.word_select(unit, cfg.field_bits) for unit in range(cfg.units)]
        # Shifts, where they are loaded, come before the weights.
        after = loader.into >= cfg.shift_words if cfg.shift_words else Const(1)
        m.d.comb += [
            feed.go.eq(compactor.room),
            feed.final.eq(1),
            *admission(loader, feed),
            # Weights are read after the last activation was taken.
            loader.idle.eq(feed.idle & ~compactor.there),
            self.loaded.eq(loader.loaded),
            compactor.go.eq(go),
            compactor.load.eq(feed.step),
            compactor.begin.eq(feed.begin),
            compactor.end.eq(feed.end),
            compactor.mask.eq(used),
            compactor.acts.eq(feed.now),
            store.write.eq(loader.write & after),
            store.into.eq(loader.into - cfg.shift_words),
            store.word.eq(Cat(field[: cfg.stored_bits] for field in fields)),
            store.read.eq(go & compactor.operand),
            store.address.eq(compactor.base + compactor.j),
            go.eq(~done | drain.room),
            drain.load.eq(done & drain.room),
            drain.final.eq(1),
        ]
        wrong: Value = Const(0)
        loaded: Any = None
        if cfg.k == "loaded":
            loaded, wrong = self._loaded(m, loader, fields, compactor, go)
        self._units(m, compactor, store, drain, (go, done), loaded)
        raise_flags(m, self.errors, (*strobes(loader, feed), wrong))
        return m

    def _loaded(
        self, m: Module, loader: Loader, fields: Any, compactor: Compactor, go: Value
    ) -> tuple[Any, Value]:
        """Describe the shifts of a tile; return those of the units, and the strobe of wrong ones.

        They are read with the weights, by step and block column.
        """
        cfg, bits = self.cfg, self.cfg.shift_bits
        m.submodules.shifts = store = Once("shifts", Store, cfg.units * bits, cfg.shift_words)
        here = loader.write & (loader.into < cfg.shift_words)
        given = [field[:bits] for field in fields]
        large = [shift >= cfg.p for shift in given]
        m.d.comb += [
            store.write.eq(here),
            store.into.eq(loader.into),
            store.word.eq(
                Cat(Mux(wrong, 0, shift) for wrong, shift in zip(large, given, strict=True))
            ),
            store.read.eq(go & compactor.operand),
            store.address.eq(compactor.step * cfg.block_columns + compactor.block),
        ]
        found = [store.found.word_select(unit, bits) for unit in range(cfg.units)]
        return found, here & Cat(large).any()

    def _units(
        self,
        m: Module,
        compactor: Compactor,
        store: Once,
        drain: Drain,
        flow: tuple[Value, Value],
        loaded: Any,
    ) -> None:
        """Describe the operands, one cycle later, the units, and the sums that are done."""
        cfg, (go, done) = self.cfg, flow
        natural = cfg.k == "natural"
        valid, first, operand, last = Signal(), Signal(), Signal(), Signal()
        names = ("x", "d", "block", "step", "plane")
        now = {name: Signal.like(getattr(compactor, name), name=f"{name}_now") for name in names}
        with m.If(go):
            m.d.sync += [
                valid.eq(compactor.there),
                first.eq(compactor.first),
                operand.eq(compactor.operand),
                last.eq(compactor.last),
                done.eq(valid & last),
                *(now[name].eq(getattr(compactor, name)) for name in names),
            ]
        # A natural shift is the first block's of its row, plus the block column: both modulo p.
        d = modular_difference(m, now["d"], now["block"], cfg.p, "e") if natural else now["d"]
        units, table = [], None if loaded else shifts(cfg)
        for number in range(cfg.units):
            rows = range(number, cfg.steps * cfg.units, cfg.units)
            shift = (
                loaded[number]
                if loaded
                else Array(self._shift(table, row, now["block"]) for row in rows)[now["step"]]
            )
            m.submodules[f"unit{number}"] = unit = Once("unit", Unit, cfg)
            m.d.comb += [
                unit.enable.eq(go & valid),
                unit.first.eq(first),
                unit.operand.eq(operand),
                unit.x.eq(now["x"]),
                unit.w.eq(store.found[number * cfg.stored_bits :][: cfg.stored_bits]),
                unit.d.eq(d),
                unit.k.eq(shift),
                unit.step.eq(now["step"]),
                unit.plane.eq(now["plane"]),
            ]
            units.append(unit)
        for i in range(cfg.outputs):
            row, c = divmod(i, cfg.p)
            step, number = divmod(row, cfg.units)
            m.d.comb += drain.sums[i].eq(units[number].sums[step * cfg.p + c])

    def _shift(self, table: Any, row: int, block: Signal) -> Value:
        """Return a block row's shift: of its first block if natural, or of the block at work."""
        cfg, size = self.cfg, range(max(2, self.cfg.p))
        if row >= cfg.block_rows:
            return Const(0, size)
        if cfg.k == "natural":
            return Const(int(table[row, 0]), size)
        return Array(Const(int(k), size) for k in table[row])[block]
