"""Boosted trees of scikit-learn through XGBoost's format: trained trees, not made-up ones."""

import json

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from nomul.golden import importers, lutnet
from nomul.train import data


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def boosted(digits):
    """Return ten rounds of trees of depth 3 for the ten digits.

    The rate is low, since scikit-learn does not keep leaves of few samples small, and the largest
    leaf sets the scale.
    """
    model = GradientBoostingClassifier(
        n_estimators=10, learning_rate=0.2, max_features=16, random_state=1, init="zero"
    )
    return model.fit(digits.x, digits.labels)


@pytest.fixture(scope="module")
def saved(boosted, tmp_path_factory):
    """Return a file of the trees."""
    path = tmp_path_factory.mktemp("boosted") / "model.json"
    path.write_text(json.dumps(as_xgboost(boosted)))
    return path


def as_xgboost(model):
    """Return the trees in the lists of XGBoost; codes are integers and thresholds halves."""
    trees, owners = [], []
    for stage in model.estimators_:
        for owner, regressor in enumerate(stage):
            tree = regressor.tree_
            inner = tree.children_left != -1
            values = model.learning_rate * tree.value[:, 0, 0]
            trees.append(
                {
                    "left_children": tree.children_left.tolist(),
                    "right_children": tree.children_right.tolist(),
                    "split_indices": np.where(inner, tree.feature, 0).tolist(),
                    "split_conditions": np.where(inner, tree.threshold, values).tolist(),
                }
            )
            owners.append(owner)
    parameters = {"num_class": "10", "num_feature": str(model.n_features_in_), "base_score": "0"}
    booster = {"model": {"trees": trees, "tree_info": owners}}
    return {"learner": {"gradient_booster": booster, "learner_model_param": parameters}}


@pytest.mark.parametrize(("leaf_bits", "most"), [(3, 0.05), (6, 0.01), (12, 0)])
def test_quantised_trees_decide_as_the_trained_ones(digits, boosted, saved, leaf_bits, most):
    """What differs is the rounding of leaves, so more bits leave less of it."""
    network = importers.load(saved, format="xgboost", input_bits=5, leaf_bits=leaf_bits)
    got, own = lutnet.predict(network, digits.x_test), boosted.predict(digits.x_test)
    assert (got != own).mean() <= most
    assert (got == digits.labels_test).mean() > 0.92


def test_trees_of_depth_3_are_one_table_per_leaf_bit(saved):
    """At most seven comparators: one table of six inputs, or a multiplexer over two of them."""
    network = importers.load(saved, format="xgboost", input_bits=5, leaf_bits=3)
    bits = len(network.layers[-2].idx)
    assert bits <= 100 * 3
    last = [layer for layer in network.layers if isinstance(layer, lutnet.DirectLut)][-1]
    assert len(last.tt) <= bits
