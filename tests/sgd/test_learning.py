"""The training unit learns scikit-learn's digits, in the model."""

import numpy as np
import pytest

from nomul.golden import sgd
from nomul.golden.sgd import Config
from nomul.golden.sgd.stimuli import initial
from nomul.train import digits

DIGITS = {"sizes": (64, 32, 10), "pes": 8}


def train(cfg, data, epochs, seed=1):
    """Return the state after so many epochs."""
    rng = np.random.default_rng(seed)
    state = sgd.begin(cfg, initial(cfg, rng))
    x = np.rint(data.x * (1 << cfg.fraction)).astype(np.int64)
    target = sgd.targets(cfg, data.labels)
    for _ in range(epochs):
        for k in rng.permutation(len(x)):
            state, *_ = sgd.advance(cfg, state, x[k], target[k])
    return state


def judged(cfg, state, data):
    """Return the accuracy on the test images."""
    x = np.rint(data.x_test * (1 << cfg.fraction)).astype(np.int64)
    return sgd.accuracy(cfg, state.weights, x, data.labels_test)


def test_it_learns_digits_and_rounding_down_does_not():
    data = digits.load(1)
    for values, low, high in (({}, 0.93, 1), ({"residue": None, "rounding": "floor"}, 0, 0.3)):
        cfg = Config(**DIGITS, **values)
        assert low <= judged(cfg, train(cfg, data, 2), data) <= high


@pytest.mark.long
@pytest.mark.parametrize(
    ("values", "epochs", "least"),
    [
        ({}, 2, 0.93),
        ({"update": "essop", "stream_bits": 8}, 2, 0.92),
        ({"update": "essop", "stream_bits": 16}, 2, 0.92),
        ({}, 10, 0.96),
    ],
)
def test_three_seeds_reach_their_accuracy(values, epochs, least):
    data, cfg = digits.load(1), Config(**DIGITS, **values)
    reached = [judged(cfg, train(cfg, data, epochs, seed), data) for seed in (1, 2, 3)]
    assert np.mean(reached) >= least
