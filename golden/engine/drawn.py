"""Random legal networks, to try what no trained one has: layers of every kind in any order."""

import numpy as np

from nomul.golden.network.arrays import Shape
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d


def _codes(rng: np.random.Generator, channels: int, low: int, high: int) -> Requant:
    """Return a requantiser; one of ten has a negative scale, one of four a scale for all."""
    count = 1 if rng.random() < 0.25 else channels
    scale = rng.integers(600, 3000, count) * rng.choice([1, 1, 1, -1], count)
    return Requant(scale, rng.integers(-80_000, 80_000, count), int(rng.integers(8, 14)), low, high)


def _window(rng: np.random.Generator, height: int, width: int) -> tuple[Shape, Shape, Shape]:
    """Return a kernel, a stride and padding below the kernel, for an image."""
    kernel = int(rng.integers(1, min(3, height) + 1)), int(rng.integers(1, min(3, width) + 1))
    stride = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    return kernel, stride, tuple(int(rng.integers(0, kernel[i % 2])) for i in range(4))


def drawn(rng: np.random.Generator) -> Network:
    """Return a network of a few layers on a small image."""
    signed = bool(rng.integers(2))
    low, high = (-8, 7) if signed else (0, 15)
    channels = int(rng.integers(1, 4))
    shape = (channels, int(rng.integers(2, 7)), int(rng.integers(2, 7)))
    layers: list[Layer] = []
    at: Shape = shape
    for _ in range(int(rng.integers(1, 4))):
        kernel, stride, padding = _window(rng, *at[1:])
        kind = rng.choice(["conv", "depthwise", "max", "mean", "skip"])
        if kind in ("conv", "depthwise"):
            groups = at[0] if kind == "depthwise" else 1
            outputs = at[0] * int(rng.integers(1, 3)) if groups > 1 else int(rng.integers(1, 6))
            w = rng.integers(-8, 8, (outputs, at[0] // groups, *kernel))
            pad = int(rng.integers(low, high + 1))
            layers += [Conv2d(w, stride, padding, pad, groups), _codes(rng, outputs, low, high)]
        elif kind == "max":
            layers.append(MaxPool2d(kernel, stride, padding))
        elif kind == "mean":
            layers += [AvgPool2d(kernel, stride, padding), _codes(rng, at[0], low, high)]
        else:
            skip = len(layers)
            w = rng.integers(-8, 8, (at[0], at[0], 1, 1))
            layers += [
                Conv2d(w),
                Requant(np.array([700]), np.array([3]), 5, -3000, 3000),
                Requant(np.array([90]), np.array([0]), 0, -4000, 4000, source=skip),
                Add(skip + 3, source=skip + 2),
                _codes(rng, at[0], low, high),
            ]
        at = Network(layers, shape, 4, 4, low, high).shapes[-1]
    if rng.random() < 0.5:
        layers += [GlobalAvgPool(), _codes(rng, at[0], low, high)]
    elif rng.random() < 0.8:
        layers.append(Flatten())
    if len(Network(layers, shape, 4, 4, low, high).shapes[-1]) == 1:
        features = Network(layers, shape, 4, 4, low, high).shapes[-1][0]
        layers.append(Dense(rng.integers(-8, 8, (features, int(rng.integers(1, 6))))))
        if rng.random() < 0.5:
            layers.append(ArgMax())
    return Network(layers, shape, 4, 4, low, high)
