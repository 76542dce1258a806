"""What the table of Bayesian networks is made of: its measures, and samples through the block."""

from types import SimpleNamespace

import numpy as np
import pytest

from nomul.experiments.dm import tables


def test_calibration_error_of_who_is_right_as_often_as_sure():
    labels = np.arange(10) % 2
    odds = np.tile([0.7, 0.3], (10, 1))
    assert tables.calibration_error(odds, labels) == pytest.approx(0.2)
    assert tables.calibration_error(np.eye(2)[labels], labels) == 0
    assert tables.calibration_error(np.eye(2)[1 - labels], labels) == 1


def test_separation_is_the_share_of_pairs_in_order():
    sure, unsure = np.array([[1.0, 0.0], [0.9, 0.1]]), np.array([[0.5, 0.5], [0.6, 0.4]])
    assert tables.separation(sure, unsure) == 1
    assert tables.separation(unsure, sure) == 0
    assert tables.separation(sure, sure) == 0.5


@pytest.mark.parametrize("noise", ["popcount", "sign"])
def test_a_layer_through_the_block_has_the_moments_of_its_weights(noise):
    rng = np.random.default_rng(0)
    layer = SimpleNamespace(
        mu=rng.normal(0, 0.3, (20, 4)), sigma=rng.uniform(0.02, 0.06, (20, 4)), bias=np.ones(4)
    )
    x = rng.random((3, 20))
    y = tables.drawn(noise)(layer, x, 400, 1)
    assert y.shape == (400, 3, 4)
    assert np.abs(y.mean(axis=0) - (x @ layer.mu + 1)).max() < 0.05
    spread = np.sqrt(x**2 @ layer.sigma**2)
    assert np.abs(y.std(axis=0) / spread - 1).max() < 0.25
