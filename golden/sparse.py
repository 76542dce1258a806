"""Packs sparse weights for the SP-IMC macro, in five formats, and keeps them in a container."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import spimc
from nomul.golden.sparse_cost import choose_format, survey
from nomul.golden.sparse_entries import entries, entries_needed, pieces, places, weights
from nomul.golden.sparse_prepare import fold, prune_groups, prune_magnitude, quantise
from nomul.golden.spimc import Config, Tile

__all__ = [
    "Packed",
    "choose_format",
    "entries_needed",
    "fold",
    "load",
    "pack",
    "pack_columns",
    "prune_groups",
    "prune_magnitude",
    "quantise",
    "save",
    "stream",
    "survey",
    "unpack",
    "weights",
]

Ints = NDArray[np.int64]
Array = NDArray[Any]

SCHEMA = 1


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
        found = np.zeros((len(self.count), length), dtype=np.bool_)
        found[column, self.index[column, slot]] = True
        return found

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


def pack(w: ArrayLike, cfg: Config, tile: Tile, prune: bool = False) -> Packed:
    """Return one tile's weights in the tile's format.

    Parameters
    ----------
    w
        int[length, columns]; missing columns are added, with no weights.
    prune
        Drop the smallest weights of a group that has more than N, instead of refusing it.

    Raises
    ------
    ValueError
        The macro cannot read such a tile, a weight does not fit, a column has more entries than
        slots, or a group has more than N non-zeros. The message names the place.
    """
    w = weights(w, cfg)
    if tile.length is None:
        tile = tile.replace(length=len(w))
    fault = spimc.header_fault(cfg, tile)
    if fault:
        raise ValueError(fault)
    if len(w) != tile.length:
        raise ValueError(f"W must have {tile.length} rows, not {len(w)}")
    if w.shape[1] > cfg.columns:
        raise ValueError(f"W must have at most {cfg.columns} columns, not {w.shape[1]}")
    full = np.zeros((cfg.columns, len(w)), dtype=np.int8)
    full[: w.shape[1]] = w.T
    return pack_columns(full, cfg, tile, prune)


def pack_columns(wt: Array, cfg: Config, tile: Tile, prune: bool = False) -> Packed:
    """Return any number of columns, given as int8[columns, length], in the tile's format.

    As :func:`pack`, whose checks of the header have been made.
    """
    length = cfg.length(tile)
    width = cfg.passes(tile) * cfg.slots
    value = np.zeros((len(wt), width), dtype=np.int8)
    index = np.zeros((len(wt), width), dtype=np.uint8 if cfg.ib <= 8 else np.uint16)
    count = np.zeros(len(wt), dtype=np.int64)
    for part in pieces(wt):
        piece = np.ascontiguousarray(wt[part])
        if tile.format == "dense":
            value[part, :length], count[part] = piece, length
            continue
        column, number, weight = entries(piece, cfg, tile, prune, part.start)
        filled = np.bincount(column, minlength=len(piece))
        _require_slots(filled, cfg, part.start)
        place = places(filled)
        value[part][column, place], index[part][column, place] = weight, number
        count[part] = filled
    return Packed(value, index, count, tile)


def _require_slots(filled: Array, cfg: Config, first: int) -> None:
    crowded = np.flatnonzero(filled > cfg.slots)
    if len(crowded):
        column = int(crowded[0])
        raise ValueError(
            f"column {first + column} needs {int(filled[column])} slots, more than {cfg.slots}"
        )


def unpack(packed: Packed) -> Ints:
    """Return the weights of a well-formed tile, int64[length, columns]."""
    tile = packed.tile
    if tile.length is None:
        raise ValueError("packed.tile.length must be set to unpack")
    cfg = Config(window=min(256, max(1, tile.length)), columns=1, lanes=1, slots=packed.width)
    position = spimc.positions(cfg, packed)
    return spimc.scatter(packed.value, position, packed.count, tile.length)


def stream(cfg: Config, packed: Packed) -> Iterator[tuple[int, int, int, int]]:
    """Yield the beats that load a tile: (value, index, last, null), in the order of the wire.

    Dense tiles come pass by pass; a bitmap column begins with its header, WB bits per beat.
    """
    length, passes = cfg.length(packed.tile), cfg.passes(packed.tile)
    bitmap = packed.tile.format == "bitmap"
    header = packed.bits(length) if bitmap else None
    for number in range(passes):
        start = number * cfg.slots
        for column, count in enumerate(packed.count.tolist()):
            if header is not None:
                for low in range(0, length, cfg.weight_bits):
                    bits = header[column, low : low + cfg.weight_bits]
                    yield int(bits @ (1 << np.arange(len(bits)))), 0, 0, 0
            stop = count if number == passes - 1 else min(count, start + cfg.slots)
            if stop <= start:
                yield 0, 0, 1, 1
            for place in range(start, stop):
                value, index = packed.value[column, place], packed.index[column, place]
                stored = 0 if bitmap or packed.tile.format == "dense" else int(index)
                yield int(value), stored, int(place == stop - 1), 0


def save(path: Path | str, tiles: list[Packed], about: dict[str, Any] | None = None) -> None:
    """Write tiles of one format into an ``.npz`` container, with a schema version."""
    text = {"schema": SCHEMA, "tiles": [t.tile.to_dict() for t in tiles], "about": about or {}}
    arrays: dict[str, Any] = {}
    for number, packed in enumerate(tiles):
        for name in ("value", "index", "count"):
            arrays[f"{name}{number}"] = getattr(packed, name)
        if packed.header is not None:
            arrays[f"header{number}"] = packed.header
    np.savez_compressed(path, meta=np.frombuffer(json.dumps(text).encode(), np.uint8), **arrays)


def load(path: Path | str) -> tuple[list[Packed], dict[str, Any]]:
    """Read a container: its tiles, and what was said about them.

    Raises
    ------
    ValueError
        The file is not such a container, or of another schema.
    """
    with np.load(path) as file:
        if "meta" not in file:
            raise ValueError(f"{path} is not a container of packed weights")
        text = json.loads(file["meta"].tobytes())
        if text.get("schema") != SCHEMA:
            raise ValueError(f"{path} has schema {text.get('schema')!r}, not {SCHEMA}")
        tiles = [
            Packed(
                file[f"value{n}"],
                file[f"index{n}"],
                file[f"count{n}"],
                Tile.from_dict(tile),
                file.get(f"header{n}"),
            )
            for n, tile in enumerate(text["tiles"])
        ]
    return tiles, text["about"]
