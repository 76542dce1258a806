"""The layers of a quantised network: what each holds, which shapes and which values it gives.

One file, since each class is short, and a new layer is written by looking at the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.network.arrays import Range, Shape, integer, integers, sizes

MAX_SIZE = 1 << 16  # of kernels, strides and paddings
MAX_SHIFT = 62
SCALE_BITS = 24  # two's complement; 16 differ from exact reals in one element of ten thousand


@dataclass(frozen=True, eq=False)
class Layer:
    """Base of all layers.

    Attributes
    ----------
    source
        Which value it reads: 0 is the network's input, n the output of layer n - 1. None is the
        value before it.
    name
        Where it came from, for messages.
    """

    kind: ClassVar[str] = ""
    source: int | None = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.source is not None:
            self._set("source", integer(self._what("source"), self.source, 0, MAX_SIZE))

    def _what(self, member: str) -> str:
        return f"{type(self).__name__}.{member}"

    def _set(self, member: str, value: Any) -> None:
        object.__setattr__(self, member, value)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the output for those of the inputs: [features] or [C, H, W]."""
        raise NotImplementedError

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the lowest and the highest value that the output can have for any input."""
        raise NotImplementedError

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return how many weights and activations are multiplied for one input."""
        return 0


def spatial(shape: Shape) -> Shape:
    """Return a shape that must be [channels, height, width]."""
    if len(shape) != 3:
        raise ValueError(f"wants [channels, height, width], not {list(shape)}")
    return shape


def windows(layer: Any, shape: Shape, kernel: Shape) -> Shape:
    """Return height and width after windows of a kernel have passed over a padded image."""
    top, left, bottom, right = layer.padding
    height, width = shape[1] + top + bottom, shape[2] + left + right
    if kernel[0] > height or kernel[1] > width:
        raise ValueError(f"a window of {list(kernel)} does not fit [{height}, {width}]")
    return (height - kernel[0]) // layer.stride[0] + 1, (width - kernel[1]) // layer.stride[1] + 1


def _sums(weights: Ints, low: int, high: int) -> Range:
    """Return the extremes of sums over the rows of [rows, columns] for inputs of a range."""
    positive, negative = np.maximum(weights, 0).sum(axis=0), np.minimum(weights, 0).sum(axis=0)
    least, most = positive * low + negative * high, positive * high + negative * low
    return int(least.min()), int(most.max())


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A fully connected layer: y = x w, no bias (that is the next :class:`Requant`'s).

    Attributes
    ----------
    w
        int64[inputs, outputs].
    """

    kind: ClassVar[str] = "dense"
    w: Ints

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("w", integers(self._what("w"), self.w, 2))

    def matrices(self) -> list[Ints]:
        """Return the weights as int64[window, columns], one matrix."""
        return [self.w]

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [outputs]."""
        if shapes[0] != self.w.shape[:1]:
            raise ValueError(f"has weights for [{len(self.w)}], not for {list(shapes[0])}")
        return (int(self.w.shape[1]),)

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the extremes of the sums."""
        return _sums(self.w, *ranges[0])

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return inputs times outputs."""
        return int(self.w.size)


@dataclass(frozen=True, eq=False)
class Conv2d(Layer):
    """A convolution over two axes, no bias.

    Attributes
    ----------
    w
        int64[outputs, inputs / groups, kernel height, kernel width].
    stride
        (down, right).
    padding
        (top, left, bottom, right).
    pad_value
        The code around the image: that of zero.
    groups
        Into how many parts the channels are split; their number makes it depthwise.
    """

    kind: ClassVar[str] = "conv2d"
    w: Ints
    stride: Shape = (1, 1)
    padding: Shape = (0, 0, 0, 0)
    pad_value: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("w", integers(self._what("w"), self.w, 4))
        self._set("stride", sizes(self._what("stride"), self.stride, 2, 1, MAX_SIZE))
        self._set("padding", sizes(self._what("padding"), self.padding, 4, 0, MAX_SIZE))
        self._set("pad_value", integer(self._what("pad_value"), self.pad_value, -255, 255))
        self._set("groups", integer(self._what("groups"), self.groups, 1, len(self.w)))
        if len(self.w) % self.groups:
            raise ValueError(
                f"{self._what('groups')} must divide {len(self.w)} outputs, not {self.groups}"
            )

    def matrices(self) -> list[Ints]:
        """Return the weights as int64[window, columns], one matrix per group.

        A window's rows are in the order (channel, kernel row, kernel column).
        """
        return [part.reshape(len(part), -1).T for part in np.split(self.w, self.groups)]

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [outputs, height, width]."""
        shape = spatial(shapes[0])
        channels = self.w.shape[1] * self.groups
        if shape[0] != channels:
            raise ValueError(f"has weights for {channels} channels, not for {shape[0]}")
        return (len(self.w), *windows(self, shape, self.w.shape[2:]))

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the extremes of the sums, padding included."""
        low, high = ranges[0]
        if any(self.padding):
            low, high = min(low, self.pad_value), max(high, self.pad_value)
        return _sums(self.w.reshape(len(self.w), -1).T, low, high)

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return the products of all windows, those with padding included."""
        _, height, width = self.shape(shapes)
        return int(self.w.size) * height * width


@dataclass(frozen=True, eq=False)
class Requant(Layer):
    """Sums to codes: z = clip(rne((y scale + bias) 2^-shift), low, high), rne being half to even.

    Attributes
    ----------
    scale
        int64[channels] or int64[1], of at most 24 bits, signed and not 0.
    bias
        int64[channels] or int64[1], in units of the product: a bias b added to y is b scale.
    shift
        0..62.
    low, high
        Of the codes; a ReLU is ``low = 0``.
    """

    kind: ClassVar[str] = "requant"
    scale: Ints
    bias: Ints
    shift: int
    low: int
    high: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for member in ("scale", "bias"):
            self._set(member, integers(self._what(member), getattr(self, member), 1))
        limit = 1 << (SCALE_BITS - 1)
        wrong = np.flatnonzero((self.scale < -limit) | (self.scale >= limit) | (self.scale == 0))
        if len(wrong):
            raise ValueError(
                f"{self._what('scale')}[{wrong[0]}] must be in {-limit}..{limit - 1} and not 0, "
                f"not {self.scale[wrong[0]]}"
            )
        self._set("shift", integer(self._what("shift"), self.shift, 0, MAX_SHIFT))
        for member in ("low", "high"):
            value = integer(self._what(member), getattr(self, member), -(1 << 47), 1 << 47)
            self._set(member, value)
        if self.low > self.high:
            raise ValueError(f"{self._what('low')} must be at most high, {self.high}: {self.low}")

    @property
    def multiplies(self) -> bool:
        """Whether a scale is no power of two, so that hardware needs a multiplier."""
        size = np.abs(self.scale)
        return bool((size & (size - 1)).any())

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the input's shape."""
        for member in ("scale", "bias"):
            have = len(getattr(self, member))
            if have not in (1, shapes[0][0]):
                raise ValueError(f"{member} must have 1 or {shapes[0][0]} entries, not {have}")
        return shapes[0]

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return (low, high); refuse what does not fit 63 bits before the shift."""
        if self.largest(ranges[0]) >= 1 << 62:
            raise ValueError(f"y scale + bias needs more than 63 bits for y in {list(ranges[0])}")
        return self.low, self.high

    def largest(self, of: Range) -> int:
        """Return the largest |y scale| + |bias| for sums of a range."""
        scale, bias = np.broadcast_arrays(self.scale, self.bias)
        size = max(abs(of[0]), abs(of[1]))
        pairs = zip(scale.tolist(), bias.tolist(), strict=True)
        return max(abs(s) * size + abs(b) for s, b in pairs)


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of two values of one scale.

    Attributes
    ----------
    other
        The second value that it reads, numbered as ``source``.
    """

    kind: ClassVar[str] = "add"
    other: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("other", integer(self._what("other"), self.other, 0, MAX_SIZE))

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of both."""
        if shapes[0] != shapes[1]:
            raise ValueError(f"adds {list(shapes[0])} and {list(shapes[1])}")
        return shapes[0]

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the sums of the extremes."""
        (a, b), (c, d) = ranges
        return a + c, b + d


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All values in one row, in the order (channel, row, column)."""

    kind: ClassVar[str] = "flatten"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [features]."""
        return (int(np.prod(shapes[0])),)

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the input's range."""
        return ranges[0]


@dataclass(frozen=True, eq=False)
class ArgMax(Layer):
    """The number of the largest value; of equal ones the lowest. The last layer only."""

    kind: ClassVar[str] = "argmax"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [], one number."""
        if len(shapes[0]) != 1:
            raise ValueError(f"wants [classes], not {list(shapes[0])}")
        return ()

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the numbers of the first and the last class."""
        return 0, shapes[0][0] - 1
