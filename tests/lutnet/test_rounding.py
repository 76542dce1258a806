"""Leaves of trees as integers of few bits: the scale, the cut, and biases below a step."""

import numpy as np
import pytest

from nomul.golden import importers, lutnet
from nomul.golden.lutnet.importers.rounding import Leaves, rounded


def leaves(values, cover, owner=0):
    return Leaves(np.array(values, dtype=float), np.array(cover, dtype=float), owner)


def test_multiples_of_a_step_are_exact():
    trees = [leaves([-2.0, 1.5], [1, 1], 0), leaves([0.0, 0.5], [1, 1], 1)]
    result = rounded(trees, [0.5, 1.0], 3)
    assert result.error == 0
    assert [v.tolist() for v in result.leaves] == [[0, 7], [0, 1]]
    assert (result.bias.tolist(), result.fraction) == ([-3, 2], 0)


def test_a_leaf_that_few_samples_reach_does_not_set_the_scale():
    """Three leaves within 1 that all samples reach, and one at 100 that one in a million does."""
    often = [leaves([0.0, 0.33, 1.0], [1e6, 1e6, 1e6], c) for c in (0, 1, 0, 1)]
    rare = leaves([0.0, 0.4, 2.5], [1e6, 1e6, 1], 0)
    result = rounded([*often, rare], [0.0, 0.0], 3)
    assert result.leaves[0].max() >= 4  # the widest tree's scale would leave 3
    assert result.leaves[-1].max() == 7
    assert all(v.min() == 0 for v in result.leaves)


def test_few_trees_get_biases_below_a_step():
    """Two trees on one grid each, a third of a step apart: in whole steps their sums would tie."""
    few = rounded([leaves([0.3, 7.3], [1, 1], 0), leaves([0.0, 7.0], [1, 1], 1)], [0.0, 0.0], 3)
    assert [v.tolist() for v in few.leaves] == [[0, 7], [0, 7]]
    assert (few.fraction, few.bias.tolist()) == (3, [2, 0])
    rng = np.random.default_rng(1)
    many = [leaves(rng.random(6), np.ones(6), i % 10) for i in range(300)]
    assert rounded(many, [0.0] * 10, 3).fraction == 0


def test_a_model_of_one_leaf_per_tree_is_its_base():
    result = rounded([leaves([2.0], [1])], [1.0], 3)
    assert (result.leaves[0].tolist(), result.bias.tolist()) == ([0], [3])


@pytest.mark.parametrize(("rounds", "bits"), [(1, 3), (3, 3), (10, 2), (10, 3)])
def test_few_bits_lose_no_more_than_a_point_of_digits(tmp_path, rounds, bits):
    xgboost = pytest.importorskip("xgboost", reason="pip install xgboost-cpu")
    data = pytest.importorskip("nomul.train.data").load("digits")
    x, labels = np.vstack([data.x, data.x_test]), np.hstack([data.labels, data.labels_test])
    model = xgboost.XGBClassifier(
        n_estimators=rounds, max_depth=3, learning_rate=0.8, n_jobs=1, random_state=1
    )
    model.fit(data.x, data.labels).save_model(tmp_path / "m.json")
    read = importers.load(tmp_path / "m.json", "xgboost", input_bits=4, leaf_bits=bits)
    right = (lutnet.predict(read, x) == labels).mean()
    assert right >= (model.predict(x) == labels).mean() - 0.01


@pytest.mark.parametrize(
    ("cover", "message"),
    [([1.0], "must have 3 entries, not 1"), ([2.0, 3.0, -1.0], "must not be negative, not -1.0")],
)
def test_a_cover_that_is_none_is_refused(tmp_path, cover, message):
    import json

    tree = {
        "left_children": [1, -1, -1],
        "right_children": [2, -1, -1],
        "split_indices": [0, 0, 0],
        "split_conditions": [0.5, -1.0, 1.0],
        "sum_hessian": cover,
    }
    model = {
        "learner": {
            "objective": {"name": "binary:logistic"},
            "gradient_booster": {"name": "gbtree", "model": {"trees": [tree], "tree_info": [0]}},
            "learner_model_param": {"num_class": "0", "num_feature": "2", "base_score": "5E-1"},
        }
    }
    path = tmp_path / "m.json"
    path.write_text(json.dumps(model))
    with pytest.raises(ValueError, match=r"m\.json: .*sum_hessian") as caught:
        importers.load(path, "xgboost", real=True)
    assert message in str(caught.value)
