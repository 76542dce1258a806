"""A network in real numbers, as tools write it: what every way in gives and quantisation takes.

A step may be a quantiser, as in QONNX: then its output is real still, but of few values. Weights
that a file has as codes are kept as codes beside their real values.

One file, since each kind of step is its data, its check and its answer, and they are read together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.network import kernels
from nomul.golden.network.arrays import Shape

MAX_WORK = 1 << 25  # values that a step, or all of them, may keep for one input


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """Base of all steps.

    Attributes
    ----------
    sources
        Numbers of the values that it reads: 0 is the input, n + 1 the output of step n.
    name
        Where it came from, for messages.
    """

    sources: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class Product(Step):
    """A fully connected layer or a convolution.

    Attributes
    ----------
    w
        float64[inputs, outputs] or float64[outputs, inputs / groups, height, width].
    bias
        float64[outputs].
    codes, scale
        What the weights are in a quantised file: int64 of the same shape, times float64[outputs].
    stride, padding, groups
        Of a convolution; padding is (top, left, bottom, right).
    """

    w: Floats
    bias: Floats
    codes: Ints | None = None
    scale: Floats | None = None
    stride: Shape = (1, 1)
    padding: Shape = (0, 0, 0, 0)
    groups: int = 1

    @property
    def outputs(self) -> int:
        """Number of outputs or of output channels."""
        return int(self.w.shape[1] if self.w.ndim == 2 else self.w.shape[0])

    def per_output(self, values: Floats) -> Floats:
        """Return values per output in the shape that multiplies the weights."""
        return values if self.w.ndim == 2 else values.reshape(-1, 1, 1, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Step):
    """x gain + shift, per channel or of one entry."""

    gain: Floats
    shift: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Clip(Step):
    """What is below ``low`` or above ``high`` becomes that; a ReLU has low 0 and high infinity."""

    low: float = 0.0
    high: float = float("inf")


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Step):
    """The largest or the mean of each window; padding never wins, and counts as 0 in a mean."""

    mean: bool
    kernel: Shape
    stride: Shape
    padding: Shape = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalMean(Step):
    """The mean of each channel, [channels]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Step):
    """Two values added."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Flat(Step):
    """All values in one row, in the order (channel, row, column)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Quant(Step):
    """scale (clip(rne(x / scale) + zero, low, high) - zero): the nearest value that has a code.

    A bipolar one has two values instead, scale where x >= 0 and -scale below.
    """

    scale: float
    zero: int = 0
    low: int = 0
    high: int = 255
    bipolar: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Largest(Step):
    """The number of the largest value, of equal ones the lowest."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Steps in the order of computation, and the shape of one input.

    Attributes
    ----------
    steps
        See :class:`Step`.
    input_shape
        [features] or [C, H, W].
    notes
        Texts for the network that is made of it.

    Errors
    ------
    ValueError
        Sizes do not match, or a constant is not finite; the message begins with the step's name.
    """

    steps: Sequence[Step]
    input_shape: Shape
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        shapes = [tuple(self.input_shape)]
        for step in self.steps:
            try:
                shapes.append(shape_after(step, [shapes[s] for s in step.sources]))
            except ValueError as error:
                raise ValueError(f"{step.name}: {error}" if step.name else str(error)) from None
        object.__setattr__(self, "shapes", tuple(shapes))
        if sum(map(math.prod, shapes)) > MAX_WORK:
            raise ValueError(f"has more than {MAX_WORK} values for one input")

    shapes: tuple[Shape, ...] = field(init=False, default=())

    @property
    def quantised(self) -> bool:
        """Whether a step quantises."""
        return any(isinstance(step, Quant) for step in self.steps)

    def users(self, value: int) -> list[int]:
        """Return the numbers of the steps that read a value."""
        return [n for n, step in enumerate(self.steps) if value in step.sources]


def shape_after(step: Step, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a step's output; refuse what does not match and what is not finite."""
    for name, array in vars(step).items():
        if isinstance(array, np.ndarray) and not np.isfinite(array).all():
            wrong = np.argwhere(~np.isfinite(array))[0]
            place = "".join(f"[{i}]" for i in wrong)
            raise ValueError(f"{name}{place} must be finite, not {array[tuple(wrong)]}")
    shape = shapes[0]
    match step:
        case Product() if step.w.ndim == 2:
            if shape != step.w.shape[:1]:
                raise ValueError(f"has weights for [{len(step.w)}], not for {list(shape)}")
            return (step.outputs,)
        case Product():
            channels = step.w.shape[1] * step.groups
            if len(shape) != 3 or shape[0] != channels or step.outputs % step.groups:
                raise ValueError(
                    f"has {list(step.w.shape)} weights in {step.groups} groups, "
                    f"not for {list(shape)}"
                )
            _check_work(step, shape)
            return (step.outputs, *_windows(shape, step.w.shape[2:], step.stride, step.padding))
        case Affine():
            for member in (step.gain, step.shift):
                if len(member) not in (1, shape[0]):
                    raise ValueError(f"must have 1 or {shape[0]} constants, not {len(member)}")
        case Pool():
            if len(shape) != 3:
                raise ValueError(f"wants [channels, height, width], not {list(shape)}")
            _check_work(step, shape)
            return (shape[0], *_windows(shape, step.kernel, step.stride, step.padding))
        case GlobalMean():
            if len(shape) != 3:
                raise ValueError(f"wants [channels, height, width], not {list(shape)}")
            return shape[:1]
        case Sum():
            if shapes[0] != shapes[1]:
                raise ValueError(f"adds {list(shapes[0])} and {list(shapes[1])}")
        case Flat():
            return (int(np.prod(shape)),)
        case Largest():
            if len(shape) != 1:
                raise ValueError(f"wants [classes], not {list(shape)}")
            return ()
        case Quant():
            if not 0 < step.scale < float("inf"):
                raise ValueError(f"scale must be positive and finite, not {step.scale}")
    return shape


def work(step: Step, shape: Shape) -> int:
    """Return how many values a step keeps for one input of a shape, padding and windows included.

    A convolution puts the windows of all its outputs side by side.
    """
    if not isinstance(step, Product | Pool) or len(shape) != 3:
        return 0
    top, left, bottom, right = step.padding
    padded = shape[0] * (shape[1] + top + bottom) * (shape[2] + left + right)
    if isinstance(step, Pool):
        return padded
    kernel = step.w.shape[2:]
    places = _windows(shape, kernel, step.stride, step.padding)
    return max(padded, shape[0] * math.prod(kernel) * math.prod(places))


def _check_work(step: Step, shape: Shape) -> None:
    if (needed := work(step, shape)) > MAX_WORK:
        raise ValueError(f"needs {needed} values for one input, more than {MAX_WORK}")


def _windows(shape: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Shape:
    top, left, bottom, right = padding
    height, width = shape[1] + top + bottom, shape[2] + left + right
    if kernel[0] > height or kernel[1] > width:
        raise ValueError(f"a window of {list(kernel)} does not fit [{height}, {width}]")
    return (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1


def values(graph: Graph, x: ArrayLike) -> list[Floats]:
    """Return every value for real inputs [V, ...], channels first: float64[C, V, ...]."""
    first = np.asarray(x, dtype=np.float64)
    found: list[Floats] = [np.ascontiguousarray(first.swapaxes(0, 1))]
    for step in graph.steps:
        found.append(_output(step, [found[s] for s in step.sources]))
    return found


def ideal(graph: Graph, x: ArrayLike) -> Floats:
    """Return the outputs for real inputs [V, ...]: float64[V, classes]."""
    last = values(graph, x)[-1]
    return last.swapaxes(0, 1) if last.ndim > 1 else last


def _output(step: Step, inputs: list[Floats]) -> Floats:
    x = inputs[0]
    axes = (-1,) + (1,) * (x.ndim - 1)
    match step:
        case Product() if step.w.ndim == 2:
            return step.w.T @ x + step.bias[:, None]
        case Product():
            x = kernels.pad(x, step.padding, 0)
            return kernels.conv(x, step.w, step.stride, step.groups) + step.bias.reshape(axes)
        case Affine():
            return x * step.gain.reshape(axes) + step.shift.reshape(axes)
        case Clip():
            return np.clip(x, step.low, step.high)
        case Pool(mean=True):
            sums = kernels.total(kernels.pad(x, step.padding, 0), step.kernel, step.stride)
            return sums / (step.kernel[0] * step.kernel[1])
        case Pool():
            return kernels.largest(kernels.pad(x, step.padding, -np.inf), step.kernel, step.stride)
        case GlobalMean():
            return x.mean(axis=(2, 3))
        case Sum():
            return x + inputs[1]
        case Flat():
            return kernels.flatten(x)
        case Quant(bipolar=True):
            return np.where(x >= 0, step.scale, -step.scale)
        case Quant():
            codes = np.clip(np.rint(x / step.scale) + step.zero, step.low, step.high)
            return step.scale * (codes - step.zero)
        case Largest():
            return x.argmax(axis=0).astype(np.float64)
    raise TypeError(f"nothing is known of {type(step).__name__}")
