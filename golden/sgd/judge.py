"""Targets of classes, and how well a network does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.numbers import numbers


def targets(cfg: Config, labels: ArrayLike) -> Ints:
    """Return the targets of classes, int64[n, outputs]: 1 at the class, as far as B bits hold it.

    Raises
    ------
    ValueError
        A label is not the number of an output.
    """
    labels = np.asarray(labels)
    outputs = cfg.sizes[-1]
    wrong = labels[(labels < 0) | (labels >= outputs)]
    if wrong.size:
        raise ValueError(f"labels must be in 0..{outputs - 1}, not {int(wrong[0])}")
    return np.eye(outputs, dtype=np.int64)[labels] * numbers(cfg).encode(cfg, 1.0)


def outputs(cfg: Config, weights: Sequence[Ints], x: ArrayLike) -> Ints:
    """Return z of the last layer for samples int[n, inputs]; ``stochastic`` rounds to nearest."""
    plain = cfg.replace(rounding="rne") if cfg.rounding == "stochastic" else cfg
    a = np.asarray(x, dtype=np.int64)
    z, words = a, np.zeros(1, dtype=np.int64)
    for w in weights:
        z = numbers(cfg).sums(plain, a, w, words)
        a = np.maximum(z, 0)
    return z


def classes(cfg: Config, weights: Sequence[Ints], x: ArrayLike) -> Ints:
    """Return the classes of samples, int64[n]: the first of the largest outputs."""
    real = numbers(cfg).decode(cfg, outputs(cfg, weights, x))
    return np.asarray(real.argmax(axis=1), dtype=np.int64)


def accuracy(cfg: Config, weights: Sequence[Ints], x: ArrayLike, labels: ArrayLike) -> float:
    """Return the share of samples whose class is their label."""
    return float((classes(cfg, weights, x) == np.asarray(labels)).mean())


def loss(cfg: Config, y: ArrayLike, target: ArrayLike) -> float:
    """Return the mean over samples of half the squared error, outputs and targets in units of 1."""
    read = numbers(cfg).decode
    error = read(cfg, y) - read(cfg, target)
    return float((error**2).sum(axis=-1).mean() / 2)
