"""What stands at the end of a classifier in ONNX: Softmax, ArgMax, and names of classes."""

import numpy as np

from nomul.golden.network import reals
from nomul.golden.network.onnx_graph import Constant, Node, Value


def end(node: Node) -> None:
    """Take a function that keeps the order of the scores; it is left out."""
    value, shape = node.value(), node.shape()
    if len(shape) != 1:
        raise ValueError(f"is read behind [classes] only, not {list(shape)}")
    if node.op == "Sigmoid" and shape != (1,):
        raise ValueError(f"is read behind a single score only, not {shape[0]}")
    if node.op != "Sigmoid" and node.attribute("axis", -1) not in (-1, 1):
        raise ValueError("is read over the classes only, axis 1")
    node.give(Value(value.number, ended=node.op))


def complement(node: Node, one: Constant, score: Value) -> None:
    """Note that 1 - p stands for the other of two classes."""
    if one.values.size != 1 or float(one.values.reshape(-1)[0]) != 1.0:
        raise ValueError("is read behind Sigmoid as 1 - p only")
    node.give(Value(score.number, ended="1 - Sigmoid"))


def two_classes(node: Node) -> None:
    """Take the two classes of one score: 0 for the first, the score for the second."""
    ends = [found.ended if isinstance(found, Value) else "" for found in node.inputs]
    if ends != ["1 - Sigmoid", "Sigmoid"]:
        raise ValueError("is read as the two classes behind a Sigmoid only")
    reader, score = node.reader, node.inputs[1]
    assert isinstance(score, Value)
    number = score.number
    step = reals.Product(
        sources=(number,), w=np.array([[0.0, 1.0]]), bias=np.zeros(2), name=node.place
    )
    # The score's own product takes the column of zeros, so that nothing is rounded once more.
    before = reader.steps[number - 1]
    if isinstance(before, reals.Affine):
        inner = reader.steps[before.sources[0] - 1]
        if isinstance(inner, reals.Product) and inner.codes is None:
            gain = float(before.gain[0])
            shift = float(inner.bias[0]) * gain + float(before.shift[0])
            step = _doubled(inner, gain, shift, node.place)
    elif isinstance(before, reals.Product) and before.codes is None:
        step = _doubled(before, 1.0, float(before.bias[0]), node.place)
    node.give(Value(reader.append(step), ended="Concat"))


def _doubled(inner: reals.Product, gain: float, shift: float, name: str) -> reals.Product:
    w = np.concatenate([np.zeros_like(inner.w), inner.w * gain], axis=1)
    return reals.Product(sources=inner.sources, w=w, bias=np.array([0.0, shift]), name=name)


def largest(node: Node) -> None:
    """Take the number of the largest score."""
    node.only(select_last_index=0)
    if node.attribute("axis", 0) not in (1, -1):
        raise ValueError("is read over the classes only, axis 1")
    found = node.inputs[0]
    if not isinstance(found, Value) or found.quantised is not None:
        raise ValueError("must read scores")
    step = reals.Largest(sources=(found.number,), name=node.place)
    node.give(Value(node.reader.append(step), ended="ArgMax"))


def labels(node: Node) -> None:
    """Leave out what puts names of classes in place of numbers, and keep the names."""
    if node.op == "ArrayFeatureExtractor":
        names, found = node.needed(0).values.reshape(-1).tolist(), node.inputs[1]
    else:
        names, found = node.attribute("classlabels_int64s", None), node.inputs[0]
        if names is None:
            names = [text.decode() for text in node.attribute("classlabels_strings", [])]
    if not isinstance(found, Value) or not found.ended:
        raise ValueError("is read at the end only")
    node.reader.notes["classes"] = ",".join(map(str, names))
    node.give(found)
