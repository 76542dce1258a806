"""Typical and corner inputs of the training unit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config


def initial(cfg: Config, rng: np.random.Generator) -> list[Ints]:
    """Return weights to start from, int64[in, out] per layer: uniform, of variance 1 / inputs."""
    unit, high = 1 << cfg.fraction, (1 << (cfg.bits - 1)) - 1
    drawn = []
    for inward, outward in itertools.pairwise(cfg.sizes):
        real = rng.uniform(-1, 1, (inward, outward)) * np.sqrt(3 / inward) * unit
        drawn.append(np.clip(np.rint(real), -high - 1, high).astype(np.int64))
    return drawn


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 4) -> dict[str, Any]:
    """Return ``weights`` per layer, and ``n`` samples ``x`` and ``target``.

    Every second sample is typical, the others are of any size, and the last is at the rails.
    """
    low, high = -(1 << (cfg.bits - 1)), (1 << (cfg.bits - 1)) - 1
    one = min(1 << cfg.fraction, high)
    x = rng.integers(0, one + 1, (n, cfg.sizes[0]))
    target = np.eye(cfg.sizes[-1], dtype=np.int64)[rng.integers(0, cfg.sizes[-1], n)] * one
    for k in range(1, n, 2):
        x[k] = rng.integers(low, high + 1, cfg.sizes[0])
        target[k] = rng.integers(low, high + 1, cfg.sizes[-1])
    x[-1:], target[-1:] = low, high
    weights = initial(cfg, rng)
    weights[0][0], weights[-1][-1] = low, high
    return {"weights": weights, "x": x, "target": target}
