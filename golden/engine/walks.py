"""The walks of passes: over the windows of a layer with weights, and over those of each channel."""

from dataclasses import replace

from nomul.golden.engine.memories import Region
from nomul.golden.engine.passes import Walk
from nomul.golden.network.arrays import Shape
from nomul.golden.network.layers import Conv2d, Dense


def windows(layer: Dense | Conv2d, source: Region, row: int, count: int, length: int) -> Walk:
    """Return the walk over the windows of a layer: ``count`` rows of each from a row on.

    Zeros follow until there are ``length``.
    """
    kernel: Shape = (1, 1)
    stride: Shape = (1, 1)
    padding: Shape = (0, 0, 0, 0)
    if isinstance(layer, Conv2d):
        kernel, stride, padding = layer.w.shape[2:], layer.stride, layer.padding
    _, height, width = source.shape
    rows, columns = _counts(source.shape, kernel, stride, padding)
    top, left = padding[:2]
    channel, rest = divmod(row, kernel[0] * kernel[1])
    start = divmod(rest, kernel[1])
    begin = channel * height * width + (start[0] - top) * width + start[1] - left
    row_step = width - (kernel[1] - 1)
    return _closed(
        Walk(
            wide=False,
            base=source.base + begin,
            size=count,
            length=length,
            kernel=(kernel[0], kernel[1]),
            start=(start[0], start[1]),
            origin=(-top, -left),
            stride=(stride[0], stride[1]),
            image=(height, width),
            extents=(1, rows, columns),
            steps=(
                1,
                row_step,
                height * width - (kernel[0] - 1) * width - (kernel[1] - 1),
                stride[1],
                stride[0] * width - (columns - 1) * stride[1],
                0,
            ),
        )
    )


def channels(
    source: Region,
    kernel: Shape = (1, 1),
    stride: Shape = (1, 1),
    padding: Shape = (0, 0, 0, 0),
) -> Walk:
    """Return the walk over windows of each channel, one channel after the other."""
    _, height, width = source.shape
    rows, columns = _counts(source.shape, kernel, stride, padding)
    x, y = source.pitch, width * source.pitch
    back = (rows - 1) * stride[0] * y + (columns - 1) * stride[1] * x
    # Of sums the walk itself goes on at a word's end.
    channel = 0 if source.wide else height * width
    return _closed(
        Walk(
            wide=source.wide,
            base=source.base - padding[0] * y - padding[1] * x,
            size=kernel[0] * kernel[1],
            length=kernel[0] * kernel[1],
            kernel=(kernel[0], kernel[1]),
            start=(0, 0),
            origin=(-padding[0], -padding[1]),
            stride=(stride[0], stride[1]),
            image=(height, width),
            extents=(source.shape[0], rows, columns),
            steps=(
                x,
                y - (kernel[1] - 1) * x,
                0,
                stride[1] * x,
                stride[0] * y - (columns - 1) * stride[1] * x,
                channel - back,
            ),
            lanes=source.lanes,
        )
    )


def _counts(shape: Shape, kernel: Shape, stride: Shape, padding: Shape) -> tuple[int, int]:
    """Return rows and columns of windows."""
    height, width = shape[1] + padding[0] + padding[2], shape[2] + padding[1] + padding[3]
    return (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1


def _closed(walk: Walk) -> Walk:
    """Return a walk whose outer steps begin at a window's last element, as they are taken."""
    last = int(walk.within()[0][-1])
    kx, ky, depth, *outer = walk.steps
    x, y, channel = (step - last for step in outer)
    return replace(walk, steps=(kx, ky, depth, x, y, channel))
