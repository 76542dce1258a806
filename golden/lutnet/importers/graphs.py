"""Graphs of ONNX files as plain nodes and constants: every operator and attribute has to be known.

The operators are those of https://onnx.ai/onnx/operators and, for BipolarQuant, of QONNX.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import contents

MAX_FEATURES = 1 << 16
MAX_NODES = 1 << 12
MAX_VALUES = 1 << 25

QUANT_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")

# Each operator's least and most inputs, outputs, and the attributes that change what it computes.
OPERATORS: dict[str, tuple[int, int, int, tuple[str, ...]]] = {
    "MatMul": (2, 2, 1, ()),
    "Gemm": (2, 3, 1, ("alpha", "beta", "transA", "transB")),
    "BatchNormalization": (5, 5, 5, ("epsilon", "momentum", "training_mode")),
    "BipolarQuant": (2, 2, 1, ()),
    "ArgMax": (1, 1, 1, ("axis", "keepdims", "select_last_index")),
    "TopK": (2, 2, 2, ("axis", "largest", "sorted")),
    "Add": (2, 2, 1, ()),
    "Sub": (2, 2, 1, ()),
    "Mul": (2, 2, 1, ()),
    "Div": (2, 2, 1, ()),
    "Identity": (1, 1, 1, ()),
    "Flatten": (1, 1, 1, ("axis",)),
    "Reshape": (2, 2, 1, ("allowzero",)),
    "Dropout": (1, 3, 2, ("ratio", "seed")),
    "Constant": (0, 0, 1, ("value",)),
    "Transpose": (1, 1, 1, ("perm",)),
}


@dataclass(frozen=True)
class Node:
    """A node: what it computes, of which tensors, and its attributes."""

    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]

    def attribute(self, name: str, default: Any) -> Any:
        """Return an attribute of the same kind as its default."""
        value = self.attributes.get(name, default)
        if default is not None and not isinstance(value, type(default)):
            raise ValueError(f"{name} must be of the kind of {default}, not {shown(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} must be finite, not {value}")
        return value


@dataclass(frozen=True)
class Graph:
    """A graph with one input: its name, number of features and of axes; constants; nodes."""

    entry: str
    features: int
    axes: int
    constants: dict[str, Floats]
    nodes: list[Node]
    outputs: list[str]


def read(path: Path) -> Graph:
    """Return the graph of a file.

    Raises
    ------
    ValueError
        It is no ONNX file, a name stands twice, or an operator or attribute is not known.
    ImportError
        The package onnx is missing.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError("QONNX files need onnx; try: pip install 'nomul[onnx]'") from None
    from google.protobuf.message import DecodeError

    octets = contents(path)
    try:
        model = onnx.load_model_from_string(octets)
    except (DecodeError, UnicodeDecodeError):
        raise ValueError("not an ONNX file") from None
    graph = model.graph
    if not graph.node:
        raise ValueError("not an ONNX file, or one without nodes")
    if len(graph.node) > MAX_NODES:
        raise ValueError(f"has {len(graph.node)} nodes, more than the {MAX_NODES} that are read")
    if model.functions or graph.sparse_initializer:
        raise ValueError("functions and sparse initializers are not read")
    constants: dict[str, Floats] = {}
    left = MAX_VALUES
    for tensor in graph.initializer:
        if tensor.name in constants:
            raise ValueError(f"initializer {shown(tensor.name)} stands twice")
        constants[tensor.name] = values(tensor, left)
        left -= constants[tensor.name].size
    entries = [i for i in graph.input if i.name not in constants]
    if len(entries) != 1:
        raise ValueError(f"the graph has {len(entries)} inputs, not one")
    axes = entries[0].type.tensor_type.shape.dim
    sizes = [d.dim_value for d in axes][1:]
    features = math.prod(sizes) if sizes and min(sizes) > 0 else 0
    if not 1 <= features <= MAX_FEATURES:
        raise ValueError(
            f"input {shown(entries[0].name)} must have a fixed number of features in "
            f"1..{MAX_FEATURES}, not {sizes}"
        )
    nodes = [_node(number, node) for number, node in enumerate(graph.node)]
    made = {entries[0].name, *constants}
    for number, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in made:
                raise ValueError(f"node {number} ({node.name}): {shown(name)} is computed twice")
            made.add(name)
    outputs = [o.name for o in graph.output]
    return Graph(entries[0].name, features, len(axes), constants, nodes, outputs)


def _node(number: int, node: Any) -> Node:
    """Return a node whose operator is known, with its attributes by name."""
    from onnx import helper

    name = str(node.name or node.op_type)
    place = f"node {number} ({shown(name)[1:-1]})"
    kind = node.op_type
    domains = QUANT_DOMAINS if kind == "BipolarQuant" else ("", "ai.onnx")
    if kind not in OPERATORS or node.domain not in domains:
        text = f"{node.domain}.{kind}".lstrip(".")
        raise ValueError(f"{place}: {text} is not read; what is: {', '.join(OPERATORS)}")
    least, most, out, known = OPERATORS[kind]
    if not least <= len(node.input) <= most or not 1 <= len(node.output) <= out:
        raise ValueError(
            f"{place}: has {len(node.input)} inputs and {len(node.output)} outputs, "
            f"not {least}..{most} and 1..{out}"
        )
    if kind == "TopK" and len(node.output) != 2:
        raise ValueError(f"{place}: TopK is read with two outputs only")
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.name not in known or attribute.name in attributes:
            raise ValueError(
                f"{place}: attribute {shown(attribute.name)} is not known, or stands twice"
            )
        attributes[attribute.name] = helper.get_attribute_value(attribute)
    return Node(kind, name, list(node.input), list(node.output), attributes)


def values(tensor: Any, left: int) -> Floats:
    """Return the values of a tensor, at most ``left`` of them, all finite."""
    from onnx import TensorProto, numpy_helper

    place = f"initializer {shown(tensor.name)}"
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError(f"{place}: lies in another file, which is not read")
    if any(n < 0 for n in tensor.dims) or math.prod(tensor.dims) > left:
        raise ValueError(f"{place}: its shape is {list(tensor.dims)[:8]}: too large")
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            array = array.astype(np.float32)  # bfloat16 and the like, which float32 holds
        result = array.astype(np.float64)
    # What numpy_helper raises on damaged tensors is not documented.
    except Exception as error:
        text = " ".join(str(error).split())[:100]
        raise ValueError(f"{place}: {text or type(error).__name__}") from None
    if not np.isfinite(result).all():
        where = np.argwhere(~np.isfinite(result))[0].tolist()
        raise ValueError(f"{place}: {where} must be finite, not {result[tuple(where)]}")
    return result


def constant(node: Node, constants: dict[str, Floats]) -> Floats:
    """Return what a node computes of constants: quantised or transposed weights."""
    if node.kind == "Constant":
        value = node.attributes.get("value")
        if value is None or not hasattr(value, "dims"):
            raise ValueError("Constant has no tensor 'value'")
        return values(value, MAX_VALUES)
    first = constants[node.inputs[0]]
    if node.kind == "BipolarQuant":
        scale = constants[node.inputs[1]]
        shape = np.broadcast_shapes(first.shape, scale.shape)
        if math.prod(shape) > MAX_VALUES:
            raise ValueError(f"weights of shape {list(shape)} are too many")
        return np.where(first >= 0, 1.0, -1.0) * scale
    if node.kind == "Transpose":
        perm = node.attributes.get("perm")
        if perm is not None and sorted(perm) != list(range(first.ndim)):
            raise ValueError(f"perm must order {first.ndim} axes, not be {shown(perm)}")
        return np.transpose(first, perm)
    if node.kind == "Identity":
        return first
    raise ValueError(f"{node.kind} of constants is not read")
