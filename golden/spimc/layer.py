"""Lays a whole layer over the SP-IMC macro: windows of rows, groups of columns, re-writes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.documents import field, mapping, sequence
from nomul.golden.foreign.numbers import integer, integers
from nomul.golden.foreign.refusals import reading
from nomul.golden.spimc import pack
from nomul.golden.spimc.config import Config, Tile
from nomul.golden.spimc.entries import entries_needed, weights
from nomul.golden.spimc.packed import Packed
from nomul.golden.spimc.prepare import fold, prune_groups
from nomul.golden.spimc.product import model
from nomul.golden.spimc.tiles import header_fault

# Weights of a layer.
MOST = 1 << 27


@dataclass(frozen=True, eq=False)
class Placed:
    """One tile and its place in the layer.

    Attributes
    ----------
    packed
        The tile.
    row
        Its first row in the layer.
    owner
        int64[n], the layer's column that each of the first n columns of the macro works for.
    """

    packed: Packed
    row: int
    owner: Ints


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as a sequence of tiles, which the macro takes one after the other.

    Attributes
    ----------
    cfg
        The macro.
    rows, columns
        Of the layer: inputs and outputs.
    tiles
        In the order of their computation.
    """

    cfg: Config
    rows: int
    columns: int
    tiles: tuple[Placed, ...]

    @property
    def beats(self) -> int:
        """Entries, headers and null entries that load every tile once."""
        return sum(beats(self.cfg, placed.packed) for placed in self.tiles)

    @property
    def cycles(self) -> int:
        """Cycles that one vector computes, over all tiles; loading is not counted."""
        return sum(self.cfg.cycles(placed.packed.tile) for placed in self.tiles)

    @property
    def rewritten(self) -> int:
        """Beats written per vector once the macro is in use: none if the whole layer stays in."""
        stays = len(self.tiles) == 1 and self.cfg.passes(self.tiles[0].packed.tile) == 1
        return 0 if stays else self.beats

    @property
    def utilisation(self) -> float:
        """Share of the slots that hold entries, over all tiles and columns of the macro."""
        held = sum(int(placed.packed.count.sum()) for placed in self.tiles)
        room = sum(placed.packed.value.size for placed in self.tiles)
        return held / room

    def weights(self) -> Ints:
        """Return the layer's weights, int64[rows, columns]."""
        w = np.zeros((self.rows, self.columns), dtype=np.int64)
        for placed in self.tiles:
            part = pack.unpack(placed.packed)[:, : len(placed.owner)]
            np.add.at(w[placed.row : placed.row + len(part)].T, placed.owner, part.T)
        return w

    def model(self, x: ArrayLike) -> Ints:
        """Return W^T x, tile by tile as the macro computes it: int64[V, columns].

        Parameters
        ----------
        x
            int[V, rows].
        """
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.rows:
            raise ValueError(f"x must be of shape [V, {self.rows}], not {list(x.shape)}")
        y = np.zeros((self.columns, len(x)), dtype=np.int64)
        for placed in self.tiles:
            length = self.cfg.length(placed.packed.tile)
            part = model(self.cfg, placed.packed, x[:, placed.row : placed.row + length])
            np.add.at(y, placed.owner, part.T[: len(placed.owner)])
        return y.T


def beats(cfg: Config, packed: Packed) -> int:
    """Return how many beats load a tile, all passes of a dense one included."""
    tile, length = packed.tile, cfg.length(packed.tile)
    passes = cfg.passes(tile)
    header = -(-length // cfg.weight_bits) if tile.format == "bitmap" else 0
    starts = np.arange(passes) * cfg.slots
    held = np.clip(packed.count[:, None] - starts, 0, cfg.slots)
    return int(np.maximum(held, 1).sum()) + header * len(packed.count)


def plan(
    w: ArrayLike, cfg: Config, tile: Tile, *, balance: bool = False, prune: bool = False
) -> Layer:
    """Cut a layer into tiles.

    Parameters
    ----------
    w
        int[rows, columns], rows are inputs.
    tile
        Format and its parameters; ``length`` is chosen here.
    balance
        Lay an overloaded column over several of the macro's, so that a window can stay whole.
        Otherwise a window ends where the fullest of its columns has no slot left.
    prune
        As for :func:`nomul.golden.sparse.pack`.

    Raises
    ------
    ValueError
        The macro cannot read the format, or not even one group of rows fits its slots.
    """
    w = weights(w, cfg)
    fault = header_fault(cfg, tile.replace(length=1))
    if fault:
        raise ValueError(fault)
    if w.size == 0:
        raise ValueError(f"W must not be empty: {list(w.shape)}")
    if prune and tile.format == "nm":
        w = prune_groups(w, tile.nnz_per_group or 1, tile.group or 1)
    cut = _balanced if balance and tile.format != "dense" else _cut
    return Layer(cfg, len(w), w.shape[1], tuple(cut(w, cfg, tile)))


def _cut(w: NDArray[np.int8], cfg: Config, tile: Tile) -> list[Placed]:
    """Return tiles whose windows end where a column has no slot left."""
    tiles = []
    for start in range(0, w.shape[1], cfg.columns):
        owner = np.arange(start, min(start + cfg.columns, w.shape[1]))
        row = 0
        while row < len(w):
            part = w[row : row + cfg.window, owner]
            length = _fitting(part, cfg, tile)
            packed = pack.pack(part[:length], cfg, tile.replace(length=length))
            tiles.append(Placed(packed, row, owner))
            row += length
    return tiles


def _fitting(part: NDArray[np.int8], cfg: Config, tile: Tile) -> int:
    """Return how many of the first rows fit the slots, by bisection: more rows, more entries."""
    if tile.format == "dense":
        return len(part)
    grain = tile.group or 1 if tile.format == "nm" else 1
    columns = np.ascontiguousarray(part.T)

    def fits(length: int) -> bool:
        return int(entries_needed(columns[:, :length], cfg, tile).max()) <= cfg.slots

    if fits(len(part)):
        return len(part)
    low, high = 0, -(-len(part) // grain)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * grain) else (low, middle)
    if low == 0:
        raise ValueError(f"{grain} rows of {tile.format} entries do not fit {cfg.slots} slots")
    return low * grain


def _balanced(w: NDArray[np.int8], cfg: Config, tile: Tile) -> list[Placed]:
    """Return tiles with whole windows, whose overloaded columns are folded."""
    tiles = []
    for row in range(0, len(w), cfg.window):
        part = w[row : row + cfg.window]
        whole = tile.replace(length=len(part))
        split, owner = fold(part, cfg, whole)
        for start in range(0, len(owner), cfg.columns):
            chosen = slice(start, start + cfg.columns)
            packed = pack.pack(split[:, chosen], cfg, whole)
            tiles.append(Placed(packed, row, owner[chosen]))
    return tiles


def save(path: Path | str, layer: Layer, name: str = "") -> None:
    """Write a layer into the container of :func:`nomul.golden.sparse.save`."""
    about = {
        "layer": name,
        "macro": layer.cfg.to_dict(),
        "rows": layer.rows,
        "columns": layer.columns,
        "places": [[placed.row, placed.owner.tolist()] for placed in layer.tiles],
    }
    pack.save(path, [placed.packed for placed in layer.tiles], about)


def load(path: Path | str) -> Layer:
    """Read a layer, or raise ValueError where the container holds none."""
    path = Path(path)
    tiles, about = pack.load(path)
    with reading(path):
        if "places" not in about:
            raise ValueError("holds tiles, but no layer")
        cfg = Config.from_dict(mapping(field(about, "macro"), "macro"))
        rows, columns = (integer(field(about, name), name, 1, MOST) for name in ("rows", "columns"))
        if rows * columns > MOST:
            raise ValueError(f"a layer of {rows} rows and {columns} columns is too large")
        places = sequence(about["places"], "places")
        if len(places) != len(tiles):
            raise ValueError(f"places must have an entry per tile, {len(tiles)}, not {len(places)}")
        placed = []
        for number, (packed, place) in enumerate(zip(tiles, places, strict=True)):
            name = f"places[{number}]"
            if not isinstance(place, list) or len(place) != 2:
                raise ValueError(f"{name} must be a row and the columns' owners")
            fault = header_fault(cfg, packed.tile)
            if fault or packed.tile.length is None:
                raise ValueError(f"tile {number}: {fault or 'its length is missing'}")
            row = integer(place[0], f"{name}[0]", 0, rows - packed.tile.length)
            owner = integers(place[1], f"{name}[1]", 1, 0, columns - 1)
            if not len(owner) <= len(packed.count) == cfg.columns:
                raise ValueError(
                    f"{name} must have at most {cfg.columns} owners, as the macro has columns"
                )
            placed.append(Placed(packed, row, owner))
        return Layer(cfg, rows, columns, tuple(placed))
