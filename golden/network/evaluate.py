"""What a quantised network computes, as exact integers, through fast floating point where exact."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.network import kernels
from nomul.golden.network.arrays import Range, Shape
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d

Array = NDArray[Any]

# What a datapath gives for vectors int64[n, inputs] of a layer: int64[n, outputs].
Sums = Callable[[Ints], Ints]

# Integers up to these are exact, as are all sums of them in any order that stay below.
EXACT: tuple[tuple[Any, int], ...] = ((np.float32, 1 << 24), (np.float64, 1 << 53))

CHUNK = 1 << 18  # values of the widest layer that are in work at once: they fit the cache


def model(net: Network, x: ArrayLike, sums: Mapping[int, Sums] | None = None) -> Ints:
    """Return the output of the last layer for a batch.

    Parameters
    ----------
    net
        The network.
    x
        int[V, features] or int[V, C, H, W], codes in ``input_low`` .. ``input_high``.
    sums
        What some layers of products give instead of W^T x, by the layer's number: a function of
        vectors int64[n, inputs] that gives int64[n, outputs], for datapaths that approximate.

    Returns
    -------
    int64[V, classes] (whatever shape the last layer has), or int64[V] if that is an ``ArgMax``.

    Raises
    ------
    TypeError
        ``x`` is not of integers.
    ValueError
        ``x`` is of another shape, or a code is out of range; the message names the first one.
    """
    codes = check(net, x)
    run = Run(net, sums)
    results = [run.values(codes[part])[-1] for part in _parts(net, len(codes))]
    if not results:
        return np.zeros((0, *net.shapes[-1]), dtype=np.int64)
    return np.concatenate([_batch_first(part) for part in results])


def trace(net: Network, x: ArrayLike, sums: Mapping[int, Sums] | None = None) -> list[Ints]:
    """Return every value for a batch: the input first, then each layer's output.

    ``sums`` as for :func:`model`.
    """
    values = Run(net, sums).values(check(net, x), keep=True)
    return [_batch_first(value) for value in values]


def layer_output(net: Network, number: int, *inputs: ArrayLike) -> Ints:
    """Return what one layer gives for inputs int[V, ...] that need not come from the network.

    They must be within the ranges that the network can give; see :attr:`Network.ranges`.
    """
    run = Run(net)
    values = [_channels_first(np.asarray(x, dtype=np.int64)) for x in inputs]
    return _batch_first(run.layer(number, values))


def vectors(net: Network, number: int, values: Sequence[Ints]) -> Ints:
    """Return what a layer of products takes of the values of V images: int64[V, windows, inputs].

    ``values`` are those of :func:`trace`; the inputs of a window are in the planner's order.
    """
    layer = net.layers[number]
    assert isinstance(layer, Dense | Conv2d)
    return _windows(layer, values[net.sources(number)[0]].swapaxes(0, 1))


def _windows(layer: Dense | Conv2d, x: Array) -> Ints:
    """Return what a layer takes of V images, channels first: [V, windows, inputs]."""
    if isinstance(layer, Dense):
        return np.ascontiguousarray(x.T)[:, None]
    padded = kernels.pad(x, layer.padding, layer.pad_value)
    return kernels.patches(padded, layer.w.shape[2:], layer.stride)


def fitted(
    net: Network, x: ArrayLike, fit: Callable[[int, Ints], Sums], count: int
) -> dict[int, Sums]:
    """Return what a datapath gives for each layer of products, fitted to inputs.

    Each layer is fitted to what it takes of the inputs where those before it are computed as they
    were fitted. So the inputs pass through the network once.

    Parameters
    ----------
    net
        The network.
    x
        As for :func:`model`.
    fit
        Takes a layer's number and int64[count, inputs] at most, drawn from what it takes, and
        returns its sums.
    count
        Vectors that a layer is fitted to.
    """
    sums: dict[int, Sums] = {}
    run, values = Run(net, sums), [_channels_first(check(net, x))]
    for number, layer in enumerate(net.layers):
        inputs = [values[source] for source in net.sources(number)]
        if isinstance(layer, Dense | Conv2d):
            seen = _windows(layer, inputs[0].astype(np.int64, copy=False))
            flat = seen.reshape(-1, seen.shape[2])
            drawn = np.random.default_rng(1).permutation(len(flat))[:count]
            sums[number] = fit(number, flat[drawn])
        values.append(run.layer(number, inputs))
    return sums


def check(net: Network, x: ArrayLike) -> Array:
    """Return inputs as an array; refuse what :func:`model` refuses."""
    codes = np.asarray(x)
    if codes.dtype.kind not in "iu":
        raise TypeError(f"x must be integers, not {codes.dtype}; encode() makes codes of reals")
    if codes.shape[1:] != net.input_shape or codes.ndim == 0:
        want = ", ".join(map(str, net.input_shape))
        raise ValueError(f"x must be of shape [V, {want}], not {list(codes.shape)}")
    wrong = np.argwhere((codes < net.input_low) | (codes > net.input_high))
    if len(wrong):
        place = "".join(f"[{i}]" for i in wrong[0])
        raise ValueError(
            f"x{place} must be in {net.input_low}..{net.input_high}, not {codes[tuple(wrong[0])]}"
        )
    return codes


def _parts(net: Network, images: int) -> Iterator[slice]:
    widest = max(int(np.prod(shape)) for shape in net.shapes)
    step = max(1, CHUNK // widest)
    return (slice(start, start + step) for start in range(0, images, step))


def _channels_first(x: Array) -> Array:
    return np.ascontiguousarray(x.swapaxes(0, 1)) if x.ndim > 1 else x


def _batch_first(x: Array) -> Ints:
    return np.ascontiguousarray(_channels_first(x)).astype(np.int64)


def rne_shift(v: Ints, shift: int) -> Ints:
    """Return v / 2**shift, rounded to the nearest integer and half to even."""
    if shift == 0:
        return v
    low = v >> shift
    rest = v - (low << shift)
    half = np.int64(1) << (shift - 1)
    return low + ((rest > half) | ((rest == half) & ((low & 1) == 1)))


class Run:
    """A network made ready: the type in which each layer is exact, and its weights in that type.

    Parameters
    ----------
    net
        The network.
    sums
        As for :func:`model`, whether or not some are given yet. Every layer is computed in integers
        then, since what these give may be beyond what the weights can.
    """

    def __init__(self, net: Network, sums: Mapping[int, Sums] | None = None):
        self.net = net
        self.sums: Mapping[int, Sums] = {} if sums is None else sums
        wide = sums is not None
        numbers = range(len(net.layers))
        self.types = [np.int64 if wide else self._type(number) for number in numbers]
        self.weights: dict[int, Array] = {}
        for number, layer in enumerate(net.layers):
            if isinstance(layer, Dense):
                self.weights[number] = np.ascontiguousarray(layer.w.T.astype(self.types[number]))
            elif isinstance(layer, Conv2d):
                self.weights[number] = layer.w.astype(self.types[number])

    def _type(self, number: int) -> Any:
        """Return the narrowest type in which no sum of a layer's terms is ever rounded."""
        layer = self.net.layers[number]
        before = [self.net.ranges[s] for s in self.net.sources(number)]
        shapes = [self.net.shapes[s] for s in self.net.sources(number)]
        most = _largest(layer, before, shapes)
        return next((kind for kind, limit in EXACT if most < limit), np.int64)

    def values(self, x: Array, *, keep: bool = False) -> list[Array]:
        """Return all values of a batch, channels first; those not needed again only on demand."""
        values: list[Any] = [_channels_first(x)]
        for number in range(len(self.net.layers)):
            sources = self.net.sources(number)
            values.append(self.layer(number, [values[s] for s in sources]))
            for source in sources:
                if not keep and self.net.last_use[source] == number:
                    values[source] = None
        return values

    def layer(self, number: int, inputs: list[Array]) -> Array:
        """Return the output of one layer."""
        layer, kind = self.net.layers[number], self.types[number]
        x = inputs[0]
        if not isinstance(layer, Requant | Flatten | MaxPool2d):
            x = x.astype(kind, copy=False)
        if number in self.sums:
            return self._replaced(number, x)
        match layer:
            case Dense():
                return self.weights[number] @ x
            case Conv2d():
                x = kernels.pad(x, layer.padding, layer.pad_value)
                return kernels.conv(x, self.weights[number], layer.stride, layer.groups)
            case Requant():
                return requantise(layer, x, kind)
            case MaxPool2d():
                lowest = self.net.ranges[self.net.sources(number)[0]][0]
                x = kernels.pad(x, layer.padding, lowest)
                return kernels.largest(x, layer.kernel, layer.stride)
            case AvgPool2d():
                return kernels.total(kernels.pad(x, layer.padding, 0), layer.kernel, layer.stride)
            case GlobalAvgPool():
                return x.sum(axis=(2, 3))
            case Add():
                return x + inputs[1].astype(kind, copy=False)
            case Flatten():
                return kernels.flatten(x)
            case ArgMax():
                return x.argmax(axis=0)
        raise TypeError(f"nothing is known of {type(layer).__name__}")

    def _replaced(self, number: int, x: Array) -> Array:
        """Return what another datapath gives for a layer of products, channels first."""
        layer, give = self.net.layers[number], self.sums[number]
        assert isinstance(layer, Dense | Conv2d)
        rows = _windows(layer, x)
        y = give(rows.reshape(-1, rows.shape[2]))
        if isinstance(layer, Dense):
            return y.T
        shape = self.net.shapes[number + 1]
        return y.reshape(x.shape[1], *shape[1:], shape[0]).transpose(3, 0, 1, 2)


def _largest(layer: Layer, ranges: list[Range], shapes: list[Shape]) -> int:
    """Return a bound of every partial sum of a layer, in whatever order its terms are added."""
    most = max(abs(end) for pair in ranges for end in pair)
    match layer:
        case Dense():
            return int(np.abs(layer.w).sum(axis=0).max()) * most
        case Conv2d():
            most = max(most, abs(layer.pad_value))
            return int(np.abs(layer.w).sum(axis=(1, 2, 3)).max()) * most
        case Requant():
            return layer.largest(ranges[0])
        case AvgPool2d():
            return most * layer.kernel[0] * layer.kernel[1]
        case GlobalAvgPool():
            return most * shapes[0][1] * shapes[0][2]
        case Add():
            return 2 * most
    return most


def requantise(layer: Requant, y: Array, kind: Any = np.int64) -> Array:
    """Return codes for sums [channels, ...], computed in a type that holds them exactly.

    In floating point 2^-shift goes into scale and bias: that moves exponents only, so y scale
    + bias is exact still, and the one rounding is that of ``rint``, half to even.
    """
    axes = (-1,) + (1,) * (y.ndim - 1)
    if kind is np.int64:
        wide = y.astype(np.int64) * layer.scale.reshape(axes) + layer.bias.reshape(axes)
        return np.clip(rne_shift(wide, layer.shift), layer.low, layer.high)
    unit = 2.0**-layer.shift
    v = np.multiply(y, (layer.scale * unit).astype(kind).reshape(axes), dtype=kind)
    v += (layer.bias * unit).astype(kind).reshape(axes)
    np.rint(v, out=v)
    np.clip(v, layer.low, layer.high, out=v)
    small = max(abs(layer.low), abs(layer.high)) < EXACT[0][1]
    return v.astype(np.float32) if small else v
