"""Spanning trees against closed forms, and against another library's."""

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from nomul.synth.layout import trees


def test_trees_of_few_points_are_those_of_a_ruler():
    net = np.array([5, 5, 2, 5, 2, 9])
    x, y = np.array([0.0, 3, 1, 3, 1, 7]), np.array([0.0, 0, 1, 4, 5, 7])
    found = trees.span(net, x, y)
    assert found.by_net(10).tolist() == [0, 0, 4, 0, 0, 7, 0, 0, 0, 0]
    assert found.total == 11
    assert len(found.net) == 3


def test_no_points_and_no_pairs_have_no_wire():
    none = np.zeros(0)
    assert trees.span(none.astype(int), none, none).total == 0
    assert trees.span(np.arange(4), np.arange(4.0), np.zeros(4)).total == 0


def test_trees_are_minimal_and_span_their_nets():
    rng = np.random.default_rng(1)
    net = rng.integers(0, 12, 300)
    x, y = rng.integers(0, 50, (2, 300)) + rng.random((2, 300))
    found = trees.span(net, x, y)
    lengths = found.by_net(12)
    for k in range(12):
        points = np.stack([x[net == k], y[net == k]], axis=1)
        assert lengths[k] == pytest.approx(
            minimum_spanning_tree(cdist(points, points, "cityblock")).sum()
        )
        edges = np.flatnonzero(found.net == k)
        assert len(edges) == len(points) - 1
        reached = {int(found.a[edges[0]])}
        for edge in edges:  # each edge leads from what is reached to a new point
            assert found.a[edge] in reached
            assert found.b[edge] not in reached
            reached.add(int(found.b[edge]))
        assert reached == set(np.flatnonzero(net == k).tolist())
