"""Models of XGBoost: what changes their meaning, and XGBoost itself as the judge."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from nomul.golden import importers, lutnet


@pytest.fixture(scope="module")
def xgb():
    return pytest.importorskip("xgboost", reason="pip install xgboost-cpu")


def sets():
    x, y = load_iris(return_X_y=True)
    yield "iris", x, y
    x, y = load_breast_cancer(return_X_y=True)
    yield "cancer", x / x.max(axis=0), y


def at_thresholds(model, x, rng):
    """Return samples some of whose features are at thresholds of a model, and next to them."""
    trees = json.loads(model.get_booster().save_raw("json"))["learner"]
    trees = trees["gradient_booster"]
    trees = trees.get("gbtree", trees)["model"]["trees"]
    x = np.resize(x.astype(np.float32), (400, x.shape[1]))
    for row in x:
        tree = trees[rng.integers(len(trees))]
        inner = [i for i, child in enumerate(tree["left_children"]) if child != -1]
        if inner:
            node = inner[rng.integers(len(inner))]
            t = np.float32(tree["split_conditions"][node])
            side = np.float32(rng.choice([-np.inf, np.inf]))
            row[tree["split_indices"][node]] = t if rng.random() < 0.5 else np.nextafter(t, side)
    return x


@pytest.mark.parametrize("booster", ["gbtree", "dart"])
def test_models_of_real_features_decide_as_xgboost_does(tmp_path, xgb, booster):
    """Leaves of 14 bits leave too little rounding to matter; features are exact anyway."""
    rng = np.random.default_rng(1)
    options = {"booster": booster, **({"rate_drop": 0.4} if booster == "dart" else {})}
    for name, x, y in sets():
        model = xgb.XGBClassifier(n_estimators=8, max_depth=4, n_jobs=1, random_state=2, **options)
        model.fit(x[::2], y[::2])
        model.save_model(tmp_path / "m.json")
        network = importers.load(tmp_path / "m.json", "xgboost", leaf_bits=14, real=True)
        for samples in (x, at_thresholds(model, x, rng)):
            margin = model.predict(samples, output_margin=True)
            wanted = model.predict(samples)
            gap = abs(margin) if margin.ndim == 1 else np.ptp(np.sort(margin)[:, -2:], axis=1)
            clear = gap > 1e-2
            assert clear.mean() > 0.9
            got = lutnet.predict(network, samples)
            assert np.array_equal(got[clear], wanted[clear]), name


def test_early_stopping_is_read_as_its_classifier_predicts(tmp_path, xgb):
    (_, x, y), _ = sets()
    model = xgb.XGBClassifier(n_estimators=60, max_depth=3, n_jobs=1, early_stopping_rounds=2)
    model.fit(x[::2], y[::2], eval_set=[(x[1::2], y[1::2])], verbose=False)
    model.save_model(tmp_path / "m.json")
    read = importers.load(tmp_path / "m.json", "xgboost", leaf_bits=14, real=True)
    assert read.about["trees"] == 3 * (model.best_iteration + 1)
    rounds = model.get_booster().num_boosted_rounds()
    assert rounds > model.best_iteration + 1
    every = importers.load(tmp_path / "m.json", "xgboost", iterations=rounds, real=True)
    assert every.about["trees"] == 3 * rounds
    assert (lutnet.predict(read, x) == model.predict(x)).mean() > 0.99


def test_integer_features_decide_as_xgboost_does(tmp_path, xgb):
    x, y = load_iris(return_X_y=True)
    x = np.round(10 * x).astype(int)
    model = xgb.XGBClassifier(n_estimators=8, max_depth=4, n_jobs=1, tree_method="exact")
    model.fit(x, y).save_model(tmp_path / "m.json")
    network = importers.load(tmp_path / "m.json", "xgboost", leaf_bits=14, input_bits=7)
    assert network.quantiser is None
    assert network.input_bits == 7
    assert np.array_equal(lutnet.predict(network, x), model.predict(x))


def test_what_is_no_classifier_of_numbers_is_refused(tmp_path, xgb):
    (_, x, y), _ = sets()
    path = tmp_path / "m.json"
    for model, message in (
        (xgb.XGBRegressor(n_estimators=2, n_jobs=1), "objective must be that of a classifier"),
        (xgb.XGBClassifier(n_estimators=2, n_jobs=1, booster="gblinear"), "must be gbtree or dart"),
        (xgb.XGBClassifier(n_estimators=2, n_jobs=1, objective="rank:pairwise"), "objective must"),
    ):
        model.fit(x, y > 0 if "Classifier" in type(model).__name__ else y)
        model.save_model(path)
        with pytest.raises(ValueError, match=r"m\.json: ") as caught:
            importers.load(path, "xgboost")
        assert message in str(caught.value)
    model = xgb.XGBClassifier(n_estimators=2, n_jobs=1).fit(x, y)
    model.save_model(tmp_path / "m.ubj")
    with pytest.raises(ValueError, match=r"m\.ubj: XGBoost's binary form is not read"):
        importers.load(tmp_path / "m.ubj", "xgboost")


def stump(**changes):
    """Return a binary model of one split, x_0 >= 0.5, with changed parts, by their path."""
    tree = {
        "left_children": [1, -1, -1],
        "right_children": [2, -1, -1],
        "split_indices": [0, 0, 0],
        "split_conditions": [0.5, -1.0, 1.0],
    }
    model = {
        "version": [3, 2, 0],
        "learner": {
            "attributes": {},
            "objective": {"name": "binary:logistic"},
            "gradient_booster": {"name": "gbtree", "model": {"trees": [tree], "tree_info": [0]}},
            "learner_model_param": {"num_class": "0", "num_feature": "2", "base_score": "5E-1"},
        },
    }
    for path, value in changes.items():
        place = model
        *parts, last = path.split("__")
        for part in parts:
            place = place[int(part) if part.isdigit() else part]
        place[last] = value
    return model


TREE = "learner__gradient_booster__model__trees__0__"
PARAMETERS = "learner__learner_model_param__"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learner__objective": {"name": "reg:squarederror"}}, "objective must be that of a class"),
        ({"learner__objective": {"name": "count:poisson"}}, "objective must be that of a class"),
        ({PARAMETERS + "num_target": "2"}, "num_target must be 1, not 2"),
        ({PARAMETERS + "num_class": "10000000000"}, "num_class must be in"),
        ({PARAMETERS + "num_class": "3"}, "num_class 3 does not go with objective binary:logistic"),
        ({PARAMETERS + "num_class": "1.5"}, "num_class must be an integer, not '1.5'"),
        ({PARAMETERS + "base_score": "1.0"}, "base_score must be a probability"),
        ({PARAMETERS + "base_score": "[0.5,0.5]"}, "base_score must have 1 or 1 entries, not 2"),
        ({PARAMETERS + "base_score": "NaN"}, "base_score must be a finite float32, not nan"),
        ({"learner__attributes": {"best_iteration": "1"}}, "best_iteration must be in 0..0"),
        ({"learner__attributes": {"scikit_learn": "regressor"}}, "is of a regressor"),
        ({"learner__feature_types": ["c", "q"]}, "feature_types: categories are no numbers"),
        ({"learner__gradient_booster__name": "gblinear"}, "must be gbtree or dart, not 'gblinear'"),
        ({TREE + "split_type": [1, 0, 0]}, "split_type: categorical splits are not numbers"),
        ({TREE + "tree_param": {"size_leaf_vector": "3"}}, "a leaf has '3' values, not one"),
        ({TREE + "right_children": [2, -1, 1]}, "node 2 has one child"),
        ({TREE + "right_children": [1, -1, -1]}, "node 1 is not below its root, once"),
        ({TREE + "left_children": [1, -1, True]}, "left_children[2] must be an integer, not True"),
        ({TREE + "left_children": [0, -1, -1]}, "node 0 is not below its root, once"),
        ({TREE + "split_conditions": [1e39, 0, 1]}, "must be a finite float32, not 1e+39"),
        ({TREE + "split_conditions": ["1", 0, 1]}, "must be a number, not '1'"),
        ({TREE + "split_indices": [2, 0, 0]}, "split_indices[0] must be in 0..1, not 2"),
        ({"learner__gradient_booster__model__tree_info": [1]}, "tree_info[0] must be in 0..0"),
        ({"version": [1, 7, 0], "learner__objective": {"name": "binary:logitraw"}}, "version 3 on"),
    ],
)
def test_fields_that_change_the_meaning(tmp_path, change, message):
    path = tmp_path / "m.json"
    path.write_text(json.dumps(stump(**change)))
    with pytest.raises(ValueError, match=r"m\.json: ") as caught:
        importers.load(path, "xgboost", real=True)
    assert message in str(caught.value)


@pytest.mark.parametrize(("base", "low", "high"), [("5E-1", 0, 1), ("9E-1", 1, 1), ("1E-1", 0, 0)])
def test_a_binary_model_weighs_its_base_score(tmp_path, base, low, high):
    """Log-odds of +-2.2 outweigh a leaf of 1; the score of one class is judged by its sign."""
    path = tmp_path / "m.json"
    path.write_text(json.dumps(stump(**{PARAMETERS + "base_score": base})))
    network = importers.load(path, "xgboost", real=True)
    assert lutnet.predict(network, [[0.49, 0.0], [0.5, 0.0]]).tolist() == [low, high]
