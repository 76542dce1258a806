"""Trees of scikit-learn in XGBoost's form: what is read decides as the fitted model."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs pip install 'nomul[train]'")

from sklearn import ensemble, svm, tree
from sklearn.datasets import load_breast_cancer, load_iris

from nomul import train
from nomul.capabilities import readers

DATA = {"cancer": load_breast_cancer(return_X_y=True), "iris": load_iris(return_X_y=True)}
MODELS = [
    ensemble.GradientBoostingClassifier(n_estimators=8, random_state=1),
    ensemble.GradientBoostingClassifier(n_estimators=4, init="zero", random_state=1),
    ensemble.RandomForestClassifier(8, max_depth=4, random_state=1),
    ensemble.ExtraTreesClassifier(8, max_depth=4, random_state=1),
    tree.DecisionTreeClassifier(max_depth=5, random_state=1),
]


def read(model, path, *options):
    train.save_trees(model, path)
    return readers.load(path, options=("real=true", *options))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_many_leaf_bits_decide_as_the_model_and_few_nearly(data, model, tmp_path):
    """Samples of the training set lie at the thresholds' sides; midpoints are not exact floats."""
    x, y = DATA[data]
    own = model.fit(x, y).predict(x)
    fine = read(model, tmp_path / "m.json", "leaf_bits=12")
    assert fine.reader.format == "xgboost"
    assert np.array_equal(readers.answers(fine, x), own)
    coarse = read(model, tmp_path / "m.json")
    assert (readers.answers(coarse, x) == own).mean() > 0.97


def test_a_forest_of_integers_needs_no_quantiser(tmp_path):
    """Midpoints of two pairs of integers may be the same to all integers: 10, and 10.5."""
    rng = np.random.default_rng(3)
    x = rng.choice([0, 4, 9, 10, 11, 15], (120, 3))
    model = ensemble.RandomForestClassifier(6, random_state=1).fit(x, x.sum(axis=1) > 24)
    train.save_trees(model, tmp_path / "m.json")
    read = readers.load(tmp_path / "m.json", options=("input_bits=4", "leaf_bits=12"))
    assert read.network.quantiser is None
    codes = rng.integers(0, 16, (400, 3))
    assert np.array_equal(readers.answers(read, codes), model.predict(codes))


@pytest.mark.parametrize("threshold", [0.1, 0.5, -1 / 3, 1e-30])
def test_a_feature_at_a_threshold_goes_left_and_the_next_one_right(threshold, tmp_path):
    """Scikit-learn compares float32 features with a float64 threshold."""
    stump = tree.DecisionTreeClassifier(max_depth=1)
    stump.fit([[threshold - 1.0], [threshold + 1.0]], [0, 1])
    stump.tree_.threshold[0] = threshold
    near = np.float32(threshold)
    x = np.array([np.nextafter(near, np.float32(s * 9)) for s in (-1, 1)] + [near])[:, None]
    got = readers.answers(read(stump, tmp_path / "m.json"), x)
    assert got.tolist() == stump.predict(x).tolist()


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (svm.SVC(), TypeError, "must be one of GradientBoostingClassifier, .* not SVC"),
        (ensemble.RandomForestClassifier(), ValueError, "must be fitted: RandomForestClassifier"),
        (
            ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=1).fit(
                *DATA["cancer"]
            ),
            ValueError,
            "must have the loss log_loss",
        ),
        (
            tree.DecisionTreeClassifier().fit([[0], [1]], [[0, 1], [1, 0]]),
            ValueError,
            "must have one target and at least 2 classes",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(model, error, message, tmp_path):
    with pytest.raises(error, match=message):
        train.save_trees(model, tmp_path / "m.json")
