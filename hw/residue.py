"""Residue: a bank of weights whose low bits add up updates and carry into their levels."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.residue import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.popcount import popcount
from nomul.hw.skid import Stage

COUNTER_BITS = 32


def request_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``: an update of a weight or, with ``load``, its level."""
    return data.StructLayout(
        {
            "address": unsigned(cfg.address_bits),
            "value": signed(cfg.value_bits),
            "load": unsigned(1),
        }
    )


def weight_layout(cfg: Config) -> data.StructLayout:
    """Return a weight as the memory holds it: level and residue."""
    return data.StructLayout({"upper": signed(cfg.level_bits), "acc": signed(cfg.low_bits)})


def answer_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: the weight afterwards, and what became of the request."""
    return data.StructLayout(
        {
            "upper": signed(cfg.level_bits),
            "acc": signed(cfg.low_bits),
            "lost": signed(2),
            "dropped": unsigned(1),
        }
    )


def split(m: Module, cfg: Config, total: Value) -> tuple[Value, Value]:
    """Return the carry (-1, 0 or 1) of residue plus update, and the residue that is left."""
    carry, acc = Signal(signed(2)), Signal(signed(cfg.low_bits))
    if cfg.carry == "twos":
        m.d.comb += [carry.eq((total + (cfg.unit >> 1)) >> cfg.low_bits), acc.eq(total)]
        return carry, acc
    over, under = Signal(), Signal()
    m.d.comb += [
        over.eq(total >= cfg.unit),
        under.eq(total <= -cfg.unit),
        carry.eq(Cat(over | under, under)),
        acc.eq(total - Mux(over, cfg.unit, Mux(under, -cfg.unit, 0))),
    ]
    return carry, acc


class Top(Configured[Config]):
    """Adds updates to the residues of a bank of weights, and moves levels by what overflows.

    Latency is two cycles; one request per cycle (``cfg.interval`` is 1), to the same weight too:
    what is being written is forwarded. An update by 0 reads a weight.

    Members
    -------
    i : ``In(stream.Signature(request_layout(cfg)))``
        Updates; with ``load`` the value becomes the level, and the residue 0.
    o : ``Out(stream.Signature(answer_layout(cfg)))``
        Level and residue afterwards, as ``nomul.golden.residue.history(cfg, q)`` has them, the
        carry that a rail cut off, and ``dropped`` where the request changed nothing. One answer per
        request; that to an address behind the bank is 0.
    too_large, misaddressed, no_such_level : ``Out(1)``
        Sticky: an update above 2^(L-1), an address behind the bank, or the load of a level that is
        none, each dropped.
    flips, pulses, lost : ``Out(32)``
        Bits of residues that changed, levels that moved, carries cut off; modulo 2^32, loads not
        counted.

    Limits
    ------
    Reset clears flags and counters, and leaves the weights: they are a memory, and loaded before
    use. Levels are exact; drift, noise and wear of a memory cell are not modelled.
    """

    i: stream.Interface
    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        flags = ("too_large", "misaddressed", "no_such_level")
        counters = ("flips", "pulses", "lost")
        return {
            "i": In(stream.Signature(request_layout(cfg))),
            "o": Out(stream.Signature(answer_layout(cfg))),
            **{name: Out(1) for name in flags},
            **{name: Out(COUNTER_BITS) for name in counters},
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        layout = weight_layout(cfg)
        store: memory.Memory = memory.Memory(shape=layout, depth=cfg.words, init=[])
        m.submodules.store = store
        write, read = store.write_port(), store.read_port()
        m.submodules.stage = stage = Stage(answer_layout(cfg))
        # First cycle: the weight is read while its request moves into a register.
        request: Any = Signal(request_layout(cfg))
        busy, taken, going = Signal(), Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(~busy | stage.i.ready),
            taken.eq(self.i.valid & self.i.ready),
            going.eq(busy & stage.i.ready),
            read.addr.eq(self.i.payload.address),
            read.en.eq(taken),
        ]
        with m.If(self.i.ready):
            m.d.sync += busy.eq(self.i.valid)
        with m.If(taken):
            m.d.sync += request.eq(self.i.payload)
        # A weight that is written in that cycle is read as it was: the next cycle takes it here.
        forwarded, written = Signal(), Signal(layout)
        with m.If(taken):
            m.d.sync += forwarded.eq(self._forwards(write))
        with m.If(write.en):
            m.d.sync += written.eq(write.data)
        weight: Any = Signal(layout)
        m.d.comb += weight.eq(Mux(forwarded, Value.cast(written), Value.cast(read.data)))
        # Second cycle: the request is judged and carried out.
        dropped, missing = self._judge(m, request, going)
        after: Any = Signal(answer_layout(cfg))
        self._carry_out(m, request, weight, after, going & ~dropped)
        m.d.comb += [
            write.addr.eq(request.address),
            write.data.upper.eq(after.upper),
            write.data.acc.eq(after.acc),
            write.en.eq(going & ~dropped),
            stage.i.valid.eq(busy),
            stage.i.payload.dropped.eq(dropped),
            stage.i.payload.upper.eq(Mux(missing, 0, Mux(dropped, weight.upper, after.upper))),
            stage.i.payload.acc.eq(Mux(missing, 0, Mux(dropped, weight.acc, after.acc))),
            stage.i.payload.lost.eq(Mux(dropped, 0, after.lost)),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        return m

    def _forwards(self, write: memory.WritePort) -> Value:
        """Return whether the weight that is read is the one being written."""
        return write.en & (Value.cast(write.addr) == self.i.payload.address)

    def _judge(self, m: Module, request: data.View, going: Signal) -> tuple[Signal, Value]:
        """Describe the flags; return whether the request is dropped, and whether its weight is."""
        cfg = self.cfg
        low, high = cfg.levels
        missing, too_large, no_level = Signal(), Signal(), Signal()
        value, largest = request.value, cfg.largest_update
        m.d.comb += [
            missing.eq(request.address >= cfg.words),
            too_large.eq(~request.load & ((value > largest) | (value < -largest))),
            no_level.eq(request.load & ((value > high) | (value < low))),
        ]
        dropped = Signal()
        m.d.comb += dropped.eq(missing | too_large | no_level)
        with m.If(going):
            m.d.sync += [
                self.misaddressed.eq(self.misaddressed | missing),
                self.too_large.eq(self.too_large | too_large),
                self.no_such_level.eq(self.no_such_level | no_level),
            ]
        return dropped, missing

    def _carry_out(
        self, m: Module, request: data.View, weight: data.View, after: data.View, counts: Value
    ) -> None:
        """Describe the weight after the request, and the counters."""
        cfg = self.cfg
        low, high = cfg.levels
        total = Signal(signed(cfg.low_bits + 2))
        m.d.comb += total.eq(weight.acc + request.value)
        carry, acc = split(m, cfg, total)
        moved = Signal(signed(cfg.level_bits + 1))
        above, below = Signal(), Signal()
        m.d.comb += [
            moved.eq(weight.upper + carry),
            above.eq(moved > high),
            below.eq(moved < low),
        ]
        with m.If(request.load):
            m.d.comb += after.upper.eq(request.value)
        with m.Else():
            m.d.comb += [
                after.upper.eq(Mux(above, high, Mux(below, low, moved))),
                after.acc.eq(acc),
                after.lost.eq(Cat(above | below, below)),
            ]
        changed = Signal(cfg.low_bits)
        m.d.comb += changed.eq(Value.cast(weight.acc) ^ Value.cast(after.acc))
        flips = popcount(m, list(changed))
        with m.If(counts & ~request.load):
            m.d.sync += [
                self.flips.eq(self.flips + flips),
                self.pulses.eq(self.pulses + (weight.upper != after.upper)),
                self.lost.eq(self.lost + (above | below)),
            ]
