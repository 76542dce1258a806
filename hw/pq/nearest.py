"""Finds the nearest of a subvector's prototypes: distances, and a running minimum."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.pq import Config


class Nearest(wiring.Component):
    """Compares some elements of a subvector with some prototypes per cycle.

    After ``encoding`` cycles, elements within prototypes, ``index`` is that of the least distance,
    and of equal ones the first; it follows combinationally from the last cycle's operands.

    Parameters
    ----------
    cfg : :class:`nomul.golden.pq.Config`
        Metric ``l1`` or ``l2``, sizes and widths.

    Members
    -------
    enable : ``In(1)``
        Operands are there.
    first_element, last_element, first_group, last_group : ``In(1)``
        Where they are in a distance, and among the groups of prototypes.
    base : ``In``
        Number of the group's first prototype.
    x : ``In(ArrayLayout(act_bits, elements))``, codes : ``In(ArrayLayout(.., compared))``
        Elements of the subvector, and of each prototype.
    index : ``Out``
        The nearest so far.
    """

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.number = range(max(2, cfg.prototypes))
        acts = data.ArrayLayout(unsigned(cfg.act_bits), cfg.elements)
        flags = ("enable", "first_element", "last_element", "first_group", "last_group")
        super().__init__(
            {name: In(1) for name in flags}
            | {
                "base": In(self.number),
                "x": In(acts),
                "codes": In(data.ArrayLayout(acts, cfg.compared)),
                "index": Out(self.number),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        filled = (cfg.prototypes - 1) % cfg.compared + 1
        keys = []
        for number in range(cfg.compared):
            code = self.codes[number]
            so_far, total = (Signal(cfg.distance_bits, name=f"{n}{number}") for n in ("sum", "now"))
            apart = [self._apart(m, x, p) for x, p in zip(self.x, code, strict=True)]
            m.d.comb += total.eq(Mux(self.first_element, 0, so_far) + sum(apart[1:], apart[0]))
            with m.If(self.enable):
                m.d.sync += so_far.eq(total)
            # What pads the last group is farther away than anything.
            missing = self.last_group if number >= filled else 0
            key = Signal(cfg.distance_bits + 1, name=f"key{number}")
            m.d.comb += key.eq(Cat(total, missing))
            keys.append((key, number))
        key, lane = self._least(m, keys)
        best_key, best = Signal.like(key, name="best_key"), Signal(self.number, name="best")
        better = Signal()
        m.d.comb += [
            better.eq(self.first_group | (key < best_key)),
            self.index.eq(Mux(better, self.base + lane, best)),
        ]
        with m.If(self.enable & self.last_element & better):
            m.d.sync += [best_key.eq(key), best.eq(self.base + lane)]
        return m

    def _apart(self, m: Module, x: Value, p: Value) -> Value:
        """Return the distance of two elements."""
        cfg = self.cfg
        apart, size = Signal(signed(cfg.act_bits + 1)), Signal(cfg.act_bits)
        x, p = (v.as_signed() if cfg.act_signed else v for v in (x, p))
        m.d.comb += [apart.eq(x - p), size.eq(Mux(apart < 0, -apart, apart))]
        return size * size if cfg.metric == "l2" else size

    def _least(self, m: Module, keys: list) -> tuple:
        """Return the least key and its number; of equal ones the first."""
        while len(keys) > 1:
            merged = []
            for (left, i), (right, j) in zip(keys[::2], keys[1::2], strict=False):
                less, key = Signal(), Signal.like(left)
                number = Signal(self.number)
                m.d.comb += [
                    less.eq(right < left),
                    key.eq(Mux(less, right, left)),
                    number.eq(Mux(less, j, i)),
                ]
                merged.append((key, number))
            keys = merged + ([keys[-1]] if len(keys) % 2 else [])
        return keys[0]
