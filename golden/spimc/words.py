"""The words that drive the macro, bit for bit: commands, entries, and a whole layer for a host."""

from collections.abc import Iterator

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.spimc import pack
from nomul.golden.spimc.config import FIELDS, FORMATS, Config, Tile
from nomul.golden.spimc.layer import Layer, Placed
from nomul.golden.spimc.packed import Packed

OPEN, START, CLEAR = 0, 1, 2
OP_BITS = 2
COMMAND_BITS = OP_BITS + sum(FIELDS.values())

# A file of words begins with this and a version, as `NMSP` and 1.
MAGIC, VERSION = 0x5053_4D4E, 1


def command(cfg: Config, op: int, tile: Tile | None = None) -> int:
    """Return the word of a command: its operation, then the fields of a tile, lowest bits first.

    Parameters
    ----------
    cfg
        The macro, whose window is the length of a tile without one.
    op
        :data:`OPEN`, :data:`START` or :data:`CLEAR`.
    tile
        Needed to open one; of the others the fields are 0.
    """
    word, low = op, OP_BITS
    if tile is not None:
        values = {
            name: int(value or 0) for name, value in tile.to_dict().items() if name != "format"
        }
        values |= {"format": FORMATS.index(tile.format), "length": cfg.length(tile)}
        for name, width in FIELDS.items():
            word |= values[name] << low
            low += width
    return word


def entries(cfg: Config, packed: Packed) -> Ints:
    """Return the words of ``weight`` that load a tile, int64[n], in the order of the wire.

    From bit 0: the value in ``weight_bits`` bits, two's complement; the index in ``index_bits``;
    ``last``, of a column; ``null``, the one word of an empty column. A bitmap column begins with
    its header, ``weight_bits`` rows to a word, in the place of the value.
    """
    beats = np.array(list(pack.stream(cfg, packed)), dtype=np.int64).reshape(-1, 4)
    value, index, last, null = beats.T
    low = cfg.weight_bits + cfg.ib
    mask = (1 << cfg.weight_bits) - 1
    return (value & mask) | index << cfg.weight_bits | last << low | null << (low + 1)


def binary(layer: Layer) -> bytes:
    """Return a layer as little-endian words, as a host without a file system would keep it.

    Five words of 32 bits: :data:`MAGIC`, :data:`VERSION`, tiles, rows and columns of the layer.
    For each tile a word of 64 bits, the command that opens it; four of 32 bits: its first row, its
    length, the number of the layer's columns it works for, the number of entries; these columns,
    and the entries, 32 bits each.
    """
    parts = [np.array([MAGIC, VERSION, len(layer.tiles), layer.rows, layer.columns], "<u4")]
    for placed in layer.tiles:
        words, tile = entries(layer.cfg, placed.packed), placed.packed.tile
        parts.append(np.array([command(layer.cfg, OPEN, tile)], "<u8"))
        about = [placed.row, layer.cfg.length(tile), len(placed.owner), len(words)]
        parts.append(np.array(about, "<u4"))
        parts += [placed.owner.astype("<u4"), words.astype("<u4")]
    return b"".join(part.tobytes() for part in parts)


def hexadecimal(layer: Layer) -> tuple[str, str]:
    """Return the commands that open the tiles, and all entries, as ``$readmemh`` reads them."""
    commands, words = [], []
    for number, placed in enumerate(layer.tiles):
        about = f"// tile {number}: {_about(layer.cfg, placed)}"
        opening = command(layer.cfg, OPEN, placed.packed.tile)
        commands += [about, f"{opening:0{-(-COMMAND_BITS // 4)}x}"]
        width = -(-(layer.cfg.weight_bits + layer.cfg.ib + 2) // 4)
        words += [about, *(f"{word:0{width}x}" for word in entries(layer.cfg, placed.packed))]
    return "\n".join([*commands, ""]), "\n".join([*words, ""])


def c_header(layer: Layer, name: str) -> str:
    """Return a layer as a C99 header of constants, whose names begin with ``name``."""
    cfg, upper = layer.cfg, name.upper()
    words = [entries(cfg, placed.packed) for placed in layer.tiles]
    owners = [placed.owner for placed in layer.tiles]
    tiles, first, column = [], 0, 0
    for placed, own in zip(layer.tiles, words, strict=True):
        tile = placed.packed.tile
        opening = command(cfg, OPEN, tile)
        numbers = (first, len(own), placed.row, cfg.length(tile), column, len(placed.owner))
        tiles.append(f"  {{UINT64_C(0x{opening:011x}), {', '.join(f'{n}u' for n in numbers)}}},")
        first, column = first + len(own), column + len(placed.owner)
    return "\n".join(
        [
            f"/* {layer.rows} inputs, {layer.columns} outputs; written by nomul. */",
            f"#ifndef {upper}_H",
            f"#define {upper}_H",
            "#include <stdint.h>",
            f"#define {upper}_ROWS {layer.rows}u",
            f"#define {upper}_COLUMNS {layer.columns}u",
            f"#define {upper}_TILES {len(layer.tiles)}u",
            f"#define {upper}_MACRO_COLUMNS {cfg.columns}u",
            f"#define {upper}_START UINT64_C({START})",
            f"#define {upper}_CLEAR UINT64_C({CLEAR})",
            "/* A tile: the command that opens it, its entries, its rows, its columns. */",
            f"struct {name}_tile {{",
            "  uint64_t open;",
            "  uint32_t first_entry, entries, row, length, first_owner, owners;",
            "};",
            f"static const struct {name}_tile {name}_tiles[] = {{",
            *tiles,
            "};",
            f"static const uint32_t {name}_entries[] = {{",
            *_lines(f"0x{word:x}u" for own in words for word in own.tolist()),
            "};",
            "/* The layer's column that each of a tile's columns adds to. */",
            f"static const uint32_t {name}_owners[] = {{",
            *_lines(f"{column}u" for own in owners for column in own.tolist()),
            "};",
            "#endif",
            "",
        ]
    )


def _lines(words: Iterator[str]) -> Iterator[str]:
    """Yield lines of eight words."""
    listed = list(words)
    for start in range(0, len(listed), 8):
        yield f"  {', '.join(listed[start : start + 8])},"


def _about(cfg: Config, placed: Placed) -> str:
    rows = f"rows {placed.row}..{placed.row + cfg.length(placed.packed.tile) - 1}"
    return f"{rows}, columns {', '.join(map(str, placed.owner.tolist()))}"
