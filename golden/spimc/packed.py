"""One tile of packed weights: values, indices and counts, column by column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.spimc.config import Tile
from nomul.golden.spimc.entries import Array, places


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights as the macro stores them, one row per column of the macro.

    Parameters
    ----------
    value, index
        int[columns, slots]: weights, and what is stored with them; for dense tiles passes times
        slots. An index is a row (``coo``, ``bitmap``), a run of zeros (``rl``) or a row of the
        group (``nm``).
    count
        int[columns]: entries in use. What lies beyond means nothing.
    tile
        How to read them.
    header
        bool[columns, length]: the bitmaps; None: those that ``index`` gives.
    """

    value: Array
    index: Array
    count: Array
    tile: Tile
    header: Array | None = None

    def __post_init__(self) -> None:
        for name in ("value", "index", "count"):
            array = np.asarray(getattr(self, name))
            if array.dtype.kind not in "iu":
                raise TypeError(f"packed.{name} must be integers, not {array.dtype}")
            object.__setattr__(self, name, array)
        if self.value.ndim != 2 or self.value.shape[1] == 0:
            raise ValueError(f"packed.value must be [columns, slots], not {list(self.value.shape)}")
        if self.index.shape != self.value.shape:
            raise ValueError(
                f"packed.index must be of the shape of value, {list(self.value.shape)}"
            )
        if self.count.shape != self.value.shape[:1]:
            raise ValueError(f"packed.count must be [{len(self.value)}]")
        length = self.tile.length
        if self.header is not None:
            header = np.asarray(self.header)
            if header.dtype != np.bool_ or header.ndim != 2 or len(header) != len(self.value):
                raise ValueError(f"packed.header must be bool[{len(self.value)}, length]")
            if length is not None and header.shape[1] != length:
                raise ValueError(f"packed.header must have {length} columns, not {header.shape[1]}")
        if self.count.size and not 0 <= self.count.min() <= self.count.max() <= self.width:
            raise ValueError(f"packed.count must be in 0..{self.width}")
        if self.index.size and self.index.min() < 0:
            raise ValueError("packed.index must not be negative")

    @property
    def width(self) -> int:
        """Places per column."""
        return int(self.value.shape[1])

    def bits(self, length: int) -> NDArray[np.bool_]:
        """Return the bitmaps, bool[columns, length]."""
        if self.header is not None:
            return np.asarray(self.header, dtype=np.bool_)
        live = (np.arange(self.width) < self.count[:, None]) & (self.index < length)
        column, slot = np.nonzero(live)
        bitmap = np.zeros((len(self.count), length), dtype=np.bool_)
        bitmap[column, self.index[column, slot]] = True
        return bitmap

    def ranks(self, length: int) -> Ints:
        """Return the rows of a bitmap's values, int64[columns, width]; ``length`` where none."""
        rows = np.full(self.value.shape, length, dtype=np.int64)
        column, row = np.nonzero(self.bits(length))
        place = places(np.bincount(column, minlength=len(rows)))
        inside = place < self.width
        rows[column[inside], place[inside]] = row[inside]
        return rows

    def columns(self, start: int, stop: int) -> "Packed":
        """Return some of the columns."""
        part = slice(start, stop)
        header = None if self.header is None else self.header[part]
        return Packed(self.value[part], self.index[part], self.count[part], self.tile, header)
