"""Convolution of look-up tables: tables shared by all positions of an image, ones in windows.

An image comes pixel by pixel in raster order: row by row from the top, each from the left. A kernel
is one table that sees pixels at fixed places relative to the current one; its outputs at all
positions are a map. A window counts the ones of a map in a square, and each threshold of the count
is a bit for the layers behind. A window of one pixel on the map of a kernel that copies one
threshold of the current pixel hands on that threshold itself.
"""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.lutnet import bits as packed
from nomul.golden.lutnet.bits import Words
from nomul.golden.lutnet.layers import BIT, MAX_LANES, Lanes, Layer, Samples, check_tables

# Pixels along an edge of an image.
MAX_SIDE = 1 << 10

# Words of rows that windows gather at a time: what stays in the second-level cache.
_CACHE = 1 << 15


class Imaged(Layer):
    """Common to the layers that see images of ``height`` x ``width``, in raster order."""

    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Positions of a map."""
        return self.height * self.width

    def require_image(self) -> None:
        """Require edges that an image can have."""
        for name in ("height", "width"):
            self.require_range(name, 1, MAX_SIDE)

    def require_equal(self, names: tuple[str, ...], n: int, what: str) -> None:
        """Require arrays with ``n`` entries each."""
        for name in names:
            have = len(getattr(self, name))
            self.require(have == n, name, f"have an entry per {what}, {n}, not {have}")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Kernels(Imaged):
    """Tables that every position of an image shares; each gives a map of one bit per position.

    y[n, r, c] = (tt_n >> addr) & 1 with address bit j = [code(r + dy_nj, c + dx_nj) >= level_nj],
    where all K pixels are in the image; 0 where one of them is not. Wire (r width + c) of map n is
    ``n height width + r width + c``. A kernel sees the current pixel and earlier ones only, so that
    it can be computed while pixels pass.

    Parameters
    ----------
    height, width
        Of the image, whose codes are the layer's inputs.
    k
        K, inputs of a table, 1..7.
    dy, dx
        int[n, K], where each input's pixel is from the current one, in rows and in columns: dy < 0
        or dy = 0 and dx <= 0.
    level
        int[n, K], threshold of each input's pixel.
    tt
        Tables, integers of 2**K bits; bit a is the output at address a.
    """

    height: int
    width: int
    k: int
    dy: Any
    dx: Any
    level: Any
    tt: Any

    kind: ClassVar[str] = "kernels"
    arrays: ClassVar[dict[str, int]] = {"dy": 2, "dx": 2, "level": 2}

    def validate(self) -> None:
        """Check tables and offsets."""
        self.require_image()
        n = len(self.dy)
        self.require(n >= 1, "dy", "have a row per kernel, not none")
        object.__setattr__(self, "tt", check_tables(self, self.k, self.tt, n))
        for name in ("dy", "dx", "level"):
            shape = list(getattr(self, name).shape)
            self.require(shape == [n, self.k], name, f"be of shape {[n, self.k]}, not {shape}")
        self.require_range("dy", 1 - self.height, 0)
        self.require_range("dx", 1 - self.width, self.width - 1)
        later = np.argwhere((self.dy == 0) & (self.dx > 0))
        if len(later):
            i, j = (int(v) for v in later[0])
            self.require(False, f"dx[{i}][{j}]", f"be at most 0 in row 0, not {self.dx[i, j]}")
        fits = n * self.pixels <= MAX_LANES
        self.require(fits, "dy", f"make at most {MAX_LANES} wires, not {n * self.pixels}")

    @property
    def reach(self) -> list[tuple[int, int, int]]:
        """Of each kernel: rows above, columns on the left and on the right that it needs."""
        return [
            (max(0, -int(dy.min())), max(0, -int(dx.min())), max(0, int(dx.max())))
            for dy, dx in zip(self.dy, self.dx, strict=True)
        ]

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per kernel and position."""
        fits = before.count == self.pixels
        self.require(fits, "width", f"make images of {before.count} codes with height")
        self.require(before.low == 0, "input", "be unsigned codes")
        self.require_range("level", 1, before.high)
        return Lanes(len(self.dy) * self.pixels, *BIT)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        codes = np.ascontiguousarray(x.integers().T)
        # Thermometer bits of all positions, a block of rows for each level in use.
        levels = np.unique(self.level)
        maps = np.concatenate([packed.pack((codes >= level).T) for level in levels])
        block = np.searchsorted(levels, self.level) * self.pixels
        result = np.zeros((len(self.dy) * self.pixels, maps.shape[1]), dtype=np.uint64)
        for n, (above, left, right) in enumerate(self.reach):
            rows, columns = np.mgrid[above : self.height, left : self.width - right]
            place = (rows * self.width + columns).reshape(-1)
            idx = place[:, None] + self.dy[n] * self.width + self.dx[n] + block[n]
            chosen = np.repeat(self._selectors[:, n : n + 1], len(place), axis=1)
            result[n * self.pixels + place] = packed.look_up(maps, idx, chosen)
        return Samples(x.n, Lanes(len(result), *BIT), words=result)

    @cached_property
    def _selectors(self) -> NDArray[np.intp]:
        return packed.selectors(self.tt, self.k)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Windows(Imaged):
    """Bits [ones of a map in a window >= threshold], of square windows on regular grids.

    Window (row, column) of grid g covers ``size_g`` rows from row stride_g and as many columns from
    column stride_g. Only the bits in use are listed, in any order. A window of size 1 and threshold
    1 is a bit of the map itself.

    Parameters
    ----------
    height, width
        Of the maps, which the layer before gives one after another.
    size, stride
        int[grids], edge of a grid's windows and their distance, which divides it.
    kernel, grid, row, column
        int[n_bits], which map, which grid, and which of its windows.
    threshold
        int[n_bits], 1..size**2.
    """

    height: int
    width: int
    size: Any
    stride: Any
    kernel: Any
    grid: Any
    row: Any
    column: Any
    threshold: Any

    kind: ClassVar[str] = "windows"
    arrays: ClassVar[dict[str, int]] = {
        "size": 1,
        "stride": 1,
        "kernel": 1,
        "grid": 1,
        "row": 1,
        "column": 1,
        "threshold": 1,
    }

    def validate(self) -> None:
        """Check grids and windows."""
        self.require_image()
        grids, n = len(self.size), len(self.kernel)
        self.require(grids >= 1, "size", "have an entry per grid, not none")
        self.require(n >= 1, "kernel", "have an entry per bit, not none")
        self.require_equal(("stride",), grids, "grid")
        self.require_equal(("grid", "row", "column", "threshold"), n, "bit")
        self.require_range("size", 1, min(self.height, self.width))
        self.require_range("stride", 1, MAX_SIDE)
        for g, (size, stride) in enumerate(zip(self.size, self.stride, strict=True)):
            fits = size % stride == 0
            self.require(fits, f"stride[{g}]", f"divide size {size}, not be {stride}")
        self.require_range("kernel", 0, MAX_LANES)
        self.require_range("grid", 0, grids - 1)
        size, stride = self.size[self.grid], self.stride[self.grid]
        for name, edge in (("row", self.height), ("column", self.width)):
            self.require_entries(name, 0, (edge - size) // stride)
        self.require_entries("threshold", 1, size * size)

    def require_entries(self, name: str, low: int, high: Ints) -> None:
        """Require each entry of an array from ``low`` on up to a bound of its own."""
        array = getattr(self, name)
        wrong = np.flatnonzero((array < low) | (array > high))
        if len(wrong):
            i = int(wrong[0])
            rule = f"be in {low}..{high[i]}, not {array[i]}"
            self.require(False, f"{name}[{i}]", rule)

    def lanes(self, before: Lanes) -> Lanes:
        """Return one bit per entry."""
        fits = (before.low, before.high) == BIT and before.bits % self.pixels == 0
        self.require(fits, "width", f"divide {before.bits} bits into maps with height")
        self.require_range("kernel", 0, before.bits // self.pixels - 1)
        return Lanes(len(self.kernel), *BIT)

    def apply(self, x: Samples) -> Samples:
        """Return the layer's exact answer."""
        maps = x.bits()
        result = np.empty((len(self.kernel), maps.shape[1]), dtype=np.uint64)
        for g, (size, stride) in enumerate(zip(self.size, self.stride, strict=True)):
            own = np.flatnonzero(self.grid == g)
            corner = self.kernel[own] * self.pixels
            corner += (self.row[own] * self.width + self.column[own]) * stride
            corners, window = np.unique(corner, return_inverse=True)
            inner = np.arange(size)[:, None] * self.width + np.arange(size)
            # Windows at a time that the cache holds, and the bits of their thresholds.
            order = np.argsort(window, kind="stable")
            step = max(1, _CACHE * 8 // (size * size * max(1, maps.shape[1])))
            for start in range(0, len(corners), step):
                rows = corners[start : start + step, None] + inner.reshape(-1)
                counts = packed.count(maps[rows])
                left, right = np.searchsorted(window[order], (start, start + step))
                bits = order[left:right]
                result[own[bits]] = at_least(
                    counts[window[bits] - start], self.threshold[own[bits]]
                )
        return Samples(x.n, Lanes(len(result), *BIT), words=result)


def at_least(counts: Words, thresholds: Ints) -> Words:
    """Return uint64[n, words]: where each count reaches its threshold, sample by sample.

    Parameters
    ----------
    counts
        uint64[n, bits, words], numbers in binary, the least significant bit first.
    thresholds
        int64[n], positive.
    """
    n, digits, words = counts.shape
    result = np.full((n, words), ~np.uint64(0))
    for digit in range(max(digits, int(thresholds.max(initial=1)).bit_length())):
        value = counts[:, digit] if digit < digits else np.zeros_like(result)
        wanted = (thresholds >> digit & 1 == 1)[:, None]
        result = np.where(wanted, value & result, value | result)
    return result
