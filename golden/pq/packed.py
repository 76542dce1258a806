"""Prototypes and tables of one tile, and the words that load them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.pq.config import LEAVES, LEVELS, Config
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import code_range, hold, integers


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile of prototypes and tables.

    Parameters
    ----------
    prototypes
        int64[Ns, Np, V], or [1, Np, V] that all subvectors share.
    tables
        int64[Ns, Np, outputs].
    thresholds, dims
        Of a tree int64[Ns, 15], that of level l at offset 0, 1, 3, 7 plus the leaf so far; and
        int64[Ns, 4], which element each level compares. Zero otherwise.
    cfg
        The array. None makes one of these sizes, and of bits that hold them, 8 at least.

    Raises
    ------
    TypeError, ValueError
        They are not of integers, of other shapes, or do not fit their bits.
    """

    kind = Config

    prototypes: Ints
    tables: Ints
    thresholds: Any = None
    dims: Any = None
    cfg: Any = None

    def __post_init__(self) -> None:
        """Replace what is None, and check shapes and ranges."""
        tree = self.thresholds is not None or self.dims is not None
        cfg = self.cfg if self.cfg is not None else _config(self, tree)
        sides = 1 if cfg.shared else cfg.subvectors
        shapes = {
            "prototypes": (sides, cfg.prototypes, cfg.length),
            "tables": (cfg.subvectors, cfg.prototypes, cfg.outputs),
            "thresholds": (cfg.subvectors, LEAVES - 1),
            "dims": (cfg.subvectors, LEVELS),
        }
        acts = code_range(cfg.act_bits, cfg.act_signed)
        ranges = {
            "prototypes": acts,
            "tables": code_range(cfg.table_bits),
            "thresholds": acts,
            "dims": (0, cfg.length - 1),
        }
        object.__setattr__(self, "cfg", cfg)
        for name, shape in shapes.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(shape, np.int64))
            hold(self, name, shape, ranges[name])

    def weights(self) -> Ints:
        """Refuse: there are no weights whose product with x the sums would be."""
        raise TypeError("pq: a tile has prototypes and tables, and no weights")

    @property
    def beats(self) -> int:
        """Words that load the tile."""
        return int(self.cfg.depth)

    @property
    def bits(self) -> int:
        """Bits stored: tables, and prototypes, or of a tree thresholds and elements."""
        cfg = self.cfg
        codes = self.prototypes.size * cfg.act_bits
        if cfg.metric == "tree":
            codes = cfg.subvectors * (LEVELS * cfg.dim_bits + (LEAVES - 1) * cfg.act_bits)
        return int(codes + self.tables.size * cfg.table_bits)

    def words(self) -> dict[str, Ints]:
        """Return the words ``w``, bit by bit, int64[beats, word_bits].

        First prototypes, beat by beat of x, group by group of prototypes, element by element within
        a group; a word has those of all subvectors of a beat. A tree has a word per beat instead,
        elements before thresholds. Then the tables: beat by beat, prototype by prototype, outputs.
        """
        cfg = self.cfg
        codes = _tree(self) if cfg.metric == "tree" else _prototypes(self)
        tables = np.zeros(
            (cfg.beats * cfg.at_once, cfg.prototypes, cfg.looking_up * cfg.columns), np.int64
        )
        tables[: cfg.subvectors, :, : cfg.outputs] = self.tables
        cut = tables.reshape(cfg.beats, cfg.at_once, cfg.prototypes, cfg.looking_up, cfg.columns)
        entries = spelled(cut.transpose(0, 2, 3, 1, 4), cfg.table_bits).reshape(cfg.table_words, -1)
        table = np.zeros((cfg.depth, cfg.word_bits), dtype=np.int64)
        table[: cfg.code_words, : codes.shape[1]] = codes
        table[cfg.code_words :, : entries.shape[1]] = entries
        return {"w": table}


def _config(given: Packed, tree: bool) -> Config:
    """Return the array of the sizes of what is given."""
    codes, tables = integers("prototypes", given.prototypes), integers("tables", given.tables)
    if codes.ndim != 3 or tables.ndim != 3 or 0 in codes.shape + tables.shape:
        raise ValueError("pq: prototypes and tables must be of three dimensions, and not empty")
    held = [codes] if given.thresholds is None else [codes, np.asarray(given.thresholds)]
    return Config(
        act_bits=_bits(*held),
        table_bits=_bits(tables),
        inputs=len(tables) * codes.shape[2],
        outputs=tables.shape[2],
        length=codes.shape[2],
        prototypes=codes.shape[1],
        metric="tree" if tree else "l1",
        shared=len(codes) == 1 and len(tables) > 1,
    )


def _bits(*arrays: NDArray[Any]) -> int:
    """Return the bits of two's complement that hold integers, 8 at least; what are none, 8."""
    if any(array.dtype.kind not in "iu" for array in arrays):
        return 8
    most = max(max(int(a.max()), -1 - int(a.min())) for a in arrays)
    return min(32, max(8, most.bit_length() + 1))


def spelled(values: Ints, bits: int) -> Ints:
    """Return the bits of values, the lowest first, in one more dimension."""
    return np.asarray(values[..., None] >> np.arange(bits) & 1)


def _prototypes(packed: Packed) -> Ints:
    cfg = packed.cfg
    sides, steps = (1, 1) if cfg.shared else (cfg.at_once, cfg.beats)
    rows, row = cfg.prototype_steps, cfg.compared
    parts, part = cfg.element_steps, cfg.elements
    full = np.zeros((steps * sides, rows * row, parts * part), dtype=np.int64)
    full[: len(packed.prototypes), : cfg.prototypes, : cfg.length] = packed.prototypes
    cut = full.reshape(steps, sides, rows, row, parts, part).transpose(0, 2, 4, 1, 3, 5)
    return spelled(cut, cfg.act_bits).reshape(cfg.code_words, -1)


def _tree(packed: Packed) -> Ints:
    cfg = packed.cfg
    whole = cfg.beats * cfg.at_once

    def padded(array: Ints) -> NDArray[np.int64]:
        full = np.zeros((whole, array.shape[1]), dtype=np.int64)
        full[: len(array)] = array
        return full

    dims = spelled(padded(packed.dims), cfg.dim_bits).reshape(whole, -1)
    thresholds = spelled(padded(packed.thresholds), cfg.act_bits).reshape(whole, -1)
    return np.concatenate([dims, thresholds], axis=1).reshape(cfg.beats, -1)
