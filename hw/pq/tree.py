"""Finds a subvector's leaf: one comparison per cycle, four for sixteen leaves."""

from amaranth.hdl import Array, Module, Mux, Signal, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.pq import LEAVES, LEVELS, Config
from nomul.hw.configured import Configured, Ports


class Tree(Configured[Config]):
    """Goes down a tree, a level per cycle; ``index`` follows from the last level's operands.

    Members
    -------
    enable : ``In(1)``
        Operands are there.
    level : ``In(2)``
        Which comparison; the first one begins at the root.
    x : ``In(ArrayLayout(act_bits, length))``
        The subvector.
    codes : ``In``
        Elements to compare, of each level, and thresholds, level by level.
    index : ``Out(4)``
        The leaf.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "level": In(range(LEVELS)),
            "x": In(data.ArrayLayout(unsigned(cfg.act_bits), cfg.length)),
            "codes": In(LEVELS * cfg.dim_bits + (LEAVES - 1) * cfg.act_bits),
            "index": Out(range(LEAVES)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        split = LEVELS * cfg.dim_bits
        dims = [self.codes[i * cfg.dim_bits :][: cfg.dim_bits] for i in range(LEVELS)]
        thresholds = [
            self.codes[split + i * cfg.act_bits :][: cfg.act_bits] for i in range(LEAVES - 1)
        ]
        # Nodes are numbered level by level from the root on: below n stand 2 n + 1 and 2 n + 2.
        below, node = Signal(range(2 * LEAVES - 1)), Signal(range(LEAVES - 1))
        element, threshold = Signal(cfg.act_bits), Signal(cfg.act_bits)
        chosen = Array(self.x[i] for i in range(cfg.length))
        m.d.comb += [
            node.eq(Mux(self.level == 0, 0, below)),
            element.eq(chosen[Array(dims)[self.level]] if cfg.dim_bits else self.x[0]),
            threshold.eq(Array(thresholds)[node]),
        ]
        pair = (
            (element.as_signed(), threshold.as_signed()) if cfg.act_signed else (element, threshold)
        )
        right, after = Signal(), Signal.like(below)
        m.d.comb += [
            right.eq(pair[0] > pair[1]),
            after.eq(2 * node + 1 + right),
            self.index.eq(after - (LEAVES - 1)),
        ]
        with m.If(self.enable):
            m.d.sync += below.eq(after)
        return m
