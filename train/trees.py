"""Fitted trees and forests of scikit-learn, written in the form in which XGBoost saves its own.

The file is text, runs no code when it is read, and needs no scikit-learn on the other side; what
becomes of it is :mod:`nomul.golden.lutnet.importers.trees`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats

FORESTS = (
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "DecisionTreeClassifier",
    "ExtraTreeClassifier",
)
BOOSTED = "GradientBoostingClassifier"


def save_trees(model: Any, path: Path | str) -> None:
    """Write a fitted classifier made of trees as ``.json``, for ``nomul import``.

    A forest's trees add the share of each class in a leaf, divided by their number; boosted trees
    add what they add in scikit-learn, from its prior. Classes are numbered as in ``classes_``.

    Parameters
    ----------
    model
        A fitted GradientBoostingClassifier, RandomForestClassifier, ExtraTreesClassifier,
        DecisionTreeClassifier or ExtraTreeClassifier with one target and at least two classes.

    Raises
    ------
    TypeError
        It is another estimator.
    ValueError
        It is not fitted, has several targets or one class, or starts from another estimator's
        predictions.
    """
    Path(path).write_text(json.dumps(document(model)))


def document(model: Any) -> dict[str, Any]:
    """Return what :func:`save_trees` writes."""
    kind = type(model).__name__
    if kind not in (*FORESTS, BOOSTED):
        raise TypeError(f"model must be one of {', '.join((BOOSTED, *FORESTS))}, not {kind}")
    if not hasattr(model, "classes_"):
        raise ValueError(f"model must be fitted: {kind} has no classes_")
    if getattr(model, "n_outputs_", 1) != 1 or len(model.classes_) < 2:
        raise ValueError(f"{kind} must have one target and at least 2 classes")
    classes, binary = len(model.classes_), len(model.classes_) == 2
    trees, owners = _boosted(model) if kind == BOOSTED else _forest(model, binary)
    base = _prior(model, binary) if kind == BOOSTED else "0.5"
    parameters = {
        "base_score": base,
        "num_class": "0" if binary else str(classes),
        "num_feature": str(model.n_features_in_),
    }
    objective = {"name": "binary:logistic" if binary else "multi:softprob"}
    booster = {"name": "gbtree", "model": {"trees": trees, "tree_info": owners}}
    learner = {
        "gradient_booster": booster,
        "learner_model_param": parameters,
        "objective": objective,
    }
    return {"learner": learner, "version": [3, 0, 0]}


def _boosted(model: Any) -> tuple[list[dict[str, Any]], list[int]]:
    trees, owners = [], []
    for stage in model.estimators_:
        for owner, one in enumerate(stage):
            trees.append(_tree(one.tree_, model.learning_rate * one.tree_.value[:, 0, 0]))
            owners.append(owner)
    return trees, owners


def _forest(model: Any, binary: bool) -> tuple[list[dict[str, Any]], list[int]]:
    """Return a tree per tree and class, or one per tree where class 1 stands against class 0."""
    trees, owners = [], []
    members = getattr(model, "estimators_", [model])
    for one in members:
        values = one.tree_.value[:, 0, :]
        shares = values / values.sum(axis=1, keepdims=True) / len(members)
        if binary:
            trees.append(_tree(one.tree_, shares[:, 1] - shares[:, 0]))
            owners.append(0)
        else:
            trees += [_tree(one.tree_, column) for column in shares.T]
            owners += list(range(shares.shape[1]))
    return trees, owners


def _tree(tree: Any, values: Floats) -> dict[str, Any]:
    """Return a tree's lists; a feature goes left where it is below, not at, the threshold."""
    inner = tree.children_left != -1
    down = tree.threshold.astype(np.float32)
    down = np.where(down > tree.threshold, np.nextafter(down, np.float32(-np.inf)), down)
    above = np.nextafter(down, np.float32(np.inf))
    return {
        "left_children": tree.children_left.tolist(),
        "right_children": tree.children_right.tolist(),
        "split_indices": np.where(inner, tree.feature, 0).tolist(),
        "split_conditions": np.where(inner, above, values).tolist(),
    }


def _prior(model: Any, binary: bool) -> str:
    """Return where the sums of boosted trees start, as XGBoost writes it."""
    if model.init_ == "zero":
        return "0.5" if binary else "0"
    prior = getattr(model.init_, "class_prior_", None)
    if prior is None or getattr(model.init_, "strategy", "") != "prior" or model.loss != "log_loss":
        raise ValueError(
            "GradientBoostingClassifier must have the loss log_loss and start from the classes' "
            f"shares or from zero, not from {type(model.init_).__name__} with {model.loss}"
        )
    if binary:
        return repr(float(prior[1]))
    return json.dumps(np.log(prior).tolist())
