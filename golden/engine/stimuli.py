"""Inputs to try on an engine: extremes, zero, random codes, sparse ones."""

from typing import Any

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.products.contract import corners


def stimuli(cfg: Any, rng: np.random.Generator, n: int = 8) -> dict[str, Ints]:
    """Return inputs ``x`` int64[n, ...], codes of the network's range."""
    net = cfg.net
    size = int(np.prod(net.input_shape))
    made = corners(rng, (1, size), (net.input_low, net.input_high), n)
    return {"x": np.concatenate(made).reshape(n, *net.input_shape)}
