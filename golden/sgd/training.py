"""Steps of stochastic gradient descent in integers, as the hardware takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.numbers import Update, numbers
from nomul.golden.sgd.rounding import rounding_words
from nomul.golden.sgd.update import Counts


class State(NamedTuple):
    """Weights, their residues, and how many steps and inferences have drawn random words.

    ``weights`` and ``residues`` are lists per layer of int64[in, out].
    """

    weights: list[Ints]
    residues: list[Ints]
    steps: int = 0
    inferences: int = 0


class Step(NamedTuple):
    """Weights after a step, sums and gradients of all layers: lists per layer."""

    weights: list[Ints]
    z: list[Ints]
    g: list[Ints]


class Answer(NamedTuple):
    """Outputs int64[n, outputs] of every sample, and levels and residues after the last one."""

    y: Ints
    weights: list[Ints]
    residues: list[Ints]


def begin(cfg: Config, weights: Sequence[ArrayLike]) -> State:
    """Return the state of a network before its first step: residues are 0.

    Raises
    ------
    TypeError, ValueError
        Weights are not integers, of another shape than the layers', or do not fit B bits.
    """
    if len(weights) != cfg.layers:
        raise ValueError(f"weights must be of {cfg.layers} layers, not of {len(weights)}")
    given = [
        checked(cfg, f"weights[{k}]", w, (cfg.sizes[k], cfg.sizes[k + 1]))
        for k, w in enumerate(weights)
    ]
    return State(given, [np.zeros_like(w) for w in given])


def forward(cfg: Config, weights: Sequence[Ints], x: Ints, words: Ints) -> tuple[list[Ints], int]:
    """Return z of every layer for one sample, and how many random words that has taken."""
    z: list[Ints] = []
    a, used = x, 0
    for w in weights:
        drawn = words[used : used + w.shape[1]]
        z.append(numbers(cfg).sums(cfg, a, w, drawn))
        a, used = np.maximum(z[-1], 0), used + w.shape[1]
    return z, used


def advance(
    cfg: Config, state: State, x: ArrayLike, target: ArrayLike
) -> tuple[State, list[Ints], list[Ints], Counts]:
    """Return the state after one sample, z and g of every layer, and what rounding has taken.

    z_l = sat(rnd(W_l a_(l-1), F)), a_l = max(z_l, 0) except the last, g_L = sat(z_L - t),
    g_l = sat(rnd(W_(l+1) g_(l+1), F)) where z_l is above 0, else 0, and then every
    W_l <- sat(W_l - rnd(g_l a_(l-1), F + h)). Gradients read the weights before the update.

    Parameters
    ----------
    state
        From :func:`begin`, or from the step before.
    x, target
        int[inputs] and int[outputs] of B bits.
    """
    x = checked(cfg, "x", x, (cfg.sizes[0],))
    target = checked(cfg, "target", target, (cfg.sizes[-1],))
    stochastic = cfg.rounding == "stochastic"
    words = np.zeros(0, dtype=np.int64)
    if stochastic:
        words = rounding_words(cfg, state.steps, state.inferences)
    z, used = forward(cfg, state.weights, x, words)
    # Backwards through the weights as they are.
    number = numbers(cfg)
    g = [number.difference(cfg, z[-1], target)]
    for w, below in zip(state.weights[:0:-1], z[-2::-1], strict=True):
        drawn = words[used : used + len(w)]
        back = number.sums(cfg, g[0], w.T, drawn)
        g.insert(0, np.where(below > 0, back, 0))
        used += len(w)
    # All updates; the elements take a row's words from the last input to the first.
    inputs = [x, *(np.maximum(value, 0) for value in z[:-1])]
    weights, residues, counts = [], [], Counts(0, 0)
    for k, (a, of_z) in enumerate(zip(inputs, g, strict=True)):
        groups = cfg.groups(k + 1)
        drawn = words[used : used + groups * len(a)]
        used += groups * len(a)
        if stochastic:
            drawn = drawn.reshape(groups, -1)[:, ::-1].repeat(cfg.pes, axis=0).T[:, : len(of_z)]
        else:
            drawn = np.zeros(1, dtype=np.int64)
        given = Update(k + 1, a, of_z, drawn, state.steps * cfg.layers + k)
        w, r, new = number.update(cfg, (state.weights[k], state.residues[k]), given)
        weights.append(w)
        residues.append(r)
        counts = Counts(counts.products + new.products, counts.vanished + new.vanished)
    return State(weights, residues, state.steps + 1, state.inferences), z, g, counts


def step(
    cfg: Config,
    weights: Sequence[ArrayLike],
    x: ArrayLike,
    target: ArrayLike,
    steps_before: int = 0,
) -> Step:
    """Return weights, z and g after one step, lists per layer; residues are 0 before it.

    :func:`advance` goes on from a state with residues.

    Parameters
    ----------
    weights
        int[in, out] per layer.
    x, target
        int[inputs] and int[outputs].
    steps_before
        Steps whose random words have been drawn.
    """
    state = begin(cfg, weights)._replace(steps=steps_before)
    state, z, g, _ = advance(cfg, state, x, target)
    return Step(state.weights, z, g)


def model(cfg: Config, weights: Sequence[ArrayLike], x: ArrayLike, target: ArrayLike) -> Answer:
    """Return the outputs for samples that are learned one after the other, and the weights then.

    Parameters
    ----------
    weights
        int[in, out] per layer.
    x, target
        int[n, inputs] and int[n, outputs].
    """
    state = begin(cfg, weights)
    x, target = np.asarray(x), np.asarray(target)
    if len(x) != len(target):
        raise ValueError(f"x holds {len(x)} samples and target holds {len(target)}")
    y = np.empty((len(x), cfg.sizes[-1]), dtype=np.int64)
    for n, (sample, wanted) in enumerate(zip(x, target, strict=True)):
        state, z, _, _ = advance(cfg, state, sample, wanted)
        y[n] = z[-1]
    return Answer(y, state.weights, state.residues)


def ideal(
    cfg: Config, weights: Sequence[ArrayLike], x: ArrayLike, target: ArrayLike
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Return weights, z and g after one step where nothing is rounded or saturated, float64.

    In units of 2^-F, as the integers, or for binary16 in units of 1: plain gradient descent on half
    the squared error.
    """
    read = partial(numbers(cfg).decode, cfg)
    unit = 1.0 if cfg.numbers == "fp16" else 2.0**cfg.fraction
    given = [unit * read(w) for w in weights]
    a, z = [unit * read(x)], []
    for w in given:
        z.append(a[-1] @ w / unit)
        a.append(np.maximum(z[-1], 0))
    g = [z[-1] - unit * read(target)]
    for w, below in zip(given[:0:-1], z[-2::-1], strict=True):
        g.insert(0, np.where(below > 0, w @ g[0] / unit, 0.0))
    rate = 2.0**-cfg.rate_log2 / unit
    after = [w - rate * np.outer(i, d) for w, i, d in zip(given, a, g, strict=False)]
    return after, z, g


def checked(cfg: Config, name: str, values: ArrayLike, shape: tuple[int, ...]) -> Ints:
    """Return integers of a shape that fit B bits, as int64; TypeError or ValueError if not."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must be of shape {list(shape)}, not {list(array.shape)}")
    low, high = -(1 << (cfg.bits - 1)), (1 << (cfg.bits - 1)) - 1
    wrong = array[(array < low) | (array > high)]
    if wrong.size:
        raise ValueError(f"{name} must be in {low}..{high} for {cfg.bits} bits, not {wrong[0]}")
    return array.astype(np.int64)
