"""Small random networks of every kind of layer, for benches, presets and tests: same seed, same."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d


def _weights(rng: np.random.Generator, *shape: int, bits: int = 4) -> Ints:
    high = (1 << (bits - 1)) - 1
    return rng.integers(-high, high + 1, shape)


def _of(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def _codes(
    rng: np.random.Generator, channels: int, low: int = 0, high: int = 15, **members: Any
) -> Requant:
    """Return a requantiser whose codes fill their range, for sums of a few hundred."""
    return Requant(
        rng.integers(900, 2600, channels),
        rng.integers(-60_000, 90_000, channels),
        12,
        low,
        high,
        **members,
    )


def mlp(rng: np.random.Generator) -> Network:
    """Return two fully connected layers, scores, arg-max; inputs do not use all of their codes."""
    layers = [
        Dense(_weights(rng, 10, 6)),
        _codes(rng, 6),
        Dense(_weights(rng, 6, 5)),
        Requant(rng.integers(300, 900, 5), rng.integers(-9000, 9000, 5), 9, -200, 200),
        ArgMax(),
    ]
    return Network(layers, (10,), weight_bits=4, act_bits=4, input_high=14)


def conv(rng: np.random.Generator) -> Network:
    """Return padding, strides, maxima, a depthwise convolution, an average, a negative scale."""
    negative = Requant(_of(-1400, 1500, 1300, -1200), _of(40_000, 0, 900, 20_000), 12, 0, 15)
    layers = [
        Conv2d(_weights(rng, 4, 2, 3, 3), (1, 1), (1, 1, 1, 1), 2),
        _codes(rng, 4),
        MaxPool2d((2, 2), (2, 2), (1, 0, 0, 1)),
        Conv2d(_weights(rng, 4, 1, 2, 2), padding=(0, 1, 1, 0), groups=4),
        negative,
        AvgPool2d((2, 2), (1, 1), (1, 1, 0, 0)),
        _codes(rng, 4),
        Flatten(),
        Dense(_weights(rng, 24, 3)),
    ]
    return Network(layers, (2, 5, 4), weight_bits=4, act_bits=4, input_high=15)


def residual(rng: np.random.Generator) -> Network:
    """Return signed codes, a skip with a convolution of its own, one without, a global average."""
    layers = [
        Conv2d(_weights(rng, 3, 1, 3, 3), (2, 2), (1, 1, 1, 1), -1),
        _codes(rng, 3, -8, 7),
        Conv2d(_weights(rng, 3, 3, 1, 1)),
        Conv2d(_weights(rng, 3, 3, 3, 3), padding=(1, 1, 1, 1), source=2),
        Requant(_of(1000, 900, 1100), _of(0, 70, -90), 4, -60_000, 60_000, source=3),
        Requant(_of(1300), _of(5), 4, -70_000, 70_000, source=4),
        Add(6, source=5),
        _codes(rng, 3, -8, 7),
        Add(8, source=2),
        Requant(_of(3000), _of(-100), 12, -8, 7),
        GlobalAvgPool(),
        Requant(_of(1200), _of(0), 13, -8, 7),
        Dense(_weights(rng, 3, 4)),
    ]
    shape = (1, 5, 6)
    return Network(layers, shape, weight_bits=4, act_bits=4, input_low=-8, input_high=7)


KINDS: dict[str, Callable[[np.random.Generator], Network]] = {
    "mlp": mlp,
    "conv": conv,
    "residual": residual,
}


def example(name: str) -> Network:
    """Return one of :data:`KINDS`."""
    return KINDS[name](np.random.default_rng(1))
