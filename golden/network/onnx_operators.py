"""What each operator of ONNX is in steps; whatever it could mean besides is refused."""

from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.network import reals
from nomul.golden.network.arrays import Shape
from nomul.golden.network.network import MAX_FEATURES
from nomul.golden.network.onnx_files import kind_of
from nomul.golden.network.onnx_graph import Constant, Node, Operator, Value, limits


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
    if any(size < 0 for size in shape) or np.prod(shape, dtype=object) > MAX_FEATURES:
        raise ValueError(f"of shape {shape} is not read")
    found = node.attribute("value", None)
    value = np.zeros(1, np.float32) if found is None else node.reader.tensors.array(found)
    node.give(Constant(np.full(shape, value.reshape(-1)[0], dtype=value.dtype)))


def transpose(node: Node) -> None:
    """Give a constant with its axes in another order."""
    found, perm = node.needed(0), node.attribute("perm", None)
    if perm is not None and sorted(perm) != list(range(found.values.ndim)):
        raise ValueError(f"perm {list(perm)} is no order of {found.values.ndim} axes")
    node.give(found.transposed(perm))


# Products -------------------------------------------------------------------------------------


def product(node: Node, weights: Constant, bias: Constant | None, **members: Any) -> None:
    """Take a fully connected layer or a convolution, weights in the order that steps have."""
    outputs = weights.values.shape[1 if weights.values.ndim == 2 else 0]
    added = np.zeros(outputs)
    if bias is not None:
        if bias.values.size not in (1, outputs) or bias.values.size != max(
            bias.values.shape, default=1
        ):
            raise ValueError(f"bias must have {outputs} values, not {list(bias.values.shape)}")
        added = np.broadcast_to(bias.reals().reshape(-1), outputs).copy()
    scale = None
    if weights.codes is not None and weights.scale is not None:
        axis = 1 if weights.codes.ndim == 2 else 0
        others = [n for i, n in enumerate(weights.scale.shape) if i != axis]
        if any(n != 1 for n in others):
            raise ValueError("weights have scales along their inputs, not their outputs only")
        scale = np.broadcast_to(weights.scale.reshape(-1), outputs).copy()
    node.append(
        reals.Product(
            sources=(node.value().number,),
            w=weights.reals(),
            bias=added,
            codes=weights.codes,
            scale=scale,
            **members,
        )
    )


def gemm(node: Node) -> None:
    """Take a fully connected layer."""
    node.only(alpha=1.0, beta=1.0, transA=0)
    weights = node.needed(1)
    if node.attribute("transB", 0):
        weights = weights.transposed()
    _two_axes(weights)
    product(node, weights, node.constant(2))


def matmul(node: Node) -> None:
    """Take a fully connected layer without bias."""
    weights = node.needed(1)
    _two_axes(weights)
    product(node, weights, None)


def _two_axes(weights: Constant) -> None:
    if weights.values.ndim != 2:
        raise ValueError(f"weights must have 2 axes, not {list(weights.values.shape)}")


def conv(node: Node) -> None:
    """Take a convolution over two axes."""
    weights = node.needed(1)
    if weights.values.ndim != 4:
        raise ValueError(f"weights must have 4 axes, not {list(weights.values.shape)}")
    kernel, stride, padding = windows(node, weights.values.shape[2:])
    if kernel != weights.values.shape[2:]:
        raise ValueError(f"kernel_shape {list(kernel)} is not that of the weights")
    groups = int(node.attribute("group", 1))
    if groups < 1:
        raise ValueError(f"group must be positive, not {groups}")
    product(node, weights, node.constant(2), stride=stride, padding=padding, groups=groups)


def windows(node: Node, kernel: Shape | None = None) -> tuple[Shape, Shape, Shape]:
    """Return kernel, stride and padding (top, left, bottom, right) of a node."""
    size = tuple(map(int, node.attribute("kernel_shape", kernel or ())))
    stride = tuple(map(int, node.attribute("strides", (1, 1))))
    dilations = tuple(map(int, node.attribute("dilations", (1, 1))))
    if len(size) != 2 or len(stride) != 2:
        raise ValueError(f"is read over two axes only, not with the kernel {list(size)}")
    if dilations != (1, 1):
        raise ValueError(f"is read without dilations, not with {list(dilations)}")
    if min(size) < 1 or min(stride) < 1:
        raise ValueError(f"has the kernel {list(size)} and strides {list(stride)}")
    auto = node.attribute("auto_pad", "NOTSET")
    padding = tuple(map(int, node.attribute("pads", (0, 0, 0, 0))))
    shape = node.shape()
    if len(shape) != 3:
        raise ValueError(f"wants [channels, height, width], not {list(shape)}")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        padding = _same(shape[1:], size, stride, upper=auto == "SAME_UPPER")
    elif auto == "VALID":
        padding = (0, 0, 0, 0)
    elif auto != "NOTSET":
        raise ValueError(f"auto_pad is {auto!r}")
    if len(padding) != 4 or min(padding) < 0 or max(padding) > 1 << 12:
        raise ValueError(f"pads must be four numbers in 0..{1 << 12}, not {list(padding)}")
    if node.attribute("ceil_mode", 0):
        padding = _ceiling(shape[1:], size, stride, padding)
    return size, stride, padding


def _same(shape: Shape, kernel: Shape, stride: Shape, *, upper: bool) -> Shape:
    """Return the padding that leaves ceil(size / stride) windows; the odd one goes behind if upper.

    As the standard's operator Conv defines ``auto_pad``.
    """
    pairs = []
    for size, window, step in zip(shape, kernel, stride, strict=True):
        total = max(0, (-(-size // step) - 1) * step + window - size)
        small, large = total // 2, total - total // 2
        pairs.append((small, large) if upper else (large, small))
    return pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]


def _ceiling(shape: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Shape:
    """Return the padding that takes windows in which hang over at the end.

    A window that would begin in the padding behind the image is left out.
    """
    result = list(padding)
    for axis in (0, 1):
        size, step = shape[axis] + padding[axis], stride[axis]
        length = size + padding[axis + 2]
        count = -(-(length - kernel[axis]) // step) + 1
        if (count - 1) * step >= size:
            count -= 1
        result[axis + 2] = max(padding[axis + 2], (count - 1) * step + kernel[axis] - size)
    return tuple(result)


# What follows products ------------------------------------------------------------------------


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


def pool(node: Node) -> None:
    """Take a pooling over windows."""
    if len([name for name in node.proto.output if name]) > 1:
        raise ValueError("gives indices, which are not read")
    kernel, stride, padding = windows(node)
    mean = node.op == "AveragePool"
    if mean and any(padding):
        # A divisor that differs from window to window is no scale per channel.
        if not node.attribute("count_include_pad", 0):
            raise ValueError("has padding that does not count: divisors differ; pad the input")
        if node.attribute("ceil_mode", 0):
            raise ValueError("is read without ceil_mode")
    if max(padding[::2]) >= kernel[0] or max(padding[1::2]) >= kernel[1]:
        raise ValueError(f"has windows of padding only: pads {list(padding)}")
    step = reals.Pool(
        sources=(node.value().number,), mean=mean, kernel=kernel, stride=stride, padding=padding
    )
    node.append(step)


def mean_of_channels(node: Node) -> None:
    """Take a mean over height and width."""
    if node.op == "ReduceMean":
        axes = node.constant(1)
        over = node.attribute("axes", ()) if axes is None else axes.values.reshape(-1).tolist()
        if sorted(int(axis) % 4 for axis in over) != [2, 3]:
            raise ValueError(f"is read over the axes 2 and 3 only, not {list(over)}")
    node.append(reals.GlobalMean(sources=(node.value().number,)))


# Shapes and ends ------------------------------------------------------------------------------


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
