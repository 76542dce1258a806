"""The order of a payload's bits, as a bench states it for itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Fields of a payload, least significant first: (name, width, count) each.

    This is the bench's own statement of the bit order, independent of the hardware's.
    """

    fields: tuple[tuple[str, int, int], ...]

    @property
    def width(self) -> int:
        """Total number of bits."""
        return sum(width * count for _, width, count in self.fields)

    def pack(self, **values: Any) -> list[int]:
        """Return one integer per row of the given arrays, each [n] or [n, count]."""
        columns = []
        for name, width, count in self.fields:
            array = np.asarray(values.pop(name)).astype(np.int64)
            array = array.reshape(len(array), count)
            columns.append(((array[..., None] >> np.arange(width)) & 1).reshape(len(array), -1))
        assert not values, f"no fields {', '.join(values)}"
        packed = np.packbits(
            np.concatenate(columns, axis=1).astype(np.uint8), axis=1, bitorder="little"
        )
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def unpack(self, words: Sequence[int], signed: Iterable[str] = ()) -> dict[str, Any]:
        """Return one array per field, int64[n] where the count is 1, else int64[n, count]."""
        size = (self.width + 7) // 8
        raw = np.frombuffer(b"".join(w.to_bytes(size, "little") for w in words), dtype=np.uint8)
        table = np.unpackbits(raw.reshape(len(words), size), axis=1, bitorder="little")
        result, offset = {}, 0
        for name, width, count in self.fields:
            part = table[:, offset : offset + width * count].reshape(len(words), count, width)
            value = part.astype(np.int64) @ (np.int64(1) << np.arange(width, dtype=np.int64))
            if name in signed:
                value -= (value >> (width - 1)) << width
            result[name] = value[:, 0] if count == 1 else value
            offset += width * count
        return result
