"""The pooling layers of a quantised network; averages are sums, which the next layer divides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from nomul.golden.network.arrays import Range, Shape, sizes
from nomul.golden.network.layers import MAX_SIZE, Layer, spatial, windows


@dataclass(frozen=True, eq=False)
class Pool(Layer):
    """Base of the two that pass a window over each channel.

    Attributes
    ----------
    kernel, stride
        (down, right).
    padding
        (top, left, bottom, right), each below the kernel.
    """

    kernel: Shape
    stride: Shape
    padding: Shape = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("kernel", sizes(self._what("kernel"), self.kernel, 2, 1, MAX_SIZE))
        self._set("stride", sizes(self._what("stride"), self.stride, 2, 1, MAX_SIZE))
        self._set("padding", sizes(self._what("padding"), self.padding, 4, 0, MAX_SIZE))
        (height, width), padding = self.kernel, self.padding
        if max(padding[::2]) >= height or max(padding[1::2]) >= width:
            raise ValueError(
                f"{self._what('padding')} must be below the kernel {list(self.kernel)}, "
                f"not {list(padding)}"
            )

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [channels, height, width]."""
        shape = spatial(shapes[0])
        return (shape[0], *windows(self, shape, self.kernel))


@dataclass(frozen=True, eq=False)
class MaxPool2d(Pool):
    """The largest code of each window; what is padded never wins."""

    kind: ClassVar[str] = "maxpool2d"

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the input's range."""
        return ranges[0]


@dataclass(frozen=True, eq=False)
class AvgPool2d(Pool):
    """The sum of each window: the next :class:`Requant` carries 1 / n. Padding counts as code 0."""

    kind: ClassVar[str] = "avgpool2d"

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the extremes of the sums."""
        (low, high), n = ranges[0], self.kernel[0] * self.kernel[1]
        return (min(low, 0) * n, max(high, 0) * n) if any(self.padding) else (low * n, high * n)


@dataclass(frozen=True, eq=False)
class GlobalAvgPool(Layer):
    """The sum of each channel, of shape [channels]; the next :class:`Requant` carries 1 / n."""

    kind: ClassVar[str] = "globalavgpool"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return [channels]."""
        return spatial(shapes[0])[:1]

    def bounds(self, shapes: Sequence[Shape], ranges: Sequence[Range]) -> Range:
        """Return the extremes of the sums."""
        n = shapes[0][1] * shapes[0][2]
        return ranges[0][0] * n, ranges[0][1] * n
