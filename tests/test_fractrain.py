"""FracTrain: the quantiser and the turning points against their descriptions."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import bitplanes, fractrain


def code(x, n, lo, hi):
    """Return the code of one value, as the description words it."""
    if hi == lo:
        return 0
    top = 2**n - 1
    return round(min(max((x - lo) * top / (hi - lo), 0), top))  # Python rounds half to even


@given(
    st.integers(0, 10_000),
    st.integers(1, 16),
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.booleans(),
)
def test_quantiser_equals_its_description_on_random_tensors(seed, n, shape, extreme):
    x = np.random.default_rng(seed).normal(size=shape).round(1)
    samples = [x] if x.ndim == 1 else list(x)
    lows, highs = [s.min() for s in samples], [s.max() for s in samples]
    if extreme:
        lows, highs = [min(lows)] * len(samples), [min(highs)] * len(samples)
    expected = [
        [code(value, n, lo, hi) for value in s.ravel()]
        for s, lo, hi in zip(samples, lows, highs, strict=True)
    ]
    got = fractrain.quantise(x, n, extreme=extreme)
    assert got.shape == x.shape
    assert got.dtype == np.int64
    assert got.ravel().tolist() == [value for codes in expected for value in codes]


def test_each_sample_has_its_own_range_and_a_vector_is_one_sample():
    assert fractrain.quantise([[0, 1, 2], [0, 10, 20]], 1).tolist() == [[0, 0, 1], [0, 0, 1]]
    assert fractrain.quantise([0, 1, 2, 3], 2).tolist() == [0, 1, 2, 3]


def test_the_released_rule_takes_the_least_maximum():
    codes = fractrain.quantise([[0, 1, 3], [-3, 6, 9]], 1, extreme=True)
    assert codes.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert fractrain.quantise([[0, 1, 3], [-3, 6, 9]], 1).tolist() == [[0, 0, 1], [0, 1, 1]]


def test_half_goes_to_even_and_given_borders_clip():
    assert fractrain.quantise([0.5, 1.5, 2.5], 2, 0, 3).tolist() == [0, 2, 2]
    assert fractrain.quantise([-4, 0, 9], 4, -1, 1).tolist() == [0, 8, 15]
    assert fractrain.quantise([[1, 2], [1, 2]], 2, [0, 1], [3, 4]).tolist() == [[1, 2], [0, 1]]


def test_equal_values_have_code_zero():
    assert not fractrain.quantise(np.full((2, 3), 7.0), 8).any()


def test_a_turn_needs_five_losses_and_there_are_three():
    assert fractrain.turning_points([1.0] * 4, 0.1, 0.5) == []
    assert fractrain.turning_points([1.0] * 30, 0.1, 0.5) == [5, 10, 15]


def test_a_falling_loss_turns_when_it_is_flat():
    losses = [10, 8, 6, 4, 2, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert fractrain.turning_points(losses, 0.01, 1.0) == [10, 16]


def test_all_four_earlier_losses_are_compared_with_the_newest():
    """Neighbours that are near enough do not make a turn, the ends have to be."""
    slope = [10 - 0.1 * k for k in range(5)]
    scale = sum(slope) / 5
    assert fractrain.turning_points(slope, 0.41 / scale, 1) == [5]
    assert fractrain.turning_points(slope, 0.39 / scale, 1) == []


def test_the_scale_is_the_mean_of_at_most_ten_first_losses():
    """Ten losses have the mean 90, so at 0.6 a step of 50 is flat; of all 13 the mean is 73."""
    losses = [100.0] * 9 + [0.0] * 3 + [50.0] * 4
    assert fractrain.turning_points(losses, 0.6, 1.0) == [5, 13]
    assert fractrain.turning_points(losses, 0.5, 1.0) == [5]


@pytest.mark.parametrize(("alpha", "turns"), [(1.0, [5, 10, 15]), (0.5, [5, 10]), (0.2, [5])])
def test_epsilon_shrinks_after_the_first_and_the_second_turn(alpha, turns):
    """Swings of 4, 2 and 1.6 in the three windows of a loss about 10; the first is just flat."""
    swings = (4, 2, 1.6)
    losses = [value for swing in swings for value in (10, 10 - swing, 10, 10, 10)]
    mean = sum(losses[:10]) / 10
    assert math.isclose(mean, 9.4)
    assert fractrain.turning_points(losses, 4.001 / 9.2, alpha) == turns


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: fractrain.quantise([1], 0), ValueError, "n must be in 1..24, not 0"),
        (lambda: fractrain.quantise([1], 2.0), TypeError, "n must be an integer, not 2.0 (float)"),
        (lambda: fractrain.quantise([], 2), ValueError, "x must hold a value, not be of shape [0]"),
        (lambda: fractrain.quantise([np.inf], 2), ValueError, "x must be finite, not inf"),
        (lambda: fractrain.quantise(["a"], 2), TypeError, "x must hold numbers, not <U1"),
        (lambda: fractrain.quantise([1], 2, 3, 2), ValueError, "lo must not be above hi, but is"),
        (
            lambda: fractrain.quantise([[1], [2]], 2, [0, 1, 2], 3),
            ValueError,
            "lo must be one number or one for each of 2 samples, not of shape [3]",
        ),
        (
            lambda: fractrain.turning_points([1], -1, 1),
            ValueError,
            "epsilon must be a number of at least 0, not -1",
        ),
        (
            lambda: fractrain.turning_points([1, math.nan], 1, 1),
            ValueError,
            "losses must be finite, not nan",
        ),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_a_product_of_codes_on_bit_planes_is_that_of_the_quantised_numbers():
    """Codes and two sums: n products of ends, sums of either side's codes, and theirs."""
    rng = np.random.default_rng(7)
    for n in (1, 3, 6):
        x, w = rng.normal(size=(5, 12)), rng.normal(size=(12, 4))
        a, b = fractrain.quantise(x, n), fractrain.quantise(w.ravel(), n).reshape(w.shape)
        cfg = bitplanes.Config(
            inputs=12,
            outputs=4,
            lanes=12,
            act_planes=n,
            weight_planes=n,
            act_signed=False,
            weight_signed=False,
        )
        sums = bitplanes.model(cfg, bitplanes.compress(cfg, b), a)
        top = (1 << n) - 1
        low, step = x.min(axis=1, keepdims=True), np.ptp(x, axis=1, keepdims=True) / top
        base, unit = w.min(), np.ptp(w) / top
        corrected = 12 * low * base + low * unit * b.sum(axis=0)
        corrected = corrected + base * step * a.sum(axis=1, keepdims=True) + step * unit * sums
        assert np.allclose(corrected, (low + step * a) @ (base + unit * b))
