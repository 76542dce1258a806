"""Bits of images that streamed networks learn from: thresholds, and edges counted in windows.

The kernels are fixed: each compares two pixels, a few places from each other, by how many of the
levels each of them reaches, and gives a one where the first is ahead by a step or by two. How many
ones a window has is less sensitive to shifts than any pixel is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nomul.golden.lutnet import Kernels, Windows
from nomul.golden.lutnet import bits as packed
from nomul.golden.lutnet.layers import Lanes, Layer, Samples
from nomul.train.lutnet.encoder import Encoding

# Pixels that kernels compare, as rows and columns from the current one: across, down, both
# diagonals, and twice as far.
PAIRS = (
    ((0, 0), (0, -2)),
    ((0, 0), (-2, 0)),
    ((0, 0), (-2, -2)),
    ((0, -2), (-2, 0)),
    ((0, 0), (0, -4)),
    ((0, 0), (-4, 0)),
)
STEPS = (1, 2)

Grid = tuple[int, int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Streaming(Encoding):
    """Bits of windows on maps of edges, beside the thresholds of every pixel.

    Parameters
    ----------
    levels, noise, jitter, shift, side
        As :class:`Encoding` has them; the kernels compare pixels at the same levels, three at most.
    grids
        Size, stride and thresholds of the windows that count the edges' ones.
    """

    grids: tuple[Grid, ...] = ()

    def offered(self, width: int, features: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return map and threshold of every bit that is made."""
        windows = front(self)[1]
        return windows.kernel, windows.threshold

    def bits(self, codes: Tensor, width: int, generator: torch.Generator | None) -> Tensor:
        """Return the bits uint8[offered, n] of codes uint8[n, features]; see :class:`Encoding`."""
        x = self.codes(codes, width, generator).numpy().astype(np.int64)
        kernels, windows = front(self)
        samples = Samples(len(x), Lanes(x.shape[1], 0, (1 << width) - 1), codes=x)
        words = windows.apply(kernels.apply(samples)).bits()
        return torch.from_numpy(np.ascontiguousarray(packed.unpack(words, len(x)).T))

    def layer(
        self, wires: NDArray[np.int64], width: int, features: int
    ) -> tuple[Sequence[Layer], NDArray[np.int64]]:
        """Return kernels and windows of the bits alone that are in use, and the wires behind."""
        kernels, windows = front(self)
        used, places = np.unique(wires, return_inverse=True)
        seen, kernel = np.unique(windows.kernel[used], return_inverse=True)
        names = ("grid", "row", "column", "threshold")
        shape = {"height": self.side, "width": self.side}
        return [
            Kernels(
                **shape,
                k=kernels.k,
                tt=[kernels.tt[n] for n in seen],
                **{name: getattr(kernels, name)[seen] for name in ("dy", "dx", "level")},
            ),
            Windows(
                **shape,
                size=windows.size,
                stride=windows.stride,
                kernel=kernel,
                **{name: getattr(windows, name)[used] for name in names},
            ),
        ], places.reshape(wires.shape)


def edge(levels: int, step: int) -> int:
    """Return the table of 2 ``levels`` bits: [ones of the first half - of the second >= step]."""
    half = (1 << levels) - 1
    return sum(
        int((a & half).bit_count() - (a >> levels).bit_count() >= step) << a
        for a in range(1 << 2 * levels)
    )


@cache
def front(encoding: Streaming) -> tuple[Kernels, Windows]:
    """Return kernels and windows of all bits that an encoding offers, thresholds of pixels first.

    Each edge has two kernels per step, one per direction of the comparison.
    """
    levels, side = encoding.levels, encoding.side
    n = len(levels)
    copy = sum(1 << a for a in range(1 << 2 * n) if a & 1)
    rows: list[tuple[list[int], list[int], list[int], int]] = [
        ([0] * 2 * n, [0] * 2 * n, [level] * 2 * n, copy) for level in levels
    ]
    for a, b in PAIRS:
        for step in STEPS:
            for first, second in ((a, b), (b, a)):
                (dy, dx) = ([first[i]] * n + [second[i]] * n for i in (0, 1))
                rows.append((dy, dx, [*levels, *levels], edge(n, step)))
    dy, dx, level, tt = map(list, zip(*rows, strict=True))
    bits: list[NDArray[np.int64]] = []
    for grid, (size, stride, thresholds) in enumerate(((1, 1, (1,)), *encoding.grids)):
        count = (side - size) // stride + 1
        maps = range(n) if size == 1 else range(len(rows))
        axes = (maps, [grid], range(count), range(count), thresholds)
        bits.append(np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")]))
    names = ("kernel", "grid", "row", "column", "threshold")
    return (
        Kernels(height=side, width=side, k=2 * n, dy=dy, dx=dx, level=level, tt=tt),
        Windows(
            height=side,
            width=side,
            size=[1, *(grid[0] for grid in encoding.grids)],
            stride=[1, *(grid[1] for grid in encoding.grids)],
            **dict(zip(names, np.concatenate(bits, axis=1), strict=True)),
        ),
    )
