"""Sums over windows for whole batches, channels first and images second: [C, V, H, W].

That order makes a convolution one product of matrices without moving what it gives, and a scale per
channel a factor per contiguous block. Values are integers in any type that holds them exactly, or
reals: nothing here rounds by itself.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.network.arrays import Shape

Array = NDArray[Any]


def pad(x: Array, padding: Shape, value: float) -> Array:
    """Return images with a value around them; ``padding`` is (top, left, bottom, right)."""
    if not any(padding):
        return x
    top, left, bottom, right = padding
    channels, images, height, width = x.shape
    wide = np.full(
        (channels, images, top + height + bottom, left + width + right), value, dtype=x.dtype
    )
    wide[:, :, top : top + height, left : left + width] = x
    return wide


def windows(x: Array, kernel: Shape, stride: Shape) -> list[Array]:
    """Return one view [C, V, height, width] per place of a kernel, row by row."""
    (high, wide), (down, right) = kernel, stride
    height, width = (x.shape[2] - high) // down + 1, (x.shape[3] - wide) // right + 1
    return [
        x[:, :, i : i + down * (height - 1) + 1 : down, j : j + right * (width - 1) + 1 : right]
        for i in range(high)
        for j in range(wide)
    ]


def conv(x: Array, w: Array, stride: Shape, groups: int) -> Array:
    """Return sums [outputs, V, height, width] of padded images and weights [outputs, C, h, w]."""
    views = windows(x, w.shape[2:], stride)
    channels, images, height, width = views[0].shape
    if len(views) == 1 and views[0].flags.c_contiguous:
        rows = views[0].reshape(channels, 1, images, height, width)
    else:
        rows = np.empty((channels, len(views), images, height, width), dtype=x.dtype)
        for place, view in enumerate(views):
            rows[:, place] = view
    flat = rows.reshape(groups, channels // groups * len(views), images * height * width)
    sums = np.matmul(w.reshape(groups, len(w) // groups, flat.shape[1]), flat)
    return sums.reshape(len(w), images, height, width)


def patches(x: Array, kernel: Shape, stride: Shape) -> Array:
    """Return the windows of padded images as rows, [V, height * width, C * places].

    The elements of a row are in the order (channel, kernel row, kernel column).
    """
    views = np.stack(windows(x, kernel, stride))
    # [places, C, V, height, width] to [V, height, width, C, places]
    rows = np.ascontiguousarray(views.transpose(2, 3, 4, 1, 0))
    return rows.reshape(x.shape[1], -1, len(views) * x.shape[0])


def largest(x: Array, kernel: Shape, stride: Shape) -> Array:
    """Return the maxima of the windows of padded images."""
    first, *others = windows(x, kernel, stride)
    result = first.copy()
    for view in others:
        np.maximum(result, view, out=result)
    return result


def total(x: Array, kernel: Shape, stride: Shape) -> Array:
    """Return the sums of the windows of padded images."""
    first, *others = windows(x, kernel, stride)
    result = first.copy()
    for view in others:
        result += view
    return result


def flatten(x: Array) -> Array:
    """Return [C H W, V] of images [C, V, H, W]; rows of features stay as they are."""
    if x.ndim == 2:
        return x
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1]))
