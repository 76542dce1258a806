"""A network of integers in real numbers: the same answers but for rounding, and back again."""

import numpy as np
import pytest

from nomul.golden import network
from nomul.golden.network import reals

lift = pytest.importorskip(
    "nomul.train.networks.lift", reason="needs PyTorch: pip install nomul[train]"
).lift


def little(rng, **more):
    """Return a network with a skip, both kinds of means, and scores that are requantised."""
    return network.Network(
        [
            network.Conv2d(rng.integers(-9, 10, (3, 2, 3, 3)), padding=(1, 1, 1, 1), **more),
            network.Requant([600] * 3, [100, 0, -300], shift=14, low=0, high=255),
            network.Conv2d(rng.integers(-9, 10, (3, 3, 1, 1))),
            network.Requant([900] * 3, [0] * 3, shift=14, low=-128, high=127),
            network.Add(2),
            network.Requant([8192], [0], shift=14, low=0, high=255),
            network.AvgPool2d((2, 2), (2, 2)),
            network.Requant([4096], [0], shift=14, low=0, high=255),
            network.GlobalAvgPool(),
            network.Requant([4096], [0], shift=14, low=0, high=255),
            network.Dense(rng.integers(-9, 10, (3, 4))),
        ],
        input_shape=(2, 4, 4),
        input_scale=1 / 255,
        output_scale=0.5,
    )


def test_a_graph_computes_what_the_network_does_but_for_rounding():
    rng = np.random.default_rng(1)
    net = little(rng)
    x = rng.random((50, 2, 4, 4))
    y = network.model(net, net.encode(x)) * net.output_scale
    near = reals.ideal(lift(net), x)
    # Five roundings on the way, the last of codes below 38.
    assert np.abs(near - y).max() < 0.1 * np.abs(y).max()
    assert np.corrcoef(near.ravel(), y.ravel())[0, 1] > 0.999


def test_trained_digits_come_back_as_good_as_they_were():
    from nomul.train import digits

    net, data = network.example("digits-mlp-int8"), digits.load()
    again = network.quantise(lift(net), data.x[:500])
    right = [
        (network.model(n, n.encode(data.x_test)).argmax(1) == data.labels_test).mean()
        for n in (net, again)
    ]
    assert right[1] >= right[0] - 0.005


def test_what_cannot_be_trained_is_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(ValueError, match=r"layer 0 \(conv2d\): pad_value must be 0, not 3"):
        lift(little(rng, pad_value=3))
    net = little(rng)
    with pytest.raises(ValueError, match=r"layer 11 \(argmax\): cannot be trained"):
        lift(net.replace(layers=[*net.layers, network.ArgMax()]))
    with pytest.raises(ValueError, match="input_zero must be 0, not 3"):
        lift(net.replace(input_zero=3))
