"""Packs sparse weights for the SP-IMC macro, in five formats, and keeps them in a container."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.documents import field, mapping, sequence, text_document
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import reading
from nomul.golden.spimc.config import Config, Tile
from nomul.golden.spimc.entries import entries, pieces, places, weights
from nomul.golden.spimc.packed import Packed
from nomul.golden.spimc.tiles import header_fault, positions, scatter

Array = NDArray[Any]

SCHEMA = 1


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
    fault = header_fault(cfg, tile)
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
    position = positions(cfg, packed)
    return scatter(packed.value, position, packed.count, tile.length)


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


def container(path: Path | str) -> Path:
    """Return the path of a file of tiles; ValueError unless its name says what it is."""
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"a file of packed tiles ends in .npz, not {path.name!r}")
    return path


def save(path: Path | str, tiles: list[Packed], about: dict[str, Any] | None = None) -> None:
    """Write tiles of one format into an ``.npz`` container, with a schema version."""
    text = {"schema": SCHEMA, "tiles": [t.tile.to_dict() for t in tiles], "about": about or {}}
    stored: dict[str, Any] = {}
    for number, packed in enumerate(tiles):
        for name in ("value", "index", "count"):
            stored[f"{name}{number}"] = getattr(packed, name)
        if packed.header is not None:
            stored[f"header{number}"] = packed.header
    path = container(path)
    np.savez_compressed(path, meta=np.frombuffer(json.dumps(text).encode(), np.uint8), **stored)


def load(path: Path | str) -> tuple[list[Packed], dict[str, Any]]:
    """Read a container: its tiles, and what was said about them.

    Raises
    ------
    ValueError
        The file is not such a container, or of another schema.
    """
    path = Path(path)
    found = arrays(path)
    with reading(path):
        if "meta" not in found or found["meta"].dtype != np.uint8:
            raise ValueError("is not a container of packed weights")
        text = mapping(text_document(found["meta"].tobytes()), "meta")
        schema = text.get("schema")
        if type(schema) is not int or schema != SCHEMA:
            raise ValueError(f"has schema {shown(schema)}, not {SCHEMA}")
        tiles = []
        for n, values in enumerate(sequence(field(text, "tiles"), "tiles")):
            value, index, count = (
                field(found, f"{name}{n}") for name in ("value", "index", "count")
            )
            tile = Tile.from_dict(mapping(values, f"tile {n}"))
            tiles.append(Packed(value, index, count, tile, found.get(f"header{n}")))
        return tiles, mapping(field(text, "about"), "about")
