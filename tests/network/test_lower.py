"""From scales to requantisers: exact reals against fixed point, and what cannot be followed."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nomul.golden import network
from nomul.golden.network import reals
from nomul.golden.network.evaluate import requantise
from nomul.golden.network.fixed_point import fixed_point
from nomul.golden.network.lower import lower


def test_scales_of_24_bits_round_as_exact_reals_do():
    """None of 64,000 elements differs from rationals; of 16 bits some do."""
    rng = np.random.default_rng(0)
    gain = rng.uniform(2e-4, 2e-3, 64)
    bias = rng.uniform(-20, 20, 64)
    y = rng.integers(-60_000, 60_000, (64, 1000))
    exact = [
        [round(Fraction(g) * v + Fraction(b)) for v in row]
        for g, b, row in zip(gain.tolist(), bias.tolist(), y.tolist(), strict=True)
    ]
    factors, biases, shift = fixed_point(gain, np.zeros(64, int), bias, (-60_000, 60_000))
    assert 1 << 22 <= factors.max() < 1 << 23
    layer = network.Requant(factors, biases, shift, -(1 << 20), 1 << 20)
    assert (requantise(layer, y) != exact).sum() == 0
    coarse = network.Requant(
        np.rint(factors / 256).astype(int),
        np.rint(biases / 256).astype(int),
        shift - 8,
        -(1 << 20),
        1 << 20,
    )
    assert 0 < (requantise(coarse, y) != exact).sum() < 64


@given(st.integers(-40, 10), st.integers(-(1 << 20), 1 << 20), st.integers(-1000, 1000), st.data())
def test_powers_of_two_stay_exact(exponent, offset, shift, data):
    """With a bias of whole sums or halves of codes nothing is lost, and nothing multiplies."""
    y = data.draw(st.integers(-(1 << 20), 1 << 20))
    gain = 2.0**exponent
    real = Fraction(gain) * (y + offset) + Fraction(shift, 2)
    assume(abs(real) < 1 << 40)
    reach = (-(1 << 20), 1 << 20)
    factors, bias, places = fixed_point(
        np.array([gain]), np.array([offset]), np.array([shift / 2]), reach
    )
    layer = network.Requant(factors, bias, places, -(1 << 40), 1 << 40)
    assert not layer.multiplies
    assert requantise(layer, np.array([[y]]))[0, 0] == round(real)


def test_factors_never_vanish():
    factors, _, _ = fixed_point(
        np.array([1.0, 1e-30, -1e-30]), np.zeros(3, int), np.zeros(3), (0, 1)
    )
    assert (factors[1], factors[2]) == (1, -1)


def test_a_scale_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="too large for 24 bits"):
        fixed_point(np.array([2.0**25]), np.zeros(1, int), np.zeros(1), (0, 1))


def quant(source, **members):
    return reals.Quant(**{"sources": (source,), "scale": 0.25, "high": 15, **members})


def dense(source, codes, scale=0.5, bias=0.0):
    codes = np.asarray(codes)
    each = np.full(codes.shape[1], scale)
    added = np.full(codes.shape[1], bias)
    return reals.Product(
        sources=(source,), w=codes * each, bias=added, codes=codes, scale=each, name="fc"
    )


def agree(graph, x):
    """Require that integers mean what the quantised reals are; scales are powers of two here."""
    net = lower(graph)
    got = network.model(net, net.encode(x))
    np.testing.assert_array_equal(got * net.output_scale, reals.ideal(graph, x))
    return net


X = np.random.default_rng(1).uniform(0, 4, (40, 4))
W = np.random.default_rng(2).integers(-7, 8, (4, 3))


def test_an_input_with_a_zero_point_is_taken_off():
    steps = [quant(0, zero=5), dense(1, W, bias=1.5), quant(2, scale=0.5, low=-8, high=7)]
    net = agree(reals.Graph(steps, (4,)), X - 1)
    assert (net.weight_bits, net.act_bits) == (4, 4)


def test_bipolar_activations_become_bits():
    """The sign of 0 is plus; -1 and 1 are 0 and 1, and the sums of weights make up for it."""
    zeros = np.zeros((4, 1), int)
    w = np.concatenate([W, zeros], axis=1)
    steps = [
        quant(0),
        dense(1, w),
        quant(2, scale=2.0, bipolar=True),
        dense(3, np.array([[1, -1], [2, 3], [-4, 1], [1, 1]])),
        quant(4, scale=1.0, low=-16, high=15),
    ]
    net = agree(reals.Graph(steps, (4,)), X)
    assert net.ranges[2] == (0, 1)
    assert net.act_bits == 4


def test_affine_steps_and_maxima_before_a_quantiser_vanish_into_it():
    w = np.random.default_rng(3).integers(-7, 8, (3, 2, 2, 2))
    scale = np.full(3, 0.25)
    product = reals.Product(
        sources=(1,),
        w=w * 0.25,
        bias=np.array([1.0, 2.0, -3.0]),
        codes=w,
        scale=scale,
    )
    steps = [
        quant(0),
        product,
        reals.Affine(sources=(2,), gain=np.array([2.0, 0.5, 1.0]), shift=np.array([1.0, 0, -2.5])),
        reals.Pool(sources=(3,), mean=False, kernel=(2, 2), stride=(1, 1)),
        reals.Clip(sources=(4,), high=3.0),
        quant(5, scale=0.125, high=255),
        reals.Flat(sources=(6,)),
    ]
    x = np.random.default_rng(4).uniform(0, 4, (20, 2, 4, 5))
    net = agree(reals.Graph(steps, (2, 4, 5)), x)
    assert [layer.kind for layer in net.layers] == ["conv2d", "requant", "maxpool2d", "flatten"]
    assert net.ranges[2] == (0, 24)


def test_a_skip_of_two_scales_is_rounded_once():
    steps = [
        quant(0),
        dense(1, W @ W.T, 0.125),
        quant(2, scale=0.5, low=-128, high=127),
        reals.Sum(sources=(3, 1)),
        reals.Clip(sources=(4,)),
        quant(5, scale=2.0, high=255),
    ]
    net = agree(reals.Graph(steps, (4,)), X)
    assert [layer.kind for layer in net.layers].count("requant") == 4


def test_equal_codes_are_not_made_twice():
    net = lower(reals.Graph([quant(0), quant(1), dense(2, W)], (4,)))
    assert [layer.kind for layer in net.layers] == ["dense"]


def test_scores_of_several_scales_come_to_one():
    codes = np.array([[100, 3, -5], [1, 2, 3], [0, 1, 0], [7, 7, 7]])
    each = np.array([0.5, 0.01, 0.003])
    product = reals.Product(
        sources=(1,), w=codes * each, bias=np.array([0.1, -2, 3]), codes=codes, scale=each
    )
    graph = reals.Graph([quant(0), product], (4,))
    net = lower(graph)
    got = network.model(net, net.encode(X)) * net.output_scale
    assert np.abs(got - reals.ideal(graph, X)).max() <= net.output_scale / 2 * 1.001
    assert net.output_scale == 0.5 * 0.25


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([dense(0, W)], "fc: reads the input before it is quantised"),
        ([quant(0), dense(1, W), dense(2, W[:3])], "fc: its input is not quantised"),
        ([quant(0, high=511), dense(1, W)], "reads codes in 0..511 .* 8 bits do not hold"),
        ([quant(0), dense(1, W * 40)], "weights need 9 bits"),
        ([quant(0), quant(0, scale=0.5), dense(2, W)], "the input is quantised in two ways"),
        ([quant(0, bipolar=True), dense(1, W)], "a bipolar input is not read"),
        ([quant(0, name="top")], "the network has no layers"),
        (
            [quant(0), dense(1, W), reals.Clip(sources=(2,)), reals.Sum(sources=(3, 2))],
            "clipped must be quantised before",
        ),
        (
            [quant(0), reals.Affine(sources=(1,), gain=np.ones(1), shift=np.ones(1))],
            "rounded twice; import the float model",
        ),
        (
            [
                quant(0),
                dense(1, W),
                reals.Affine(sources=(2,), gain=np.zeros(1), shift=np.ones(1)),
                quant(3),
            ],
            "a channel is multiplied by 0",
        ),
    ],
)
def test_what_integers_cannot_follow_is_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        lower(reals.Graph(steps, (4,)))


def test_padding_of_bipolar_activations_is_refused():
    w = np.ones((1, 1, 3, 3), int)
    members = {"w": w * 1.0, "codes": w, "scale": np.ones(1), "bias": np.zeros(1)}
    steps = [
        quant(0),
        reals.Product(sources=(1,), **members),
        quant(2, bipolar=True),
        reals.Product(sources=(3,), padding=(1, 1, 1, 1), **members),
    ]
    with pytest.raises(ValueError, match="pads bipolar activations with 0"):
        lower(reals.Graph(steps, (1, 5, 5)))
