"""What each operator of ONNX is in steps; whatever it could mean besides is refused."""

import math

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.network import reals
from nomul.golden.network.onnx_ends import complement, end, labels, largest, two_classes
from nomul.golden.network.onnx_files import kind_of
from nomul.golden.network.onnx_graph import Constant, Node, Operator, Value, limits
from nomul.golden.network.onnx_products import conv, gemm, matmul, mean_of_channels, pool


def same(node: Node) -> None:
    """Give what is read: Identity, Cast, and Dropout outside training."""
    if node.op == "Dropout":
        mode = node.constant(2)
        if mode is not None and bool(mode.values.any()):
            raise ValueError("is in training mode; export the model for inference")
    found = node.inputs[0]
    assert found is not None
    if node.op == "Cast":
        found = _cast(node, found)
    node.give(found)


def _cast(node: Node, found: Constant | Value) -> Constant | Value:
    """Return what a cast makes, as long as it changes no value."""
    kind = kind_of(node.attribute("to", 1))
    if isinstance(found, Constant):
        if found.codes is not None or kind.kind not in "iuf":
            raise ValueError(f"to {kind} is not read")
        return Constant(found.values.astype(kind))
    if found.quantised is not None:
        low, high = limits(kind)
        if found.quantised[2] < low or found.quantised[3] > high:
            raise ValueError(f"to {kind} would change codes")
    elif kind.kind != "f" and not found.ended and found.number:
        raise ValueError(f"to {kind} is not read")
    return found


def constant(node: Node) -> None:
    """Give the tensor or the number of an attribute."""
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        found = node.attribute(name, None)
        if found is not None:
            array = node.reader.tensors.array(found) if name == "value" else np.asarray(found)
            node.give(Constant(array))
            return
    raise ValueError("has no tensor of numbers")


def filled(node: Node) -> None:
    """Give a tensor of one value."""
    shape = [int(size) for size in node.needed(0).values.reshape(-1)]
    if any(size < 0 for size in shape):
        raise ValueError(f"of shape {shape} is not read")
    node.reader.tensors.check_room(math.prod(shape))
    found = node.attribute("value", None)
    value = np.zeros(1, np.float32) if found is None else node.reader.tensors.array(found)
    node.give(Constant(np.full(shape, value.reshape(-1)[0], dtype=value.dtype)))


def transpose(node: Node) -> None:
    """Give a constant with its axes in another order."""
    found, perm = node.needed(0), node.attribute("perm", None)
    if perm is not None and sorted(perm) != list(range(found.values.ndim)):
        raise ValueError(f"perm {list(perm)} is no order of {found.values.ndim} axes")
    node.give(found.transposed(perm))


def normalise(node: Node) -> None:
    """Take a batch normalisation with the statistics of the file."""
    if node.attribute("training_mode", 0) or len([n for n in node.proto.output if n]) > 1:
        raise ValueError("normalises by the batch, in training mode; export after eval()")
    gamma, beta, mean, variance = (node.needed(i).reals().reshape(-1) for i in range(1, 5))
    channels = node.shape()[0]
    for name, array in (("scale", gamma), ("B", beta), ("mean", mean), ("var", variance)):
        if array.shape != (channels,):
            raise ValueError(f"{name} must have {channels} values, not {array.size}")
    spread = variance + node.attribute("epsilon", 1e-5)
    if not (spread > 0).all():
        i = int(np.flatnonzero(~(spread > 0))[0])
        raise ValueError(f"var[{i}] must be positive, not {variance[i]}")
    gain = gamma / np.sqrt(spread)
    step = reals.Affine(sources=(node.value().number,), gain=gain, shift=beta - mean * gain)
    node.append(step)


def arithmetic(node: Node) -> None:
    """Add two values, or take a constant per channel into an affine step."""
    first, second = node.inputs[:2]
    if isinstance(first, Constant) and isinstance(second, Constant):
        shape = np.broadcast_shapes(first.values.shape, second.values.shape)
        node.reader.tensors.check_room(math.prod(shape))
        operation = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
        with np.errstate(divide="ignore", invalid="ignore"):
            node.give(Constant(operation[node.op](first.values, second.values)))
        return
    if isinstance(first, Value) and isinstance(second, Value):
        if first.ended and node.op != "Add":
            raise ValueError(f"stands behind {first.ended}, which is read at the end only")
        if node.op != "Add":
            raise ValueError("is read with a constant only")
        node.append(reals.Sum(sources=(node.value(0).number, node.value(1).number)))
        return
    if isinstance(first, Constant):
        if isinstance(second, Value) and second.ended == "Sigmoid" and node.op == "Sub":
            complement(node, first, second)
            return
        if node.op in ("Sub", "Div"):
            raise ValueError("must have the constant second")
    index = 1 if isinstance(first, Value) else 0
    number, values = node.value(1 - index).number, _per_channel(node, index)
    one, zero = np.ones(1), np.zeros(1)
    if node.op == "Div" and not values.all():
        raise ValueError("divides by 0")
    gain, shift = {
        "Add": (one, values),
        "Sub": (one, -values),
        "Mul": (values, zero),
        "Div": (1 / np.where(values == 0, 1, values), zero),
    }[node.op]
    node.append(reals.Affine(sources=(number,), gain=gain, shift=shift))


def _per_channel(node: Node, index: int) -> Floats:
    """Return a constant with one entry, or one per channel, that is added or multiplied."""
    values, shape = node.needed(index).reals(), node.shape(1 - index)
    if values.size == 1:
        return values.reshape(-1)
    wide = values.reshape((1,) * (len(shape) + 1 - values.ndim) + values.shape)
    if wide.ndim != len(shape) + 1 or wide.shape[1] != wide.size or wide.size != shape[0]:
        raise ValueError(
            f"must have one constant or one per channel for {list(shape)}, not of shape "
            f"{list(values.shape)}"
        )
    return wide.reshape(-1)


def clip(node: Node) -> None:
    """Take a ReLU, or a clip with limits in attributes or constants."""
    low, high = (0.0, np.inf) if node.op == "Relu" else (-np.inf, np.inf)
    if node.op == "Clip":
        limits = [node.constant(i) for i in (1, 2)]
        low = float(node.attribute("min", low) if limits[0] is None else limits[0].values)
        high = float(node.attribute("max", high) if limits[1] is None else limits[1].values)
        if not low <= high:
            raise ValueError(f"clips to {low:g}..{high:g}")
    node.append(reals.Clip(sources=(node.value().number,), low=low, high=high))


def flatten(node: Node) -> None:
    """Take all features into one row; a row stays one."""
    if isinstance(node.inputs[0], Constant) and node.op == "Reshape":
        _reshape(node, node.needed(0))
        return
    found = node.inputs[0]
    if isinstance(found, Value) and found.ended:
        node.give(found)
        return
    features = int(np.prod(node.shape()))
    if node.op == "Flatten":
        node.only(axis=1)
    elif node.op == "Squeeze":
        axes = node.constant(1)
        over = node.attribute("axes", ()) if axes is None else axes.values.reshape(-1).tolist()
        if sorted(int(axis) % 4 for axis in over) != [2, 3] or len(node.shape()) != 1:
            raise ValueError("is read behind a mean over height and width only")
    else:
        to = [int(size) for size in node.needed(1).values.reshape(-1)]
        if len(to) != 2 or to[1] not in (-1, features) or to[0] == to[1]:
            raise ValueError(f"to {to} does not flatten {features} features")
        if to[0] > 0 and to[0] != 1:
            raise ValueError(f"to {to} fixes the batch")
    value = node.value()
    if len(node.shape()) == 1:
        node.give(value)
    else:
        node.append(reals.Flat(sources=(value.number,)))


def _reshape(node: Node, found: Constant) -> None:
    to = node.needed(1).values.reshape(-1).tolist()
    if found.codes is not None:
        raise ValueError("of quantised constants is not read")
    try:
        node.give(Constant(found.values.reshape([int(size) for size in to])))
    except ValueError:
        raise ValueError(f"{list(found.values.shape)} has no shape {to}") from None


OPERATORS: dict[str, Operator] = {
    "Constant": constant,
    "ConstantOfShape": filled,
    "Transpose": transpose,
    "Gemm": gemm,
    "MatMul": matmul,
    "Conv": conv,
    "BatchNormalization": normalise,
    "Relu": clip,
    "Clip": clip,
    "MaxPool": pool,
    "AveragePool": pool,
    "GlobalAveragePool": mean_of_channels,
    "ReduceMean": mean_of_channels,
    "Softmax": end,
    "LogSoftmax": end,
    "Sigmoid": end,
    "Concat": two_classes,
    "ArgMax": largest,
    "ArrayFeatureExtractor": labels,
    "ZipMap": labels,
    **dict.fromkeys(("Identity", "Dropout", "Cast"), same),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), arithmetic),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze"), flatten),
}
