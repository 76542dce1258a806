"""What layers answer to spikes: the mathematics, the integers, and what they count."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.lif import neuron
from nomul.golden.lif.layer import Layer


class Response(NamedTuple):
    """Spikes int64[..., T, neurons] and the stored potentials after each step, likewise."""

    out: Ints
    v: Ints


class Counts(NamedTuple):
    """What the hardware's counters show after a run.

    Additions are one per event and neuron; saturations one per neuron and step that was limited.
    """

    events: int
    additions: int
    saturations: int
    spikes: int


def weights(cfg: Layer, w: ArrayLike) -> Ints:
    """Return weights as int64[inputs, neurons].

    Raises
    ------
    TypeError
        They are no integers.
    ValueError
        They have another shape, or do not fit ``weight_bits``; the message names the place.
    """
    w = np.asarray(w)
    if w.dtype.kind not in "iu":
        raise TypeError(f"lif.w must be integers, not {w.dtype}")
    if w.shape != (cfg.inputs, cfg.neurons):
        raise ValueError(
            f"lif.w must be of shape [{cfg.inputs}, {cfg.neurons}], not {list(w.shape)}"
        )
    low, high = -(1 << (cfg.weight_bits - 1)), (1 << (cfg.weight_bits - 1)) - 1
    wrong = np.argwhere((w < low) | (w > high))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise ValueError(f"lif.w must be in {low}..{high}, not {w[place]} at {list(place)}")
    return w.astype(np.int64)


def frames(cfg: Layer, spikes: ArrayLike) -> Ints:
    """Return input spikes as int64[..., T, inputs]; they must be 0 or 1."""
    spikes = np.asarray(spikes)
    if spikes.dtype.kind not in "biu":
        raise TypeError(f"lif.spikes must be 0 or 1, not {spikes.dtype}")
    if spikes.ndim < 2 or spikes.shape[-1] != cfg.inputs:
        raise ValueError(f"lif.spikes must be of shape [T, {cfg.inputs}], not {list(spikes.shape)}")
    if spikes.size and not np.isin(spikes, (0, 1)).all():
        raise ValueError(f"lif.spikes must be 0 or 1, not {spikes[~np.isin(spikes, (0, 1))][0]}")
    return spikes.astype(np.int64)


def currents(w: Ints, spikes: Ints) -> Ints:
    """Return the sums of the weights of spiking inputs, int64[..., T, neurons].

    In floating point, where BLAS is fast and every partial sum is an exact integer.
    """
    return (spikes.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)


def ideal(cfg: Layer, w: ArrayLike, spikes: ArrayLike) -> tuple[Floats, Floats]:
    """Return spikes and potentials in float64, without rounding and saturation.

    Potentials are in units of a weight: stored ones are 2^F times as large.

    Parameters
    ----------
    w
        Weights, integers [inputs, neurons].
    spikes
        0 or 1, [T, inputs].

    Returns
    -------
    out, v
        float64[T, neurons] each.
    """
    currents_of = currents(weights(cfg, w), frames(cfg, spikes)).astype(np.float64)
    return exact(cfg, currents_of, np.zeros(cfg.neurons), cfg.beta)


def exact(cfg: Layer, current: Floats, v: Floats, beta: Any) -> tuple[Floats, Floats]:
    """Return the reset rules on numbers of any kind, such as floats or fractions.

    Parameters
    ----------
    current
        [T, neurons], in units of a weight.
    v
        Potentials before the first step, [neurons].
    beta
        Share that is left after a step.
    """
    theta = np.broadcast_to(np.array(cfg.threshold), (cfg.neurons,))
    spiked, outs, potentials = np.zeros(cfg.neurons, dtype=np.int64), [], []
    for i in current:
        r = (v > theta).astype(np.int64)
        total = beta * v + i
        if cfg.reset == "subtract":
            total = total - r * theta
        elif cfg.reset == "subtract_beta":
            total = beta * (v - r * theta) + i
        elif cfg.reset == "zero":
            total = beta * ((1 - r) * v) + i
        elif cfg.reset == "zero_drop":
            total = (1 - r) * total
        elif cfg.reset == "spiker22":
            others = spiked.sum() - spiked
            total = beta * np.where(r, cfg.reset_value, v) + i + others * cfg.inhibit
        out = (total > theta).astype(np.int64)
        if cfg.reset == "subtract_now":
            out = (total - r * theta > theta).astype(np.int64)
            total = total - out * theta
        elif cfg.reset == "zero_now":
            total = (1 - out) * total
        elif cfg.reset == "spiker22":
            out = r
        v, spiked = total, out
        outs.append(out)
        potentials.append(v)
    return np.array(outs, dtype=np.float64), np.array(potentials)


def run(cfg: Layer, current: Ints) -> tuple[Response, Ints]:
    """Return the response to currents int64[..., T, neurons], and the saturations of each run.

    Saturations are int64[...], one number per leading index.
    """
    state = neuron.first(cfg, current.shape[:-2])
    outs, potentials = [], []
    saturated = np.zeros(current.shape[:-2], dtype=np.int64)
    for t in range(current.shape[-2]):
        out, state, limited = neuron.step(cfg, state, current[..., t, :])
        outs.append(out)
        potentials.append(state.v)
        saturated += limited.sum(axis=-1)
    shape = current.shape
    out = np.stack(outs, axis=-2) if outs else np.zeros(shape, dtype=np.int64)
    v = np.stack(potentials, axis=-2) if outs else np.zeros(shape, dtype=np.int64)
    return Response(out, v), saturated


def layer(cfg: Layer, w: ArrayLike, spikes: ArrayLike) -> Response:
    """Return the response of one layer, from rest.

    Parameters
    ----------
    w
        Weights, integers [inputs, neurons] of ``weight_bits`` bits.
    spikes
        0 or 1, [..., T, inputs]; leading axes are runs of their own.
    """
    return run(cfg, currents(weights(cfg, w), frames(cfg, spikes)))[0]


def count(cfg: Layer, w: ArrayLike, spikes: ArrayLike) -> Counts:
    """Return what the counters of one layer show after all runs."""
    spikes = frames(cfg, spikes)
    response, saturated = run(cfg, currents(weights(cfg, w), spikes))
    events = int(spikes.sum())
    return Counts(events, events * cfg.neurons, int(saturated.sum()), int(response.out.sum()))


def membrane(cfg: Layer, current: ArrayLike) -> Response:
    """Return the response of one neuron that is fed integer currents, int64[T] each.

    Its threshold is that of the layer's first neuron, and nothing inhibits it.
    """
    current = np.asarray(current)
    if current.dtype.kind not in "iu":
        raise TypeError(f"lif.current must be integers, not {current.dtype}")
    if current.ndim != 1:
        raise ValueError(f"lif.current must be of shape [T], not {list(current.shape)}")
    threshold = cfg.threshold[0] if isinstance(cfg.threshold, tuple) else cfg.threshold
    one = Layer.from_dict({name: getattr(cfg, name) for name in Layer.names()}).replace(
        neurons=1, threshold=threshold
    )
    (out, v), _ = run(one, current.astype(np.int64)[:, None])
    return Response(out[:, 0], v[:, 0])
