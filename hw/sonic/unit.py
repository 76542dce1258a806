"""Unit: a vector dot product unit with its code look-ups and what follows the sum."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import codebook
from nomul.golden.sonic import Config
from nomul.hw.codebook import lookup, table_layout
from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.sonic.vdu import VDU, clipped, operand_bits


def codebook_config(cfg: Config) -> codebook.Config:
    """Return the configuration of the codebook."""
    return codebook.Config(code_bits=cfg.code_bits, level_bits=cfg.level_bits)


def norm_layout(cfg: Config) -> data.StructLayout:
    """Return scale and bias of one row or kernel."""
    return data.StructLayout({"scale": signed(cfg.batchnorm_bits), "bias": signed(cfg.bias_bits)})


def post_layout() -> data.StructLayout:
    """Return how a task wants its sums: ``normalise`` scales, rounds and saturates them."""
    return data.StructLayout({"normalise": 1, "relu": 1, "shift": unsigned(6)})


class Post(Configured[Config]):
    """Batch norm in fixed point, ReLU, and a running maximum.

    z = clip(rne((y scale + bias) 2^-shift)), then ReLU, then the maximum with those before; equal
    to ``nomul.golden.sonic.output``. Latency is two cycles of ``go``, one result per cycle.

    Members
    -------
    go : ``In(1)``
        The pipeline moves.
    y : ``In(signed(cfg.sum_bits))``, norm : ``In(norm_layout(cfg))``
        A sum, its scale and bias.
    how : ``In(post_layout())``
        Constant over a task.
    take : ``In(1)``, first : ``In(1)``
        With the following cycle's ``go``: the value counts, and is the first of its window.
    z : ``Out(signed(cfg.sum_bits))``
        The maximum so far.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "go": In(1),
            "y": In(signed(cfg.sum_bits)),
            "norm": In(norm_layout(cfg)),
            "how": In(post_layout()),
            "take": In(1),
            "first": In(1),
            "z": Out(signed(cfg.sum_bits)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        wide = Signal(signed(cfg.bias_bits + 1))
        plain = Signal.like(self.y)
        with m.If(self.go):
            m.d.sync += [
                wide.eq(self.y * self.norm.scale + self.norm.bias),
                plain.eq(self.y),
            ]
        shift = self.how.shift
        floor, half = Signal.like(wide), Signal(64)
        nudged = Signal(signed(66))
        rounded = Signal.like(wide)
        m.d.comb += [
            floor.eq(wide >> shift),
            half.eq((1 << shift) >> 1),
            nudged.eq(wide + Mux(shift == 0, 0, half - 1 + floor[0])),
            rounded.eq(nudged >> shift),
        ]
        scaled, _ = clipped(m, rounded, cfg.act_bits, "scaled")
        value, rectified = Signal.like(self.z), Signal.like(self.z)
        m.d.comb += [
            value.eq(Mux(self.how.normalise, scaled, plain)),
            rectified.eq(Mux(self.how.relu & (value < 0), 0, value)),
        ]
        with m.If(self.go & self.take & (self.first | (rectified > self.z))):
            m.d.sync += self.z.eq(rectified)
        return m


class Unit(wiring.Component):
    """One unit: look-ups (FC), lanes, ADC, accumulator, batch norm, ReLU, max-pool.

    Latency is six cycles of ``go`` from operands to ``z``, one pass per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Widths and lanes.
    kind
        ``fc``: the sparse side comes as codes; ``conv``: as activations.

    Members
    -------
    go, keep, dense, first, saturated, active, gated
        As those of :class:`nomul.hw.sonic.vdu.VDU`.
    sparse : ``In(ArrayLayout(code_bits or act_bits, L))``
        Codes or activations.
    table : ``In(table_layout)``
        The codebook; only ``fc``.
    unloaded : ``Out(1)``
        A code of a kept lane was not loaded, this cycle; only ``fc``.
    norm, how, take, first_of_window, z
        As those of :class:`Post`.
    """

    def __init__(self, cfg: Config, kind: str):
        self.cfg, self.kind = cfg, kind
        lanes = cfg.lanes(kind)
        dense, sparse = operand_bits(cfg, kind)
        outside = unsigned(cfg.code_bits) if kind == "fc" else signed(sparse)
        members = {
            "go": In(1),
            "keep": In(lanes),
            "dense": In(data.ArrayLayout(signed(dense), lanes)),
            "sparse": In(data.ArrayLayout(outside, lanes)),
            "first": In(1),
            "saturated": Out(1),
            "active": Out(range(lanes + 1)),
            "gated": Out(range(lanes + 1)),
            "norm": In(norm_layout(cfg)),
            "how": In(post_layout()),
            "take": In(1),
            "first_of_window": In(1),
            "z": Out(signed(cfg.sum_bits)),
        }
        if kind == "fc":
            members |= {"table": In(table_layout(codebook_config(cfg))), "unloaded": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.vdu = vdu = Once(f"{self.kind}_vdu", VDU, cfg, self.kind)
        m.submodules.post = post = Once("post", Post, cfg)
        for name in ("go", "keep", "dense", "first"):
            m.d.comb += getattr(vdu, name).eq(getattr(self, name))
        for name in ("saturated", "active", "gated"):
            m.d.comb += getattr(self, name).eq(getattr(vdu, name))
        for name in ("go", "norm", "how", "take"):
            m.d.comb += getattr(post, name).eq(getattr(self, name))
        m.d.comb += [
            post.y.eq(vdu.y),
            post.first.eq(self.first_of_window),
            self.z.eq(post.z),
        ]
        missing = Signal(cfg.lanes(self.kind))
        for i, element in enumerate(self.sparse):
            if self.kind == "fc":
                m.d.comb += [
                    vdu.sparse[i].eq(lookup(self.table, element)),
                    missing[i].eq(self.keep[i] & ~self.table.loaded.bit_select(element, 1)),
                ]
            else:
                m.d.comb += vdu.sparse[i].eq(element)
        if self.kind == "fc":
            m.d.comb += self.unloaded.eq(missing.any())
        return m
