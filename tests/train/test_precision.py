"""FracTrain's loop: precisions of its stages, and steps that fall back to plain ones."""

import numpy as np

from nomul.train import digits, fractrain


def test_a_precision_that_grows_goes_through_its_stages_in_order():
    """A loose epsilon turns as soon as a window is full, after five epochs each."""
    plan = fractrain.Plan(epsilon=10.0, alpha=1.0, epochs=12, batch=256)
    right, used = fractrain.train(plan, 1)
    assert used == [(3, 6)] * 5 + [(4, 6)] * 5 + [(6, 8)] * 2
    assert right > 0.1


def test_three_bits_learn_digits():
    plan = fractrain.Plan(stages=((3, 6),), epochs=6)
    assert fractrain.train(plan, 1)[0] > 0.9


def test_many_bits_are_plain_training():
    """At 24 bits a step is that of float64, to 10^-5 of the largest weight."""
    data, rng = digits.load(1), np.random.default_rng(2)
    weights = digits.initial(rng, (64, 16, 10))
    x, labels = data.x[:32], data.labels[:32]
    plain = [w.copy() for w in weights]
    hidden = np.maximum(x @ plain[0].T, 0)
    delta = digits.probabilities(hidden @ plain[1].T)
    delta[np.arange(32), labels] -= 1
    back = (delta @ plain[1]) * (hidden > 0)
    expected = [plain[0] - 0.25 * back.T @ x / 32, plain[1] - 0.25 * delta.T @ hidden / 32]
    fractrain.step(weights, x, labels, (24, 24), 0.25)
    for got, wanted in zip(weights, expected, strict=True):
        assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max()
