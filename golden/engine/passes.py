"""One pass of the engine: the addresses that it reads, what it does with them, where it writes."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints

Kind = Literal["product", "vector", "answer"]


@dataclass(frozen=True)
class Walk:
    """Windows over a value, element by element, as one address and a step for each loop.

    The loops are, from the inside: column, row and channel of the kernel, column and row of the
    window, and channel of the value. A window begins in the middle of its kernel where a tile does,
    and ends after ``size`` elements; then come zeros until there are ``length``.

    Attributes
    ----------
    wide
        Whether sums are read, or codes.
    base
        Address of the first element; may be negative where it is padding.
    size, length
        Elements of a window, and with the zeros behind them.
    kernel, start
        Height and width; row and column of a window's first element.
    origin, stride
        Row and column of the first window in the image, and steps from window to window.
    image
        Height and width; what is outside is padding.
    extents
        Channels, rows and columns of windows.
    steps
        What is added to the address at the end of each loop, the innermost first.
    lanes
        Channels of a word of sums; the last step is one more where a word ends.
    """

    wide: bool
    base: int
    size: int
    length: int
    kernel: tuple[int, int]
    start: tuple[int, int]
    origin: tuple[int, int]
    stride: tuple[int, int]
    image: tuple[int, int]
    extents: tuple[int, int, int]
    steps: tuple[int, int, int, int, int, int]
    lanes: int = 1

    @property
    def windows(self) -> int:
        """Windows of all channels."""
        return self.extents[0] * self.extents[1] * self.extents[2]

    @property
    def elements(self) -> int:
        """Elements of all windows, zeros included."""
        return self.windows * self.length

    def within(self) -> tuple[Ints, Ints, Ints]:
        """Return address, row and column of a window's elements, from its first on, int64[size]."""
        row, column = self.start
        address, places = 0, []
        for _ in range(self.size):
            places.append((address, row, column))
            column += 1
            level = 0
            if column == self.kernel[1]:
                column, row, level = 0, row + 1, 1
                if row == self.kernel[0]:
                    row, level = 0, 2
            address += self.steps[level]
        made = np.array(places, dtype=np.int64)
        return made[:, 0], made[:, 1], made[:, 2]

    def addresses(self) -> tuple[Ints, NDArray[np.bool_], Ints]:
        """Return the address of each element, whether it is inside, and its lane.

        int64[windows, size], bool[windows, size] and int64[windows], in the order of the walk.
        """
        offset, row, column = self.within()
        rows, columns = self.extents[1:]
        number = np.arange(self.windows)
        x, y, c = (
            number % columns,
            number // columns % rows,
            number // (columns * rows),
        )
        lane = c % self.lanes
        step = np.where(x < columns - 1, self.steps[3], 0)
        step = np.where((x == columns - 1) & (y < rows - 1), self.steps[4], step)
        ends = (x == columns - 1) & (y == rows - 1)
        step = np.where(ends, self.steps[5] + (self.wide & (lane == self.lanes - 1)), step)
        first = self.base + np.concatenate([[0], np.cumsum(step + offset[-1])[:-1]])
        at_y = self.origin[0] + y[:, None] * self.stride[0] + row
        at_x = self.origin[1] + x[:, None] * self.stride[1] + column
        inside = (at_y >= 0) & (at_y < self.image[0]) & (at_x >= 0) & (at_x < self.image[1])
        return first[:, None] + offset, inside, lane


@dataclass(frozen=True)
class Target:
    """Where results go: one address, and steps from result to result.

    Attributes
    ----------
    wide
        Whether into the memory of sums, or of codes.
    base
        Of the first result.
    pixel, channel
        Steps to the next pixel, and from a channel's last pixel to the next channel's first; of
        products ``pixel`` goes from a pixel's last word to the next one's first.
    beats
        Words of a pixel that are written, of products.
    add
        Whether results are added to what stands there.
    lanes
        Channels of a word of sums; ``channel`` is one more where a word ends.
    """

    wide: bool
    base: int
    pixel: int
    channel: int = 0
    beats: int = 1
    add: bool = False
    lanes: int = 1


@dataclass(frozen=True)
class Rescale:
    """What a result becomes before it is written: clip(rne((y scale + bias) 2^-shift), low, high).

    Attributes
    ----------
    first
        Number of the first scale and bias in the program's table.
    each
        Whether every channel has its own.
    shift, low, high
        As those of :class:`nomul.golden.network.Requant`.
    """

    first: int
    each: bool
    shift: int
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Pass:
    """What the engine does from one fetch to the next.

    Attributes
    ----------
    kind
        ``product``: load a tile, send windows of codes through the member, keep sums. ``vector``:
        reduce windows, rescale, write. ``answer``: send a value out.
    walk
        What is read.
    target, rescale
        Where results go, and how they are rescaled.
    tile
        Of products: the placed tile of the plan.
    pad
        Of products: the code of padding.
    largest
        Of ``vector``: the largest of a window counts, or its sum.
    name
        Of the layers, for people.
    """

    kind: Kind
    walk: Walk
    target: Target | None = None
    rescale: Rescale | None = None
    tile: Any = None
    pad: int = 0
    largest: bool = False
    name: str = field(default="", kw_only=True)
