"""Columns of the SP-IMC macro: slots that compare and select, an adder tree, an accumulator."""

from collections.abc import Sequence

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.spimc import Config, bits_for
from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.spimc.layouts import add_layout, lane_bits, rows, select_layout, write_layout

LATCH = "nomul_latch"


def column_members(cfg: Config) -> dict[str, wiring.Member]:
    """Return the members that every kind of column has."""
    return {
        "chosen": In(1),
        "write": In(write_layout(cfg)),
        "select": In(select_layout(cfg)),
        "add": In(add_layout()),
        "bundle": In(data.ArrayLayout(cfg.lanes, rows(cfg))),
        "acc": Out(signed(cfg.y_bits)),
        "total": Out(signed(cfg.y_bits)),
    }


def reference(m: Module, cfg: Config, select: data.View, zeros: Value) -> Signal:
    """Return what indices are compared with: the column's zero counter, or the step."""
    result = Signal(cfg.ib, name="reference")
    m.d.comb += result.eq(Mux(select.rl, zeros, select.step << lane_bits(cfg)))
    return result


def selected(m: Module, cfg: Config, index: Value, ref: Value, bundle: Value, rl: Value) -> Value:
    """Return whether an index matches, and the activation bit that it selects, as two bits.

    The upper bits of the index are compared with the step and the lower ones choose a lane. Run
    lengths are compared whole; their bundle has the same bit in every lane. What the generated
    formats do not need is left out.
    """
    low = min(lane_bits(cfg), cfg.ib)
    stepped = bool({"coo", "nm", "bitmap"} & set(cfg.formats))
    runs = "rl" in cfg.formats
    upper, lower, bit = Signal(), Signal(), Signal()
    m.d.comb += [upper.eq(1), lower.eq(1), bit.eq(bundle[0])]
    if (stepped or runs) and low < cfg.ib:
        m.d.comb += upper.eq(index[low:] == ref[low:])
    if runs and low:
        same = index[:low] == ref[:low]
        m.d.comb += lower.eq(~rl | same if stepped else same)
    if stepped and low:
        m.d.comb += bit.eq(bundle.bit_select(index[:low], 1))
    return Cat(upper & lower, bit)


def accumulate(
    m: Module, cfg: Config, add: data.View, psum: Value, acc: Value, total: Value
) -> None:
    """Describe acc <- 2 acc + psum from plane to plane, acc + psum within one.

    Where a dense tile takes several passes, ``total`` keeps the sum of those before.
    """
    term, base = Signal(signed(len(psum))), Signal(signed(cfg.y_bits))
    m.d.comb += [
        term.eq(psum ^ add.negate.replicate(len(psum))),
        base.eq(Mux(add.first, 0, Mux(add.double, acc << 1, acc))),
    ]
    # The complement lacks one, which a bit below the lowest carries in: one adder does both.
    sums = Signal(signed(cfg.y_bits + 1))
    m.d.comb += sums.eq(Cat(1, base).as_signed() + Cat(add.negate, term).as_signed())
    with m.If(add.valid):
        m.d.sync += acc.eq(sums[1:])
    if "dense" in cfg.formats and cfg.window > cfg.slots:
        with m.If(add.valid & add.first):
            m.d.sync += total.eq(Mux(add.carry, total + acc, 0))


def registered_levels(cfg: Config) -> set[int]:
    """Return after which levels of the adder tree a register stands: evenly, from the last up."""
    depth = bits_for(cfg.slots)
    return {depth - (i * depth) // cfg.tree_regs for i in range(cfg.tree_regs)}


def tree(m: Module, cfg: Config, terms: Sequence[Value]) -> Value:
    """Return the sum of signed terms, by a binary tree with registers after some levels."""
    level, sums = 0, list(terms)
    while len(sums) > 1:
        level += 1
        width, added = cfg.weight_bits + level, []
        for i in range(0, len(sums), 2):
            total = Signal(signed(width), name=f"sum{level}_{i // 2}", reset_less=True)
            domain = m.d.sync if level in registered_levels(cfg) else m.d.comb
            domain += total.eq(sums[i] + sums[i + 1] if i + 1 < len(sums) else sums[i])
            added.append(total)
        sums = list(added)
    return sums[0]


class Slot(Configured[Config]):
    """Stores one entry, and gives its weight where its index matches and the activation bit is one.

    Combinational from ``bundle`` to ``product``.

    Members
    -------
    enable, value, index : ``In``
        Write an entry.
    live : ``In(1)``
        The slot is in use, and in run-length tiles its turn has come.
    reference, rl, dense : ``In``
        What the index is compared with; how; or that it is not.
    bundle : ``In(cfg.lanes)``
        Activation bits of this step.
    hit : ``Out(1)``
        The index matches.
    product : ``Out(signed(cfg.weight_bits))``
        The weight, or zero.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "enable": In(1),
            "value": In(signed(cfg.weight_bits)),
            "index": In(cfg.ib),
            "live": In(1),
            "reference": In(cfg.ib),
            "rl": In(1),
            "dense": In(1),
            "bundle": In(cfg.lanes),
            "hit": Out(1),
            "product": Out(signed(cfg.weight_bits)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        value = Signal(signed(cfg.weight_bits), reset_less=True)
        index = Signal(cfg.ib, reset_less=True)
        if cfg.store == "latch":
            m.submodules.store = Instance(
                LATCH,
                p_WIDTH=cfg.weight_bits + cfg.ib,
                i_clk=ClockSignal(),
                i_enable=self.enable,
                i_d=Cat(self.value, self.index),
                o_q=Cat(value, index),
            )
        else:
            with m.If(self.enable):
                m.d.sync += value.eq(self.value)
                if cfg.formats != ("dense",):
                    m.d.sync += index.eq(self.index)
        match = Signal(2)
        found = selected(m, cfg, index, self.reference, self.bundle, self.rl)
        m.d.comb += [
            match.eq(found),
            self.hit.eq(
                self.live & (match[0] | self.dense if "dense" in cfg.formats else match[0])
            ),
            self.product.eq(Mux(self.hit & match[1], value, 0)),
        ]
        return m


class Column(Configured[Config]):
    """Computes one sum: R slots that all select at once, an adder tree, an accumulator.

    Latency is ``cfg.latency - 1`` cycles from ``bundle`` to ``acc``; one step per cycle.

    Members
    -------
    chosen : ``In(1)``, write : ``In(write_layout(cfg))``
        The loader writes into this column.
    select : ``In(select_layout(cfg))``
        The step at work.
    add : ``In(add_layout())``
        What to do with the partial sum that leaves the tree.
    bundle : ``In(ArrayLayout(cfg.lanes, R))``
        Activation bits, one bundle per slot.
    acc, total : ``Out(signed(cfg.y_bits))``
        The sum of this pass, and that of the passes before.
    """

    def ports(self, cfg: Config) -> Ports:
        return column_members(cfg)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        select, write = self.select, self.write
        count, zeros = Signal(range(cfg.slots + 1)), Signal(cfg.ib)
        turn = Signal(cfg.slots, init=1)
        hits, products = Signal(cfg.slots), []
        rl = select.rl if "rl" in cfg.formats else Const(0)
        dense = select.dense if "dense" in cfg.formats else Const(0)
        ref = reference(m, cfg, select, zeros)
        with m.If(self.chosen & write.commit):
            m.d.sync += count.eq(write.count)
        for r in range(cfg.slots):
            m.submodules[f"slot{r}"] = slot = Once("slot", Slot, cfg)
            m.d.comb += [
                slot.enable.eq(self.chosen & write.enable & (write.slot == r)),
                slot.value.eq(write.value),
                slot.index.eq(write.index),
                slot.live.eq(select.valid & (count > r) & (turn[r] | ~rl)),
                slot.reference.eq(ref),
                slot.rl.eq(rl),
                slot.dense.eq(dense),
                slot.bundle.eq(self.bundle[r]),
                hits[r].eq(slot.hit),
            ]
            products.append(slot.product)
        if "rl" in cfg.formats:
            with m.If(select.valid & rl):
                with m.If(select.last):
                    m.d.sync += [turn.eq(1), zeros.eq(0)]
                with m.Elif(hits.any()):
                    m.d.sync += [turn.eq(turn << 1), zeros.eq(0)]
                with m.Else():
                    m.d.sync += zeros.eq(zeros + 1)
        accumulate(m, cfg, self.add, tree(m, cfg, products), self.acc, self.total)
        return m
