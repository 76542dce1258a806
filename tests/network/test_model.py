"""Exact integers of quantised networks, against loops written out and against rationals.

One file, since the cases share the loops that the model is compared with.
"""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import network
from nomul.golden.network import evaluate
from nomul.golden.network.network import MAX_FEATURES


def rne(value: Fraction) -> int:
    """Round half to even, as Python does for rationals."""
    return round(value)


def naive_layer(net, number, inputs):
    """Compute one layer of one image with loops over Python's integers."""
    layer = net.layers[number]
    x = inputs[0]
    if isinstance(layer, network.Dense):
        rows, columns = layer.w.shape
        return [sum(int(layer.w[i, j]) * x[i] for i in range(rows)) for j in range(columns)]
    if isinstance(layer, network.Requant):
        return naive_requant(layer, x)
    if isinstance(layer, network.Flatten):
        return [v for channel in x for row in channel for v in row]
    if isinstance(layer, network.ArgMax):
        return x.index(max(x))
    if isinstance(layer, network.GlobalAvgPool):
        return [sum(sum(row) for row in channel) for channel in x]
    if isinstance(layer, network.Add):
        return (np.array(x, dtype=object) + np.array(inputs[1], dtype=object)).tolist()
    top, left, bottom, right = layer.padding
    height, width = len(x[0]), len(x[0][0])
    fill = {"conv2d": lambda: layer.pad_value, "avgpool2d": lambda: 0, "maxpool2d": lambda: None}

    def at(channel, i, j):
        inside = top <= i < top + height and left <= j < left + width
        return x[channel][i - top][j - left] if inside else fill[layer.kind]()

    high, wide = layer.w.shape[2:] if isinstance(layer, network.Conv2d) else layer.kernel
    down, across = layer.stride
    rows = (height + top + bottom - high) // down + 1
    columns = (width + left + right - wide) // across + 1

    def window(channel, i, j):
        places = itertools.product(range(high), range(wide))
        return [at(channel, i * down + a, j * across + b) for a, b in places]

    result = []
    for out in range(net.shapes[number + 1][0]):
        plane = [[0] * columns for _ in range(rows)]
        for i, j in itertools.product(range(rows), range(columns)):
            if isinstance(layer, network.Conv2d):
                per_group = len(layer.w) // layer.groups
                first = out // per_group * layer.w.shape[1]
                plane[i][j] = sum(
                    int(w) * v
                    for c in range(layer.w.shape[1])
                    for w, v in zip(
                        layer.w[out, c].reshape(-1), window(first + c, i, j), strict=True
                    )
                )
            else:
                seen = [v for v in window(out, i, j) if v is not None]
                plane[i][j] = max(seen) if isinstance(layer, network.MaxPool2d) else sum(seen)
        result.append(plane)
    return result


def naive_requant(layer, x):
    """Requantise nested lists, by the channel that the first index is."""
    scale = np.broadcast_to(layer.scale, len(x)).tolist()
    bias = np.broadcast_to(layer.bias, len(x)).tolist()

    def each(value, channel):
        if isinstance(value, list):
            return [each(v, channel) for v in value]
        z = rne(Fraction(value * scale[channel] + bias[channel], 1 << layer.shift))
        return min(max(z, layer.low), layer.high)

    return [each(value, channel) for channel, value in enumerate(x)]


def naive(net, image):
    """Return all values of one image."""
    values = [image.tolist()]
    for number in range(len(net.layers)):
        values.append(naive_layer(net, number, [values[s] for s in net.sources(number)]))
    return values


def requant(rng, channels, low=0, high=255, shift=14, bias=1 << 17):
    scale = rng.integers(1, 256, channels) * rng.choice([-1, 1], channels)
    return network.Requant(scale, rng.integers(-bias, bias, channels), shift, low, high)


def small_network(rng, *, act_low=0):
    """Return a network with every kind of layer, a skip, groups, strides and uneven padding."""
    high = 255 + act_low
    layers = [
        network.Conv2d(
            rng.integers(-128, 128, (4, 2, 3, 2)), (2, 1), (1, 0, 2, 1), pad_value=3 + act_low
        ),
        requant(rng, 4, act_low, high),
        network.MaxPool2d((2, 3), (1, 2), (1, 1, 0, 2)),
        network.Conv2d(rng.integers(-128, 128, (6, 2, 1, 2)), groups=2, padding=(0, 1, 0, 0)),
        requant(rng, 6, -40, 40),
        network.Conv2d(rng.integers(-128, 128, (6, 4, 1, 1)), source=3),
        requant(rng, 6, -40, 40),
        network.Add(5),
        requant(rng, 1, act_low, high, 6, 1 << 8),
        network.Conv2d(rng.integers(-128, 128, (6, 1, 2, 2)), (1, 1), (1, 1, 0, 0), groups=6),
        requant(rng, 6, act_low, high),
        network.AvgPool2d((2, 2), (2, 2), (0, 1, 1, 0)),
        requant(rng, 6, act_low, high, 8, 1 << 8),
        network.Flatten(),
    ]
    half = network.Network(
        layers, (2, 6, 5), input_low=act_low, input_high=high, input_zero=act_low
    )
    features = half.shapes[-1][0]
    layers += [
        network.Dense(rng.integers(-128, 128, (features, 7))),
        requant(rng, 7, -1000, 1000),
        network.ArgMax(),
    ]
    return half.replace(layers=layers)


@pytest.mark.parametrize("act_low", [0, -128])
def test_every_layer_equals_loops(act_low):
    rng = np.random.default_rng(3)
    net = small_network(rng, act_low=act_low)
    x = rng.integers(act_low, 256 + act_low, (5, 2, 6, 5))
    x[0], x[1] = act_low, 255 + act_low
    values = network.trace(net, x)
    want = [naive(net, image) for image in x]
    for number, value in enumerate(values):
        np.testing.assert_array_equal(value, [v[number] for v in want], err_msg=str(number))
        assert value.dtype == np.int64
    np.testing.assert_array_equal(network.model(net, x), values[-1])
    assert network.model(net, x).shape == (5,)
    assert len(np.unique(values[-2])) > 10


def test_global_average_pooling_is_a_sum():
    net = network.Network([network.GlobalAvgPool()], (3, 2, 2))
    x = np.arange(24).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(network.model(net, x), x.sum(axis=(2, 3)))
    assert net.ranges[-1] == (0, 4 * 255)


def test_arg_max_takes_the_first_of_equals():
    net = network.Network([network.ArgMax()], (4,))
    x = np.array([[1, 7, 7, 0], [0, 0, 0, 0], [1, 2, 3, 3]])
    assert network.model(net, x).tolist() == [1, 0, 2]


def test_padding_of_a_maximum_never_wins():
    layer = network.MaxPool2d((2, 2), (2, 2), (1, 1, 1, 1))
    net = network.Network([layer], (1, 2, 2), input_low=-128, input_high=127)
    x = np.full((1, 1, 2, 2), -128)
    assert (network.model(net, x) == -128).all()


@given(st.data())
def test_requantiser_rounds_as_rationals_do(data):
    """In each of the three types: on ties, at both ends, and for scales of both signs."""
    shift = data.draw(st.integers(0, 40))
    scale = data.draw(st.integers(-(1 << 23), (1 << 23) - 1).filter(bool))
    bias = data.draw(st.integers(-(1 << 50), 1 << 50))
    y = data.draw(st.lists(st.integers(-(1 << 30), 1 << 30), min_size=1, max_size=8))
    layer = network.Requant(np.array([scale]), np.array([bias]), shift, -(1 << 40), 1 << 40)
    want = [naive_requant(layer, [v])[0] for v in y]
    column = np.array([y])
    assert evaluate.requantise(layer, column)[0].tolist() == want
    most = layer.largest((min(y), max(y)))
    for kind, limit in evaluate.EXACT:
        if most < limit:
            assert evaluate.requantise(layer, column, kind)[0].tolist() == want


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("value", range(-9, 10))
def test_ties_go_to_even(kind, value):
    layer = network.Requant(np.array([1]), np.array([0]), 1, -8, 8)
    got = evaluate.requantise(layer, np.array([[value]]), kind)
    assert got[0, 0] == round(value / 2)


@pytest.mark.parametrize(
    ("rows", "kind"), [(517, np.float32), (519, np.float64), (MAX_FEATURES // 64, np.float64)]
)
def test_sums_at_the_edge_of_a_type_are_exact(rows, kind):
    """The largest sums of 255 times -127 or 127, where single precision just ends to be exact."""
    w = np.full((rows, 2), 127)
    w[:, 1] = -127
    net = network.Network([network.Dense(w)], (rows,))
    assert evaluate.Run(net).types == [kind]
    x = np.full((2, rows), 255)
    x[1, 0] = 254
    y = network.model(net, x)
    assert y.tolist() == [[v, -v] for v in (rows * 255 * 127, rows * 255 * 127 - 127)]


def test_requantiser_beyond_double_precision_is_exact():
    rng = np.random.default_rng(1)
    first = network.Requant(np.array([(1 << 23) - 1]), np.array([5]), 0, -(1 << 34), 1 << 34)
    second = network.Requant(np.array([-(1 << 23) + 1]), np.array([1 << 20]), 30, -(1 << 40), 1)
    net = network.Network([first, second], (6,))
    assert evaluate.Run(net).types == [np.float64, np.int64]
    x = rng.integers(0, 256, (4, 6))
    assert network.model(net, x).tolist() == [naive(net, row)[-1] for row in x]


def test_chunks_do_not_show(monkeypatch):
    net, rng = small_network(np.random.default_rng(5)), np.random.default_rng(6)
    x = rng.integers(0, 256, (23, 2, 6, 5))
    whole = network.model(net, x)
    monkeypatch.setattr(evaluate, "CHUNK", 700)
    np.testing.assert_array_equal(network.model(net, x), whole)
    assert network.model(net, x[:0]).shape == (0,)


def test_each_layer_is_fitted_to_what_those_before_it_give():
    """In one pass; here anew for each layer, from the inputs on."""
    net, rng = small_network(np.random.default_rng(8)), np.random.default_rng(9)
    x = rng.integers(0, 256, (5, 2, 6, 5))
    fitted_to = {}

    def fit(number, seen):
        fitted_to[number] = seen
        layer = net.layers[number]
        grouped = isinstance(layer, network.Conv2d)
        w = layer.w.reshape(len(layer.w), -1).T if grouped else layer.w
        rows = np.resize(np.arange(len(w)), seen.shape[1])
        return lambda vectors: 3 * vectors @ w[rows] + int(seen.max())

    sums, before = evaluate.fitted(net, x, fit, 7), {}
    for number, give in sums.items():
        seen = evaluate.vectors(net, number, evaluate.trace(net, x, before))
        flat = seen.reshape(-1, seen.shape[2])
        drawn = flat[np.random.default_rng(1).permutation(len(flat))[:7]]
        assert np.array_equal(fitted_to[number], drawn)
        before[number] = give
    products = (network.Conv2d, network.Dense)
    assert list(sums) == [n for n, layer in enumerate(net.layers) if isinstance(layer, products)]


def test_one_layer_takes_any_integers_of_its_range():
    rng = np.random.default_rng(7)
    net = small_network(rng)
    x = rng.integers(-40, 41, (3, *net.shapes[5]))
    other = rng.integers(-40, 41, (3, *net.shapes[7]))
    np.testing.assert_array_equal(network.layer_output(net, 7, other, x), x + other)


def test_products_count_what_a_dense_array_would_do():
    layers = [
        network.Conv2d(np.ones((4, 1, 3, 3), int), groups=2, padding=(1, 1, 1, 1)),
        network.Requant(ONE, ONE, 4, 0, 255),
        network.Flatten(),
        network.Dense(np.ones((4 * 25, 3), int)),
    ]
    net = network.Network(layers, (2, 5, 5))
    assert net.products == 4 * 9 * 25 + 300
    assert net.weights == 36 + 300


def test_windows_are_in_the_order_channel_row_column():
    """A convolution equals its window times the matrix that products are planned with."""
    rng = np.random.default_rng(8)
    layer = network.Conv2d(rng.integers(-8, 8, (4, 3, 2, 2)), groups=2)
    net = network.Network([layer], (6, 2, 2))
    x = rng.integers(0, 256, (5, 6, 2, 2))
    first, second = layer.matrices()
    want = np.concatenate([x[:, :3].reshape(5, -1) @ first, x[:, 3:].reshape(5, -1) @ second], 1)
    np.testing.assert_array_equal(network.model(net, x).reshape(5, 4), want)


def test_real_inputs_become_codes():
    net = network.Network(
        [network.Flatten()], (3,), input_low=-128, input_high=127, input_scale=0.5, input_zero=-3
    )
    assert net.encode([[0.25, 0.75, 1e9]]).tolist() == [[-3, -1, 127]]
    with pytest.raises(ValueError, match="finite"):
        net.encode([[np.nan, 0, 0]])


ONE = np.array([1])
DENSE = network.Dense(np.ones((4, 2), int))
CONV = network.Conv2d(np.ones((2, 1, 3, 3), int))
WIDE = network.Requant(ONE, ONE, 0, -129, 3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: network.Dense(np.ones((2, 2))), TypeError, r"Dense.w must be integers, not float"),
        (lambda: network.Dense(np.ones(2, int)), ValueError, r"Dense.w must have 2 axes"),
        (lambda: network.Dense([[True]]), TypeError, "Dense.w must be integers, not bool"),
        (lambda: network.Requant(ONE * 0, ONE, 1, 0, 1), ValueError, r"scale\[0\].*not 0"),
        (lambda: network.Requant(ONE << 23, ONE, 1, 0, 1), ValueError, r"must be in -8388608"),
        (lambda: network.Requant(ONE, ONE, 63, 0, 1), ValueError, r"shift must be in 0..62"),
        (lambda: network.Requant(ONE, ONE, 1, 2, 1), ValueError, r"low must be at most high"),
        (lambda: network.Requant(ONE, ONE, True, 2, 1), TypeError, r"shift must be an integer"),
        (lambda: network.Conv2d(DENSE.w), ValueError, r"Conv2d.w must have 4 axes"),
        (lambda: network.Conv2d(CONV.w, 0), ValueError, r"Conv2d.stride must be in 1"),
        (lambda: network.Conv2d(CONV.w, 1, (1, 1)), ValueError, r"padding must have 4 entries"),
        (lambda: network.Conv2d(CONV.w, groups=3), ValueError, r"groups must be in 1..2"),
        (lambda: network.MaxPool2d(2, 2, 2), ValueError, r"padding must be below the kernel"),
        (lambda: network.Network([], (1,)), ValueError, "layers must not be empty"),
        (lambda: network.Network([3], (1,)), TypeError, "layer 0 must be a layer, not int"),
        (lambda: network.Network([DENSE], (3,)), ValueError, r"layer 0 \(dense\): has weights for"),
        (lambda: network.Network([DENSE], (2, 2)), ValueError, "input_shape must be"),
        (lambda: network.Network([DENSE], (4,), act_bits=7), ValueError, "0..255, which 7 bits"),
        (lambda: network.Network([DENSE], (4,), act_bits=9), ValueError, "act_bits must be in 1"),
        (lambda: network.Network([DENSE], (4,), weight_bits=1), ValueError, r"w\[0\]\[0\] must"),
        (lambda: network.Network([DENSE], (4,), input_scale=0.0), ValueError, "input_scale must"),
        (lambda: network.Network([WIDE, DENSE], (4,)), ValueError, "layer 1 .*-129..3"),
        (lambda: network.Network([CONV], (1, 2, 9)), ValueError, r"window of \[3, 3\] does not"),
        (lambda: network.Network([CONV], (2, 3, 3)), ValueError, "weights for 1 channels"),
        (lambda: network.Network([CONV], (9,)), ValueError, "wants .channels, height, width"),
        (lambda: network.Network([network.Add(2)], (4,)), ValueError, "value 2, which is not"),
        (
            lambda: network.Network([DENSE, network.Add(0)], (4,)),
            ValueError,
            r"layer 1 \(add\): adds \[2\] and \[4\]",
        ),
        (
            lambda: network.Network([network.ArgMax(name="top"), DENSE], (4,)),
            ValueError,
            r"layer 0 \(argmax, top\): must be the last",
        ),
        (
            lambda: network.Network([network.Requant(np.ones(3, int), ONE, 0, 0, 1)], (4,)),
            ValueError,
            "scale must have 1 or 4 entries, not 3",
        ),
        (
            lambda: network.Network([network.Requant(ONE, ONE << 62, 0, 0, 1)], (4,)),
            ValueError,
            "more than 63 bits",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((1, 4)), TypeError, "x must be integers, not float64"),
        (np.zeros((1, 3), int), ValueError, r"x must be of shape \[V, 4\], not \[1, 3\]"),
        (np.array([[0, 1, 2, 256]]), ValueError, r"x\[0\]\[3\] must be in 0..255, not 256"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        network.model(network.Network([DENSE], (4,)), x)
