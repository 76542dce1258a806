"""Fitted multi-layer perceptrons of scikit-learn as networks in real numbers."""

from typing import Any

import numpy as np

from nomul.golden.network import reals
from nomul.golden.network.reals import Graph, Step

KINDS = ("MLPClassifier", "MLPRegressor")


def is_estimator(model: Any) -> bool:
    """Whether an object is one of those that are read."""
    return type(model).__name__ in KINDS


def graph(model: Any) -> Graph:
    """Return a fitted MLPClassifier or MLPRegressor.

    Two classes become two scores, 0 and the one that the estimator has, so that the larger one is
    what it predicts.

    Raises
    ------
    ValueError
        The estimator is not fitted, has other activations than relu and identity, or several
        labels per input.
    """
    name = type(model).__name__
    if not hasattr(model, "coefs_"):
        raise ValueError(f"{name} is not fitted")
    if model.activation not in ("relu", "identity"):
        raise ValueError(
            f"{name} has the activation {model.activation}; relu and identity are read"
        )
    weights = [np.asarray(w, dtype=np.float64) for w in model.coefs_]
    biases = [np.asarray(b, dtype=np.float64) for b in model.intercepts_]
    notes = {"source": name}
    if name == "MLPClassifier":
        if model.out_activation_ == "logistic" and weights[-1].shape[1] > 1:
            raise ValueError(f"{name} gives several labels per input, which are not read")
        if weights[-1].shape[1] == 1:
            weights[-1] = np.concatenate([np.zeros_like(weights[-1]), weights[-1]], axis=1)
            biases[-1] = np.concatenate([np.zeros(1), biases[-1]])
        notes["classes"] = ",".join(map(str, model.classes_))
    steps: list[Step] = []
    for number, (w, bias) in enumerate(zip(weights, biases, strict=True)):
        steps.append(reals.Product(sources=(len(steps),), w=w, bias=bias, name=f"layer {number}"))
        if number + 1 < len(weights) and model.activation == "relu":
            steps.append(reals.Clip(sources=(len(steps),), name=f"relu {number}"))
    return Graph(steps, (len(weights[0]),), notes)
