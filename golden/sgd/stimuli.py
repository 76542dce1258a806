"""Typical and corner inputs of the training unit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nomul.golden import fp16mul
from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.numbers import numbers


def initial(cfg: Config, rng: np.random.Generator) -> list[Ints]:
    """Return weights to start from, int64[in, out] per layer: uniform, of variance 1 / inputs."""
    drawn = []
    for inward, outward in itertools.pairwise(cfg.sizes):
        real = rng.uniform(-1, 1, (inward, outward)) * np.sqrt(3 / inward)
        drawn.append(numbers(cfg).encode(cfg, real))
    return drawn


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 4) -> dict[str, Any]:
    """Return ``weights`` per layer, and ``n`` samples ``x`` and ``target``.

    Every second sample is typical, the others are of any size, and the last is at the rails: for
    binary16 of any pattern, infinities and NaNs among them.
    """
    if cfg.numbers == "fp16":
        return _half(cfg, rng, n)
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


def _half(cfg: Config, rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Return weights and samples of binary16; products and sums of them underflow and cancel."""
    weights, sizes = initial(cfg, rng), (cfg.sizes[0], cfg.sizes[-1])
    real = [rng.random((n, size)) for size in sizes]
    for part in real:
        for k in range(1, n, 2):
            of = part.shape[1]
            part[k] = rng.normal(size=of) * 2.0 ** rng.integers(-13, 4, of)
    x, target = (numbers(cfg).encode(cfg, part) for part in real)
    x[-1], target[-1] = (rng.choice(fp16mul.corners().view(np.int16), size) for size in sizes)
    weights[0][0] = rng.choice(fp16mul.corners()[:20].view(np.int16), cfg.sizes[1])
    return {"weights": weights, "x": x, "target": target}
