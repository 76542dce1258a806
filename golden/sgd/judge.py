"""Targets of classes, and how well a network does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.rounding import rounded, saturated


def targets(cfg: Config, labels: ArrayLike) -> Ints:
    """Return the targets of classes, int64[n, outputs]: 2^F at the class, as far as B bits hold it.

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
    one = min(1 << cfg.fraction, (1 << (cfg.bits - 1)) - 1)
    return np.eye(outputs, dtype=np.int64)[labels] * one


def outputs(cfg: Config, weights: Sequence[Ints], x: ArrayLike) -> Ints:
    """Return z of the last layer for samples int[n, inputs]; ``stochastic`` rounds to nearest."""
    plain = cfg.replace(rounding="rne") if cfg.rounding == "stochastic" else cfg
    a = np.asarray(x, dtype=np.int64)
    z = a
    for w in weights:
        z = saturated(cfg, rounded(plain, a @ w, cfg.fraction))
        a = np.maximum(z, 0)
    return z


def classes(cfg: Config, weights: Sequence[Ints], x: ArrayLike) -> Ints:
    """Return the classes of samples, int64[n]: the first of the largest outputs."""
    return np.asarray(outputs(cfg, weights, x).argmax(axis=1), dtype=np.int64)


def accuracy(cfg: Config, weights: Sequence[Ints], x: ArrayLike, labels: ArrayLike) -> float:
    """Return the share of samples whose class is their label."""
    return float((classes(cfg, weights, x) == np.asarray(labels)).mean())


def loss(cfg: Config, y: ArrayLike, target: ArrayLike) -> float:
    """Return the mean over samples of half the squared error, outputs and targets in units of 1."""
    error = (np.asarray(y) - np.asarray(target)) / 2.0**cfg.fraction
    return float((error**2).sum(axis=-1).mean() / 2)
