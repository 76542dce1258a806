"""A graph of ONNX as steps in real numbers: names become values, and every node is understood."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Floats, Ints
from nomul.golden.network import onnx_files, reals
from nomul.golden.network.arrays import Shape
from nomul.golden.network.network import MAX_FEATURES
from nomul.golden.network.reals import Graph, Step

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
QONNX = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that the file holds, or that nodes make of such.

    ``codes`` and ``scale``, which multiply to the values, are there once it is quantised; the scale
    has as many axes as the values.
    """

    values: NDArray[Any]
    codes: Ints | None = None
    scale: Floats | None = None

    def reals(self) -> Floats:
        """Return the values as float64."""
        with np.errstate(invalid="ignore"):  # a NaN is refused where it is used
            return np.asarray(self.values, dtype=np.float64)

    def transposed(self, order: Sequence[int] | None = None) -> "Constant":
        """Return the tensor with its axes in another order, reversed if None."""
        return Constant(
            np.transpose(self.values, order),
            None if self.codes is None else np.transpose(self.codes, order),
            None if self.scale is None else np.transpose(self.scale, order),
        )


@dataclass(frozen=True)
class Value:
    """What the network computes under a name.

    Attributes
    ----------
    number
        Of the value in the graph.
    quantised
        Scale, zero point, lowest and highest code between QuantizeLinear and DequantizeLinear.
    ended
        What was done that only the last scores may have done to them, such as Softmax.
    """

    number: int
    quantised: tuple[float, int, int, int] | None = None
    ended: str = ""


Names = dict[str, Constant | Value]


class Node:
    """One node with what its inputs stand for.

    Parameters
    ----------
    proto
        The node.
    number
        Its place in the file.
    reader
        Who reads the file.
    """

    def __init__(self, proto: Any, number: int, reader: "Reader"):
        self.proto, self.number, self.reader = proto, number, reader
        self.op = proto.op_type
        self.inputs = [reader.names.get(name) if name else None for name in proto.input]
        for name, found in zip(proto.input, self.inputs, strict=True):
            if name and found is None:
                raise ValueError(f"reads {name!r}, which nothing gives")

    @property
    def place(self) -> str:
        """What messages and layers call the node."""
        name = f", {self.proto.name}" if self.proto.name else ""
        return f"node {self.number} ({self.op}{name})"

    def attribute(self, name: str, default: Any) -> Any:
        """Return an attribute, text as text."""
        from onnx import helper

        for entry in self.proto.attribute:
            if entry.name == name:
                value = helper.get_attribute_value(entry)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def only(self, **wanted: Any) -> None:
        """Refuse attributes that are neither absent nor of the one value that is read."""
        for name, value in wanted.items():
            have = self.attribute(name, value)
            if have != value:
                raise ValueError(f"is read with {name} = {value} only, not {have}")

    def value(self, index: int = 0) -> Value:
        """Return an input that the network computes, in real numbers."""
        found = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(found, Value):
            raise ValueError(f"input {index} must be computed by the network, not a constant")
        if found.quantised is not None:
            raise ValueError(f"input {index} is codes: DequantizeLinear must stand before it")
        if found.ended:
            raise ValueError(f"stands behind {found.ended}, which is read at the end only")
        return found

    def constant(self, index: int) -> Constant | None:
        """Return an input that the file holds; None where it is absent."""
        found = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(found, Value):
            raise ValueError(f"input {index}, {self.proto.input[index]!r}, must be a constant")
        return found

    def needed(self, index: int) -> Constant:
        """Return an input that the file must hold."""
        found = self.constant(index)
        if found is None:
            raise ValueError(f"input {index} is missing")
        return found

    def shape(self, index: int = 0) -> Shape:
        """Return the shape of a computed input, without the batch."""
        return self.reader.shapes[self.value(index).number]

    def append(self, step: Step, **state: Any) -> None:
        """Take a step into the graph; the node's output is its value."""
        self.give(Value(self.reader.append(replace(step, name=self.place)), **state))

    def give(self, result: Constant | Value, output: int = 0) -> None:
        """Say what an output is; a constant that the node has made counts."""
        if isinstance(result, Constant) and not any(result is found for found in self.inputs):
            codes, scale = result.codes, result.scale
            arrays = [a for a in (result.values, codes, scale) if a is not None]
            self.reader.tensors.make(sum(a.size for a in arrays if a.base is None))
        names = self.proto.output
        if output >= len(names):
            raise ValueError(f"output {output} is missing")
        self.reader.names[names[output]] = result


Operator = Callable[[Node], None]


class Reader:
    """Reads a model node by node.

    Parameters
    ----------
    source
        Path of a file, or an onnx.ModelProto.
    operators
        What each operator means, by name.
    """

    def __init__(self, source: Path | Any, operators: dict[str, Operator]):
        self.model, folder = onnx_files.read(source)
        self.operators = operators
        self.tensors = onnx_files.Tensors(folder)
        self.names: Names = {}
        self.steps: list[Step] = []
        self.shapes: list[Shape] = []
        self.notes: dict[str, str] = {}

    def graph(self) -> Graph:
        """Return the steps that lead to the output."""
        graph = self.model.graph
        if graph.sparse_initializer:
            raise ValueError("sparse initialisers are not read")
        for tensor in graph.initializer:
            self.names[tensor.name] = Constant(self.tensors.array(tensor))
        self._input([entry for entry in graph.input if entry.name not in self.names])
        for number, proto in enumerate(graph.node):
            place = f"node {number} ({proto.op_type}{', ' if proto.name else ''}{proto.name})"
            try:
                self._node(Node(proto, number, self))
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None
        found = self._outputs([entry.name for entry in graph.output])
        result = Graph(self.steps, self.shapes[0], self.notes)
        return pruned(result, found)

    def append(self, step: Step) -> int:
        """Take a step into the graph and return its value's number."""
        shape = reals.shape_after(step, [self.shapes[s] for s in step.sources])
        if np.prod(shape, dtype=object) > MAX_FEATURES:
            raise ValueError(f"gives {list(shape)}, above {MAX_FEATURES} values")
        self.steps.append(step)
        self.shapes.append(shape)
        return len(self.steps)

    def _node(self, node: Node) -> None:
        domain = node.proto.domain
        if node.op not in self.operators or domain not in (*DOMAINS, *QONNX):
            known = ", ".join(sorted(self.operators))
            where = f" of {domain}" if domain not in DOMAINS else ""
            raise ValueError(f"{node.op}{where} is not read; what is: {known}")
        self.operators[node.op](node)

    def _input(self, entries: Sequence[Any]) -> None:
        """Take the one input: its first axis is the batch, and all others are fixed."""
        from onnx import TensorProto

        if len(entries) != 1:
            names = ", ".join(entry.name for entry in entries)
            raise ValueError(f"the graph must have one input, not {len(entries)}: {names}")
        entry = entries[0]
        kind = entry.type.tensor_type
        dims = list(kind.shape.dim)
        if len(dims) not in (2, 4):
            raise ValueError(
                f"input {entry.name!r} must have the axes batch and features, or batch, channels, "
                f"height and width, not {len(dims)}"
            )
        for axis, dim in enumerate(dims[1:], 1):
            if not dim.HasField("dim_value") or not 0 < dim.dim_value <= MAX_FEATURES:
                what = dim.dim_param or dim.dim_value
                raise ValueError(
                    f"input {entry.name!r} has {what!r} on axis {axis}; only the batch may be open"
                )
        shape = tuple(int(dim.dim_value) for dim in dims[1:])
        if math.prod(shape) > MAX_FEATURES:
            raise ValueError(f"input {entry.name!r} has {list(shape)}, above {MAX_FEATURES} values")
        self.shapes.append(shape)
        codes = {TensorProto.UINT8: (0, 255), TensorProto.INT8: (-128, 127)}
        floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT64)
        if kind.elem_type in codes:
            self.names[entry.name] = Value(0, (0.0, 0, *codes[kind.elem_type]))
        elif kind.elem_type in floats:
            self.names[entry.name] = Value(0)
        else:
            name = onnx_files.kind_of(kind.elem_type)
            raise ValueError(f"input {entry.name!r} is of kind {name}")

    def _outputs(self, names: Sequence[str]) -> int:
        """Return the value that the network gives: scores, where class and scores are given."""
        found = []
        for name in names:
            value = self.names.get(name)
            if not isinstance(value, Value):
                raise ValueError(f"output {name!r} is not computed from the input")
            found.append(value.number)
        scores = [
            self.steps[n - 1].sources[0]
            for n in found
            if n and isinstance(self.steps[n - 1], reals.Largest)
        ]
        if len(set(found)) == 2 and len(scores) == 1 and scores[0] in found:
            return scores[0]
        if len(set(found)) != 1:
            raise ValueError(f"the graph must have one output, not {', '.join(names)}")
        return found[0]


def pruned(graph: Graph, output: int) -> Graph:
    """Return the graph with only the steps that lead to a value, which is the last then."""
    needed = {output}
    for number in range(output - 1, -1, -1):
        if number + 1 in needed:
            needed |= set(graph.steps[number].sources)
    place, steps = {0: 0}, []
    for number, step in enumerate(graph.steps[:output]):
        if number + 1 in needed:
            steps.append(replace(step, sources=tuple(place[s] for s in step.sources)))
            place[number + 1] = len(steps)
    return Graph(steps, graph.input_shape, graph.notes)


def limits(kind: Any) -> tuple[int, int]:
    """Return the range of an integer type of ONNX, 4-bit ones included."""
    sizes = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
    if str(kind) in sizes:
        return sizes[str(kind)]
    if np.dtype(kind).kind not in "iu" or np.dtype(kind).itemsize > 4:
        raise ValueError(f"codes of kind {kind} are not read")
    info = np.iinfo(kind)
    return int(info.min), int(info.max)
