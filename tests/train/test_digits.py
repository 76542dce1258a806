"""The network on digits: gradients against finite differences, and that it learns."""

import itertools

import numpy as np
import pytest

from nomul.train import digits


@pytest.fixture(scope="module")
def data():
    return digits.load(seed=1)


def test_data_is_split_and_scaled(data):
    assert len(data.x) + len(data.x_test) == 1797
    assert data.x.shape[1] == digits.SIZES[0]
    assert (data.x.min(), data.x.max()) == (0.0, 1.0)
    assert sorted(set(data.labels)) == list(range(10))
    again = digits.load(seed=1)
    assert np.array_equal(again.x, data.x)
    assert not np.array_equal(digits.load(seed=2).x, data.x)


@pytest.mark.parametrize("layer", range(len(digits.SIZES) - 1))
def test_updates_are_the_gradient_of_the_loss(data, layer):
    """Central differences, at the largest entries and a few others of every layer."""
    rng = np.random.default_rng(2)
    weights = digits.train(data, rng, epochs=1)
    x, labels = data.x[:40], data.labels[:40]
    update = digits.exact_update(digits.backward(weights, x, labels)[layer])
    assert update.shape == weights[layer].shape
    places = [np.unravel_index(np.abs(update).argmax(), update.shape)]
    places += [tuple(rng.integers(0, update.shape)) for _ in range(5)]
    for place in places:
        step, losses = 1e-5, []
        for sign in (1, -1):
            moved = [weight.copy() for weight in weights]
            moved[layer][place] += sign * step
            losses.append(digits.loss(moved, x, labels))
        assert update[place] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-6)


def test_operands_are_those_of_a_relu_network(data):
    weights = digits.train(data, np.random.default_rng(1), epochs=1)
    operands = digits.backward(weights, data.x[:100], data.labels[:100])
    for before, layer in itertools.pairwise(operands):
        assert layer.activations.min() == 0.0
        assert 0.1 < (layer.activations > 0).mean() < 0.9
        # Where the ReLU is off, nothing flows back.
        assert not before.gradients[layer.activations == 0].any()


def test_probabilities_do_not_overflow():
    assert digits.probabilities(np.array([[1000.0, 0.0], [-1000.0, 0.0]])).sum() == 2.0


def test_it_learns(data):
    weights = digits.train(data, np.random.default_rng(1), epochs=10)
    assert digits.accuracy(weights, data.x_test, data.labels_test) > 0.9
    assert digits.loss(weights, data.x, data.labels) < 0.3
