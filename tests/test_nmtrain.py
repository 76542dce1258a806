"""N:M masks in both directions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul.golden import nmtrain
from nomul.golden.sparse import prune_groups


@given(st.integers(1, 13), st.integers(1, 13), st.integers(1, 6), st.data())
def test_forward_is_the_pruning_of_rows_and_backward_that_of_columns(rows, columns, group, data):
    """Against SP-IMC's own pruning, on weights with many equal magnitudes and short groups."""
    keep = data.draw(st.integers(1, group))
    seed = data.draw(st.integers(0, 1000))
    w = np.random.default_rng(seed).integers(-3, 4, (rows, columns))
    forward, backward = nmtrain.masks(w, keep, group)
    assert np.array_equal(np.where(forward, w, 0), prune_groups(w, keep, group))
    assert np.array_equal(np.where(backward, w, 0), prune_groups(w.T, keep, group).T)
    for stays in (forward.T, backward):
        size = min(group, stays.shape[1])
        assert (stays[:, :size].sum(axis=1) == min(keep, size)).all()


def test_the_two_masks_are_of_one_matrix_and_differ():
    w = [[4, 3, 2, 1], [1, 4, 3, 2], [2, 1, 4, 3], [3, 2, 1, 4]]
    forward, backward = nmtrain.masks(w, 2, 4)
    assert forward.astype(int).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    assert backward.astype(int).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
    skewed = np.array(w) * [[1], [5], [5], [1]]
    forward, again = nmtrain.masks(skewed, 2, 4)
    assert forward.all(axis=1).tolist() == [False, True, True, False]
    assert np.array_equal(again, backward)


def test_the_least_integer_is_the_largest_magnitude():
    forward, _ = nmtrain.masks(np.array([[127], [-128]], dtype=np.int8), 1, 2)
    assert forward.tolist() == [[False], [True]]


def test_real_weights_are_compared_as_they_are():
    forward, _ = nmtrain.masks([[0.25], [-0.5], [0.5], [0.1]], 1, 4)
    assert forward.ravel().tolist() == [False, True, False, False]


def test_the_dense_gradient_caps_the_gain():
    caps = {(2, 4): Fraction(3, 2), (2, 8): 2, (1, 8): Fraction(12, 5), (4, 4): 1}
    assert {shape: nmtrain.gain_cap(*shape) for shape in caps} == caps


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([1, 2], 1, 2), ValueError, "w must be a matrix of finite numbers, not int64[2]"),
        (([[np.nan]], 1, 2), ValueError, "w must be a matrix of finite numbers"),
        (([[1]], 3, 2), ValueError, "keep must be in 1..2, the size of a group, not 3"),
        (([[1]], 1, 2.0), TypeError, "group must be an integer, not 2.0 (float)"),
    ],
)
def test_bad_input_is_named(arguments, kind, message):
    with pytest.raises(kind) as caught:
        nmtrain.masks(*arguments)
    assert message in str(caught.value)
