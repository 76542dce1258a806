"""Fine-tuning under a structure: what is projected and counted, and one case from start to end."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install nomul[train]")

from nomul.train.networks import structures
from nomul.train.networks.structures import CASES, Case, Projection


def structured():
    return [case for case in CASES if case.structure not in ("dense", "narrower")]


@pytest.mark.parametrize("case", structured(), ids=str)
def test_projections_are_held_and_counted(case):
    """What was projected stays as it is, and takes as many bits as its member stores."""
    w = np.random.default_rng(1).integers(-127, 128, (64, 32))
    projection = Projection(case)
    near = projection(w)
    assert np.array_equal(projection(near), near)
    bits = projection.bits(near)
    share = {"permdiag": 8 / case.size, "circulant": 8 / case.size}
    if case.structure in share:
        assert bits == share[case.structure] * w.size
    if case.structure == "1:M":
        assert bits == w.size / case.size * (8 + np.log2(case.size))
    if case.structure == "pow2basis":
        assert ((near != 0).any(axis=1)).any()
        assert bits < w.size * 8


def test_of_each_group_the_largest_stays():
    w = np.array([[1, -9], [-5, 2], [3, 3], [4, -3], [7, 0]])
    expected = [[0, -9], [-5, 0], [0, 0], [0, 0], [7, 0]]
    assert structures.nearest_of(w, 4).tolist() == expected


@pytest.mark.parametrize("factor", [4, 8, 16])
def test_narrower_networks_take_no_more_than_their_share(factor):
    a, b, c, d = structures.narrower(factor)
    assert (a, d) == (64, 10)
    weights = a * b + b * c + c * d
    assert weights <= 6464 / factor
    assert weights > 0.95 * 6464 / factor


@pytest.mark.long
def test_a_network_learns_under_a_structure():
    """Projected without training it is lost; trained on, it is nearly as good as before."""
    found = structures.run(Case("permdiag", 4), 1)
    assert found["bits"] < 0.26 * found["weights"] * 8
    assert found["imposed"] < 0.5
    assert found["tuned"] > 0.93
