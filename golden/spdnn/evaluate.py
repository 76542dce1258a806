"""What a network of the challenge computes: exact integers, and the challenge's own reals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.spdnn.config import BIASES, CEILING, MEMBERS, Config, offset
from nomul.golden.spdnn.layers import Layer, generate

# A dense product of so many cells per edge is still faster than following the edges.
DENSE = 6


def model(
    network: Sequence[Layer] | Config | None = None,
    /,
    y0: ArrayLike | None = None,
    fraction: int = 16,
    *,
    layers: Sequence[Layer] | None = None,
) -> Ints:
    """Return the last layer's activations, int64[V, N], in units of 2^-fraction.

    A layer adds what its edges bring, S in sixteenths, rounds, z = (S + 8) >> 4, subtracts the bias
    and clips to 0..32. An image whose row is 0 stays 0, so it is dropped on the way; columns with
    equal edges are added once. Neither changes a bit.

    Parameters
    ----------
    network
        The layers; or a Config, whose fraction holds, with ``layers=`` beside.
    y0
        Images int[V, N], in units of 2^-fraction: 1.0 is 2^fraction.
    fraction
        F, bits behind the point.

    Raises
    ------
    TypeError
        Images are not integers.
    ValueError
        Images are of another size, or outside 0..32; there is no layer.
    """
    if isinstance(network, Config):
        fraction = network.fraction
    elif network is not None:
        layers = network
    if not layers:
        raise ValueError("layers must hold one layer at least")
    neurons = layers[0].neurons
    start = _images(y0, neurons, CEILING << fraction)
    bias, ceiling = offset(neurons, fraction), CEILING << fraction
    # The activations are values[:, which]: neurons that must be equal are held once.
    values, which = start, np.arange(neurons)
    alive = np.arange(len(start))
    for layer in layers:
        first, equal = layer.distinct
        sums = _sums(layer, first, values, which)
        values = np.clip(((sums + 8) >> 4) - bias, 0, ceiling)
        which = equal
        active = values.any(axis=1)
        if active.sum() < 0.75 * len(active):
            values, alive = values[active], alive[active]
    result = np.zeros_like(start)
    result[alive] = values[:, which]
    return result


def _sums(layer: Layer, first: Ints, values: Ints, which: Ints) -> Ints:
    """Return what the edges bring to the columns ``first``, int64[V, len(first)]."""
    edges = np.flatnonzero(np.isin(layer.column, first)) if len(first) < layer.neurons else None
    row = layer.row if edges is None else layer.row[edges]
    weight = layer.weight if edges is None else layer.weight[edges]
    column = layer.column if edges is None else layer.column[edges]
    place = np.searchsorted(first, column)
    if values.shape[1] * len(first) <= DENSE * len(layer.row):
        # Sums stay far below 2^53, so a product of float64 is exact.
        cells = which[row] * len(first) + place
        size = values.shape[1] * len(first)
        matrix = np.bincount(cells, weights=weight, minlength=size)
        product: Floats = values.astype(np.float64) @ matrix.reshape(-1, len(first))
        return product.astype(np.int64)
    brought = values.T[which[row]] * weight[:, None]
    begin = np.searchsorted(place, np.arange(len(first)))
    empty = np.diff(np.append(begin, len(place))) == 0
    total = np.add.reduceat(np.concatenate([brought, np.zeros_like(brought[:1])]), begin, axis=0)
    total[empty] = 0
    return np.ascontiguousarray(total.T)


def ideal(layers: Sequence[Layer], y0: ArrayLike, neurons: int | None = None) -> Floats:
    """Return the last layer's activations by the challenge's description, float64[V, N].

    Z = Y W; the bias is added where Z is not 0; below 0 becomes 0, above 32 becomes 32.

    Parameters
    ----------
    layers
        The network.
    y0
        Images float[V, N].
    neurons
        Whose bias is taken; the layers' own unless given.
    """
    y = np.asarray(y0, dtype=np.float64)
    for layer in layers:
        bias = BIASES.get(neurons or layer.neurons, BIASES[1024])
        weights = np.zeros((layer.neurons, layer.neurons))
        weights[layer.row, layer.column] = layer.weight / 16
        z = y @ weights
        y = np.clip(np.where(z != 0, z - bias, 0), 0, CEILING)
    return y


def categories(y: ArrayLike) -> Ints:
    """Return the numbers, from 1, of the images whose last row is not zero, int64[n]."""
    return np.flatnonzero(np.asarray(y).any(axis=1)) + 1


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, Any]:
    """Return a network with random maps, and three batches of images.

    A layer doubles the distance from an activation of about 0.3, so most images of any other mean
    soon are all 0 or all 32. The grey ones here have that mean; others are strokes, one is empty
    and one full. With ``engine=general`` the edges are random, and their weights too.
    """
    n, shape = cfg.neurons, (3 * cfg.adders, cfg.neurons)
    mean = cfg.bias + rng.integers(-cfg.bias // 16, cfg.bias // 16 + 1, (shape[0], 1))
    y0 = np.maximum(mean + rng.integers(-cfg.bias // 2, cfg.bias // 2 + 1, shape), 0)
    strokes = (rng.random(shape) < rng.uniform(0.2, 0.4, (shape[0], 1))).astype(np.int64)
    y0[2::3] = strokes[2::3] << cfg.fraction
    y0[0] = 0
    y0[-1] = 1 << cfg.fraction
    if cfg.engine == "general":
        return {"layers": [_random_layer(n, rng) for _ in range(cfg.layers)], "y0": y0}
    classes = np.repeat(np.arange(n // MEMBERS), MEMBERS)
    first = np.arange(n) % (n // MEMBERS)
    maps = [first, *(rng.permutation(classes) for _ in range(cfg.groups - 1))]
    return {"layers": generate(cfg.layers, maps, n), "y0": y0}


def _random_layer(neurons: int, rng: np.random.Generator) -> Layer:
    """Return a layer of random edges, of which some columns have none."""
    there = rng.random((neurons, neurons)) < 24 / neurons
    there[rng.integers(neurons)] = False  # a column without edges
    column, row = np.nonzero(there)
    weight = np.where(rng.random(len(row)) < 0.2, -1, 1) << rng.integers(0, 3, len(row))
    return Layer(neurons, row, column, weight)


def _images(y0: ArrayLike | None, neurons: int, ceiling: int) -> Ints:
    """Return images as int64[V, N], or refuse them."""
    array = np.asarray(y0)
    if array.dtype.kind not in "iu":
        raise TypeError(f"y0 must hold integers, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] != neurons:
        raise ValueError(f"y0 must be of shape (images, {neurons}), not {array.shape}")
    wrong = array[(array < 0) | (array > ceiling)]
    if wrong.size:
        raise ValueError(f"y0 must be in 0..{ceiling}, not {int(wrong[0])}")
    return array.astype(np.int64)
