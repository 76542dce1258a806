"""The neuron: rounding, leak, and every reset rule, on integers."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.lif.layer import Layer


class State(NamedTuple):
    """Stored potentials int64[..., neurons], and which neurons spiked in the step before."""

    v: Ints
    spiked: Ints


class Step(NamedTuple):
    """Spikes int64[..., neurons] of a step, the state after it, and what saturated."""

    out: Ints
    state: State
    saturated: NDArray[np.bool_]


def shifted(rounding: str, u: Any, shift: int) -> Any:
    """Return rnd(u 2^-shift): ``floor``, or ``rne``, to nearest with ties to even."""
    if rounding == "floor" or shift == 0:
        return u >> shift
    half = 1 << (shift - 1)
    return (u + half - 1 + ((u >> shift) & 1)) >> shift


def leaked(cfg: Layer, u: Any) -> Any:
    """Return beta u: ``u - rnd(u 2^-a) - rnd(u 2^-b)``, or u itself without a leak."""
    return u - sum(shifted(cfg.rounding, u, shift) for shift in cfg.shifts)


def first(cfg: Layer, shape: tuple[int, ...] = ()) -> State:
    """Return the state before the first step, int64[*shape, neurons]."""
    zeros = np.zeros((*shape, cfg.neurons), dtype=np.int64)
    return State(zeros, zeros)


def step(cfg: Layer, state: State, current: Ints) -> Step:
    """Return one step of a layer.

    With theta the stored threshold, r whether the stored potential exceeds it, and I the sum of
    weights times 2^F:

    - ``subtract``: v <- beta v + I - r theta; spike [v > theta]
    - ``subtract_beta``: v <- beta (v - r theta) + I; spike [v > theta]
    - ``zero``: v <- beta (1 - r) v + I; spike [v > theta]
    - ``zero_drop``: v <- (1 - r) (beta v + I); spike [v > theta]
    - ``subtract_now``: u = beta v + I; spike [u - r theta > theta]; v <- u - spike theta
    - ``zero_now``: u = beta v + I; spike [u > theta]; v <- (1 - spike) u
    - ``none``: v <- beta v + I; spike [v > theta]
    - ``spiker22``: spike r; v <- beta (reset_value if r, else v) + I + what inhibits it

    Parameters
    ----------
    state
        Before the step.
    current
        Sums of the weights of spiking inputs, int64[..., neurons].
    """
    theta, v = cfg.stored_threshold, state.v
    r = (v > theta).astype(np.int64)
    i = current << cfg.fraction
    match cfg.reset:
        case "subtract":
            total = leaked(cfg, v) + i - r * theta
        case "subtract_beta":
            total = leaked(cfg, v - r * theta) + i
        case "zero":
            total = leaked(cfg, (1 - r) * v) + i
        case "zero_drop":
            total = (1 - r) * (leaked(cfg, v) + i)
        case "spiker22":
            others = state.spiked.sum(axis=-1, keepdims=True) - state.spiked
            rested = np.where(r, cfg.reset_value << cfg.fraction, v)
            total = leaked(cfg, rested) + i + others * (cfg.inhibit << cfg.fraction)
        case _:
            total = leaked(cfg, v) + i
    if cfg.reset == "subtract_now":
        out = (total - r * theta > theta).astype(np.int64)
        total = total - out * theta
    elif cfg.reset == "zero_now":
        out = (total > theta).astype(np.int64)
        total = (1 - out) * total
    else:
        out = r
    stored = np.minimum(np.maximum(total, cfg.low), cfg.high)
    if cfg.reset in ("subtract", "subtract_beta", "zero", "zero_drop", "none"):
        out = (stored > theta).astype(np.int64)
    return Step(out, State(stored, out), stored != total)


def error_bound(cfg: Layer) -> float:
    """Return how far a potential may be from the exact one, in units of its last bit.

    Without saturation, and while the spikes agree. Each step loses less than one bit per shift, or
    half of one with ``rne``, and beta of what was lost before: the sum is less than
    shifts / (1 - beta), which is 2^K for one shift. ``floor`` errs upward alone, so that
    0 <= v - exact; with ``rne`` the half of it bounds both sides.
    """
    if not cfg.shifts:
        return 0.0
    bound = len(cfg.shifts) / (1.0 - cfg.beta)
    return bound / 2 if cfg.rounding == "rne" else bound
