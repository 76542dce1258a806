"""What a model file of XGBoost says, with every field that changes what it computes.

After the format that XGBoost documents ("Introduction to Model IO", xgboost.readthedocs.io) and
what version 3.2 writes. What is not understood is refused: a model of another kind would be read
as another model.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from nomul.golden.foreign.documents import field, mapping, sequence
from nomul.golden.foreign.numbers import integer, integers, shown

# Class scores are the sums themselves, and the base score is a score. That of the logistic loss is
# a probability.
OBJECTIVES = (
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "multi:softmax",
    "multi:softprob",
)

MAX_CLASSES = 1 << 12
MAX_FEATURES = 1 << 20
MAX_NODES = 1 << 20
MAX_DEPTH = 64

_WHOLE = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Tree:
    """One tree: nodes in lists; -1 in ``left`` marks a leaf, whose value stands for its threshold.

    ``order`` lists the nodes that the root reaches, each after its parent; ``cover`` says of each
    node how many training samples reached it, as XGBoost weighs them.
    """

    left: list[int]
    right: list[int]
    feature: list[int]
    value: list[float]
    order: list[int]
    cover: list[float]


@dataclass(frozen=True)
class Model:
    """A classifier: trees, the class that each adds to, and where the sums start."""

    trees: list[Tree]
    owners: list[int]
    base: list[float]
    classes: int
    features: int
    objective: str


def read(value: Any, iterations: int | None) -> Model:
    """Return the model of a file's JSON; ``iterations`` as :func:`xgboost` takes it.

    Raises
    ------
    ValueError
        It is no model of XGBoost, or one that is not read; the message names the field.
    """
    top = mapping(value, "the file")
    if "learner" not in top:
        raise ValueError("not a model of XGBoost: field learner is missing")
    learner = mapping(top["learner"], "learner")
    parameters = mapping(field(learner, "learner_model_param"), "learner_model_param")
    named = _whole(parameters, "num_class", 0, MAX_CLASSES)
    objective = _objective(learner, top.get("version"), named)
    binary = objective.startswith("binary:")
    if named > 1 if binary else named < 2:
        raise ValueError(f"num_class {named} does not go with objective {objective}")
    _require_plain(learner, parameters)
    classes = max(1, named)
    features = _whole(parameters, "num_feature", 1, MAX_FEATURES)
    booster, weights = _booster(learner)
    trees = sequence(field(booster, "trees"), "trees")
    owners = integers(
        sequence(field(booster, "tree_info"), "tree_info"), "tree_info", 1, 0, classes - 1
    ).tolist()
    if len(owners) != len(trees) or not trees:
        raise ValueError(f"tree_info must have an entry per tree, {len(trees)}, not {len(owners)}")
    if weights is not None and len(weights) != len(trees):
        raise ValueError(f"weight_drop must have {len(trees)} entries, not {len(weights)}")
    count = _count(learner, booster, classes, len(trees), iterations)
    left = MAX_NODES
    built = []
    for i in range(count):
        weight = 1.0 if weights is None else weights[i]
        built.append(_tree(f"trees[{i}]", mapping(trees[i], f"trees[{i}]"), features, weight))
        left -= len(built[-1].left)
        if left < 0:
            raise ValueError(f"has more than {MAX_NODES} nodes")
    base = _base(field(parameters, "base_score"), classes, objective)
    return Model(built, owners[:count], base, classes, features, objective)


def _objective(learner: dict[str, Any], version: Any, classes: int) -> str:
    if classes > 1 and "objective" not in learner:
        return "multi:softprob"  # several sums of trees, whatever they were trained for
    name = field(mapping(field(learner, "objective"), "objective"), "name", "objective.")
    if not isinstance(name, str) or name not in OBJECTIVES:
        raise ValueError(
            f"objective must be that of a classifier, one of {', '.join(OBJECTIVES)}, "
            f"not {shown(name)}"
        )
    if name == "binary:logitraw":
        listed = isinstance(version, list) and version and isinstance(version[0], int)
        if not listed or version[0] < 3:
            raise ValueError(
                f"objective binary:logitraw is read from version 3 on, not of {shown(version)}: "
                "earlier ones mean their base score in another way"
            )
    return name


def _require_plain(learner: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Refuse what makes trees mean something else: targets, categories, another estimator."""
    if "num_target" in parameters and _whole(parameters, "num_target", 0, 1 << 30) > 1:
        raise ValueError(f"num_target must be 1, not {parameters['num_target']}")
    types = learner.get("feature_types", [])
    if not isinstance(types, list) or any(t not in ("float", "int", "i", "q") for t in types):
        raise ValueError(f"feature_types: categories are no numbers: {shown(types)}")
    attributes = mapping(learner.get("attributes", {}), "attributes")
    about = attributes.get("scikit_learn", "")
    if isinstance(about, str) and "regressor" in about:
        raise ValueError("attributes.scikit_learn: is of a regressor, not of a classifier")


def _booster(learner: dict[str, Any]) -> tuple[dict[str, Any], list[float] | None]:
    """Return the trees' object, and the weights of the trees where the booster drops some."""
    booster = mapping(field(learner, "gradient_booster"), "gradient_booster")
    name, weights = booster.get("name", "gbtree"), None
    if name == "dart":
        weights = [
            _number(w, f"weight_drop[{i}]")
            for i, w in enumerate(sequence(field(booster, "weight_drop"), "weight_drop"))
        ]
        booster = mapping(field(booster, "gbtree"), "gbtree")
        name = booster.get("name", "gbtree")
    if name != "gbtree":
        raise ValueError(f"gradient_booster.name must be gbtree or dart, not {shown(name)}")
    model = mapping(field(booster, "model"), "model")
    cats = model.get("cats")
    if isinstance(cats, dict) and any(cats.values()):
        raise ValueError("cats: categories are no numbers")
    return model, weights


def _count(
    learner: dict[str, Any],
    booster: dict[str, Any],
    classes: int,
    trees: int,
    iterations: int | None,
) -> int:
    """Return how many of the trees are read: those of the given rounds, or of early stopping."""
    given = mapping(booster.get("gbtree_model_param", {}), "gbtree_model_param")
    if "num_trees" in given and _whole(given, "num_trees", 0, 1 << 30) != trees:
        raise ValueError(f"num_trees is {given['num_trees']}, but there are {trees} trees")
    parallel = 1
    if "num_parallel_tree" in given:
        parallel = max(1, _whole(given, "num_parallel_tree", 0, 1 << 20))
    starts = booster.get("iteration_indptr")
    if starts is None:
        starts = [*range(0, trees, parallel * classes), trees]
    starts = integers(sequence(starts, "iteration_indptr"), "iteration_indptr", 1, 0, trees)
    ascends = len(starts) > 1 and starts[0] == 0 and starts[-1] == trees
    if not ascends or (np.diff(starts) < 0).any():
        raise ValueError(f"iteration_indptr must ascend from 0 to {trees}")
    rounds = len(starts) - 1
    if iterations is None:
        best = mapping(learner.get("attributes", {}), "attributes").get("best_iteration")
        if best is None:
            return trees
        if not isinstance(best, str) or not _WHOLE.fullmatch(best) or int(best) >= rounds:
            raise ValueError(f"best_iteration must be in 0..{rounds - 1}, not {shown(best)}")
        iterations = int(best) + 1
    return int(starts[integer(iterations, "iterations", 1, rounds)])


def _whole(values: dict[str, Any], name: str, low: int, high: int) -> int:
    """Return a whole number, which XGBoost writes as text."""
    value = field(values, name)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return integer(value, name, low, high)


def _number(value: Any, name: str) -> float:
    """Return a real number as float32 holds it."""
    if type(value) not in (int, float):
        raise ValueError(f"{name} must be a number, not {shown(value)}")
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise ValueError(f"{name} must be a finite float32, not {shown(value)}")
    return float(np.float32(value))


def _base(text: Any, classes: int, objective: str) -> list[float]:
    """Return where the classes' sums start: one number for all, or a list, in text."""
    try:
        values = json.loads(text) if isinstance(text, str) else text
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"base_score must be a number, not {shown(text)}") from None
    values = values if isinstance(values, list) else [values]
    numbers = [_number(value, "base_score") for value in values]
    if len(numbers) not in (1, classes):
        raise ValueError(f"base_score must have 1 or {classes} entries, not {len(numbers)}")
    if objective == "binary:logistic":
        (p,) = numbers
        if not 0 < p < 1:
            raise ValueError(f"base_score must be a probability between 0 and 1, not {p}")
        return [math.log(p / (1 - p))]
    return numbers if len(numbers) == classes else numbers * classes


def _tree(place: str, tree: dict[str, Any], features: int, weight: float) -> Tree:
    """Return a tree whose nodes are each reached once."""
    own = mapping(tree.get("tree_param", {}), f"{place}.tree_param")
    if str(own.get("size_leaf_vector", "1")) not in ("0", "1"):
        raise ValueError(f"{place}: a leaf has {shown(own['size_leaf_vector'])} values, not one")
    for name in ("split_type", "categories"):
        if any(sequence(tree.get(name, []), f"{place}.{name}")):
            raise ValueError(f"{place}.{name}: categorical splits are not numbers")
    lists: dict[str, list[Any]] = {}
    for name in ("left_children", "right_children", "split_indices", "split_conditions"):
        if not isinstance(tree.get(name), list):
            raise ValueError(f"{place}.{name} is missing")
        lists[name] = tree[name]
    size = len(lists["left_children"])
    if not 1 <= size <= MAX_NODES:
        raise ValueError(f"{place} must have 1..{MAX_NODES} nodes, not {size}")
    for name, values in lists.items():
        if len(values) != size:
            raise ValueError(f"{place}.{name} must have {size} entries, not {len(values)}")
    left, right, feature = (
        integers(lists[name], f"{place}.{name}", 1, -1, 1 << 40).tolist()
        for name in ("left_children", "right_children", "split_indices")
    )
    value = [
        _number(v, f"{place}.split_conditions[{i}]")
        for i, v in enumerate(lists["split_conditions"])
    ]
    order = _order(place, left, right)
    for node in order:
        if left[node] == -1:
            value[node] *= weight
        elif not 0 <= feature[node] < features:
            raise ValueError(
                f"{place}.split_indices[{node}] must be in 0..{features - 1}, not {feature[node]}"
            )
    return Tree(left, right, feature, value, order, _cover(place, tree, order, size))


def _cover(place: str, tree: dict[str, Any], order: list[int], size: int) -> list[float]:
    """Return how often training reached each node; as often all, where a model does not say."""
    given = sequence(tree.get("sum_hessian", []), f"{place}.sum_hessian")
    if not given:
        return [1.0] * size
    if len(given) != size:
        raise ValueError(f"{place}.sum_hessian must have {size} entries, not {len(given)}")
    cover = [_number(v, f"{place}.sum_hessian[{i}]") for i, v in enumerate(given)]
    if min(cover) < 0:
        raise ValueError(f"{place}.sum_hessian must not be negative, not {min(cover)}")
    return cover if any(cover[node] for node in order) else [1.0] * size


def _order(place: str, left: list[int], right: list[int]) -> list[int]:
    """Return the nodes below the root, parents first; refuse what is no tree."""
    order, depth = [0], {0: 0}
    for node in order:
        if left[node] == -1:
            if right[node] != -1:
                raise ValueError(f"{place}: node {node} has one child")
            continue
        for child in (left[node], right[node]):
            if not 0 < child < len(left) or child in depth:
                raise ValueError(f"{place}: node {child} is not below its root, once")
            depth[child] = depth[node] + 1
            if depth[child] > MAX_DEPTH:
                raise ValueError(f"{place} is deeper than {MAX_DEPTH}")
            order.append(child)
    return order
