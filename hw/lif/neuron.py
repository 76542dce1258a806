"""The neuron's arithmetic: how a sum is finished, and what the next one starts from."""

from typing import NamedTuple

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from nomul.golden.lif import Layer

# Rules that need to know, as a sum is finished, whether the potential before exceeded theta.
REMEMBER = ("zero_drop", "subtract_now", "spiker22")


def state_layout(cfg: Layer) -> data.StructLayout:
    """Return what is kept of a neuron between two groups of cycles.

    ``sum`` is what the next potential starts from, beta v with the reset taken off, plus the
    weights that have come since; ``over`` says that the potential exceeded the threshold,
    ``spiked`` that the neuron spiked in the step before, where a rule asks for it.
    """
    fields: dict[str, object] = {"sum": signed(cfg.sum_bits)}
    if cfg.reset in REMEMBER:
        fields["over"] = 1
    if cfg.inhibit:
        fields["spiked"] = 1
    return data.StructLayout(fields)


class Finished(NamedTuple):
    """A neuron after its step: spike, stored potential, whether it exceeds theta or was limited."""

    out: Value
    v: Value
    over: Value
    limited: Value


def leaked(cfg: Layer, v: Value) -> Value:
    """Return beta v, by shifts and subtractions."""
    result = v
    for shift in cfg.shifts:
        rounded = v
        if cfg.rounding == "rne":
            rounded = v + Const((1 << (shift - 1)) - 1) + v[shift]
        result = result - (rounded >> shift)
    return result


def finish(
    cfg: Layer, m: Module, name: str, state: data.View, theta: Value, inhibition: Value
) -> Finished:
    """Describe the end of a step of one neuron.

    Parameters
    ----------
    state
        What was kept, all weights of the step added.
    theta
        Stored threshold.
    inhibition
        Of ``spiker22``: what all spikes of the step before inhibit, the neuron's own included.
    """
    total = Signal(signed(cfg.sum_bits), name=f"total_{name}")
    out = Signal(name=f"out_{name}")
    over, limited = Signal(name=f"over_{name}"), Signal(name=f"limited_{name}")
    v = Signal(signed(cfg.state_bits), name=f"v_{name}")
    match cfg.reset:
        case "zero_drop":
            m.d.comb += total.eq(Mux(state.over, 0, state.sum))
        case "subtract_now":
            m.d.comb += out.eq(state.sum > Mux(state.over, theta << 1, theta))
            m.d.comb += total.eq(state.sum - Mux(out, theta, 0))
        case "zero_now":
            m.d.comb += [out.eq(state.sum > theta), total.eq(Mux(out, 0, state.sum))]
        case "spiker22" if cfg.inhibit:
            own = Mux(state.spiked, cfg.inhibit << cfg.fraction, 0)
            m.d.comb += total.eq(state.sum + inhibition - own)
        case _:
            m.d.comb += total.eq(state.sum)
    if cfg.reset not in ("subtract_now", "zero_now"):
        m.d.comb += out.eq(state.over if cfg.reset == "spiker22" else over)
    # The sum fits if all bits from the sign of a potential upwards are the same.
    above = total[cfg.state_bits - 1 :]
    m.d.comb += [
        limited.eq(above.any() & ~above.all()),
        v.eq(Mux(limited, Mux(total[-1], Const(cfg.low, signed(cfg.state_bits)), cfg.high), total)),
        over.eq(v > theta),
    ]
    return Finished(out, v, over, limited)


def restart(cfg: Layer, v: Value, over: Value, theta: Value) -> Value:
    """Return what the next sum starts from: the leak and the reset of a stored potential."""
    match cfg.reset:
        case "subtract":
            return leaked(cfg, v) - Mux(over, theta, 0)
        case "subtract_beta":
            lower = Value.cast(v - Mux(over, theta, 0))
            return leaked(cfg, lower)
        case "zero":
            return leaked(cfg, Mux(over, Const(0, v.shape()), v))
        case "spiker22":
            value = Const(cfg.reset_value << cfg.fraction, v.shape())
            return leaked(cfg, Mux(over, value, v))
        case _:
            return leaked(cfg, v)


def threshold(cfg: Layer, m: Module, lane: int, group: Value) -> Value:
    """Return the stored threshold of a lane's neuron in a group; that of idle lanes is any."""
    values = cfg.stored_threshold.tolist()
    own = values[lane :: cfg.parallel]
    theta = Signal(signed(cfg.state_bits), name=f"theta{lane}")
    if len(set(own)) == 1:
        m.d.comb += theta.eq(own[0])
        return theta
    with m.Switch(group):
        for number, value in enumerate(own):
            with m.Case(number):
                m.d.comb += theta.eq(value)
    return theta


def used(cfg: Layer, group: Value) -> Value:
    """Return which lanes have a neuron in a group, as a mask."""
    rest = cfg.neurons - (cfg.groups - 1) * cfg.parallel
    everywhere = Const((1 << cfg.parallel) - 1, cfg.parallel)
    if rest == cfg.parallel:
        return everywhere
    return Mux(group == cfg.groups - 1, Const((1 << rest) - 1, cfg.parallel), everywhere)
