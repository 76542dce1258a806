"""Products and windows of ONNX: Gemm, MatMul, Conv, and the pools."""

from typing import Any

import numpy as np

from nomul.golden.network import reals
from nomul.golden.network.arrays import Shape
from nomul.golden.network.onnx_graph import Constant, Node


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
