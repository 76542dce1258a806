"""What differs between fixed point and binary16 outside of the elements."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed

from nomul.golden.sgd import Config
from nomul.hw.sgd.floats import added, scaled
from nomul.hw.sgd.passes import Passes
from nomul.hw.sgd.rounding import rounded, saturated


def outcome(m: Module, cfg: Config, total: Value, word: Value) -> Value:
    """Return what a sum is as a value; one of binary16 is rounded already."""
    if cfg.numbers == "fp16":
        return total
    return saturated(rounded(m, cfg, total, cfg.fraction, word), cfg.bits)


def error(m: Module, cfg: Config, result: Value, target: Value) -> Value:
    """Return by how much an output of the network is above its target."""
    if cfg.numbers == "fp16":
        return added(m, result, Cat(target[:-1], ~target[-1])).as_signed()
    error = Signal(signed(cfg.bits + 1))
    m.d.comb += error.eq(result - target)
    return saturated(error, cfg.bits)


def halves(m: Module, cfg: Config, passes: Passes, ring: Any, value: Value) -> None:
    """Describe what elements of binary16 get: of an update the operand times minus the rate."""
    control, operand = ring.control, Signal(cfg.bits)
    # A cycle late, which no product notices: the phase's own gates would be on the adder's path.
    update = Signal()
    m.d.sync += update.eq(passes.update)
    with m.If(passes.load):
        m.d.sync += operand.eq(Mux(passes.update, scaled(value, cfg.rate_log2), value))
    m.d.comb += [
        control.clear.eq(passes.fresh_sum),
        control.slide.eq(passes.slide | passes.take),
        control.whole.eq(passes.take),
        control.turn.eq(passes.fill | (passes.step & passes.update)),
        control.update.eq(update),
        control.operand.eq(operand),
        ring.fill.eq(passes.fill),
        ring.gradient.value.eq(Mux(passes.inside, value, 0)),
    ]
