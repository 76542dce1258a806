"""Weights of fewer planes, as the accuracies of trained networks are counted with them."""

import numpy as np
import pytest

from nomul.experiments.bitplanes import accuracy
from nomul.golden import bitplanes


@pytest.mark.parametrize("used", range(1, 9))
def test_networks_get_the_sums_of_the_array(used):
    """Rounded down, and with ``round``, what the array's model computes with so many planes."""
    rng = np.random.default_rng(used)
    cfg = bitplanes.Config(inputs=12, outputs=5)
    w, x = rng.integers(-128, 128, (12, 5)), rng.integers(-128, 128, (9, 12))
    packed = bitplanes.compress(cfg, w)
    for round_, change in ((False, accuracy.floored), (True, accuracy.middled)):
        y = bitplanes.model(cfg, packed, x, planes_used=used, round=round_)
        assert np.array_equal(y, x @ change(w, used))


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_odd_levels_are_the_nearest(digits):
    levels = np.arange(-(2**digits) + 1, 2**digits, 2)
    for value in range(-10, 11):
        near = int(accuracy.odd(np.array([value]), digits)[0])
        assert near in levels
        assert abs(near - value) == np.abs(levels - value).min()
