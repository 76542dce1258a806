"""What a tile means to the macro: the row of every entry, and the flag of what is malformed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.spimc.config import FLAGS, Config, Tile, power_of_two
from nomul.golden.spimc.packed import Packed


class NotLoaded(ValueError):
    """A product was asked of a tile that the macro refuses: E_NOTLOADED."""


def header_fault(cfg: Config, tile: Tile) -> str | None:
    """Return why the macro refuses a tile's header (E_HDR), naming field and value, or None."""
    length = cfg.length(tile)
    rules = [
        ("format", tile.format in cfg.formats, f"one of {', '.join(cfg.formats)}"),
        ("act_bits", 1 <= tile.act_bits <= cfg.act_bits, f"in 1..{cfg.act_bits}"),
        ("length", 1 <= length <= cfg.window, f"in 1..{cfg.window}"),
    ]
    if tile.format == "nm":
        group, nnz = tile.group or 0, tile.nnz_per_group or 0
        power = power_of_two(group) and group <= cfg.max_group
        rules += [
            ("group", power, f"a power of two up to {cfg.max_group}"),
            ("nnz_per_group", 1 <= nnz <= group, f"in 1..{group}"),
        ]
    if tile.format == "rl":
        fits = tile.run_bits is not None and tile.run_bits <= cfg.ib
        rules.append(("run_bits", fits, f"in 0..{cfg.ib}"))
    for name, ok, rule in rules:
        if not ok:
            return f"tile.{name} must be {rule}, not {getattr(tile, name)!r}"
    return None


def faults(cfg: Config, packed: "Packed") -> NDArray[np.int8]:
    """Return for every entry the flag that it raises: int8[columns, width], -1 for none.

    Width is at least 1; the null beat of an empty column has place 0. The header is legal.
    """
    tile, length = packed.tile, cfg.length(packed.tile)
    value, index, count = packed.value, packed.index.astype(np.int64), packed.count
    columns, width = value.shape
    slot = np.arange(width)
    live = slot < count[:, None]
    flag = np.full((columns, width), -1, dtype=np.int8)

    def mark(name: str, where: Any) -> None:
        flag[np.broadcast_to(where, flag.shape)] = FLAGS.index(name)

    last = slot == np.maximum(count - 1, 0)[:, None]
    if tile.format == "coo":
        fits = index < length
        _order(mark, index, live & fits, np.zeros_like(slot))
        mark("E_RANGE", live & ~fits)
    elif tile.format == "nm":
        nnz, group = tile.nnz_per_group or 1, tile.group or 1
        position = (slot // nnz) * group + index
        fits = (index < group) & ((position < length) | (value == 0))
        _order(mark, index, live & fits, slot // nnz)
        mark("E_RANGE", live & ~fits)
        wanted = nnz * -(-length // group)
        mark("E_NMCNT", live & (slot >= wanted))
        mark("E_NMCNT", last & (count < wanted)[:, None])
    elif tile.format == "rl":
        mark("E_RLRUN", live & (positions(cfg, packed) >= length))
        mark("E_RANGE", live & (index >> (tile.run_bits or 0) != 0))
    elif tile.format == "bitmap":
        stored = packed.bits(length).sum(axis=1)
        mark("E_NMCNT", live & (slot >= stored[:, None]))
        mark("E_NMCNT", last & (count < stored)[:, None])
    else:
        mark("E_RANGE", live & (slot >= length))
    start = np.minimum(slot // cfg.slots, cfg.passes(tile) - 1) * cfg.slots
    mark("E_SLOTS", live & (slot - start >= cfg.slots))
    return flag


def _order(mark: Any, index: Ints, accepted: Any, group: Ints) -> None:
    """Mark entries whose index does not exceed that of the last accepted one of its group."""
    span = int(index.max(initial=0)) + 2
    # An entry that is refused for its order is below the highest so far, so it changes no maximum.
    key = np.where(accepted, index + 1, 0) + group * span
    highest = np.maximum.accumulate(key, axis=1)
    before = np.zeros_like(key)
    before[:, 1:] = highest[:, :-1]
    previous = before - group * span - 1
    mark("E_ORDER", accepted & (index < previous))
    mark("E_DUP", accepted & (index == previous))


def positions(cfg: Config, packed: "Packed") -> Ints:
    """Return the row of every entry, int64[columns, width]; see the table of formats."""
    tile, index = packed.tile, packed.index.astype(np.int64)
    slot = np.broadcast_to(np.arange(index.shape[1]), index.shape)
    if tile.format == "dense":
        return slot
    if tile.format == "nm":
        return (slot // (tile.nnz_per_group or 1)) * (tile.group or 1) + index
    if tile.format == "rl":
        return np.cumsum((index & ((1 << (tile.run_bits or 0)) - 1)) + 1, axis=1) - 1
    if tile.format == "bitmap":
        return packed.ranks(cfg.length(tile))
    return index


def check(cfg: Config, packed: "Packed") -> list[tuple[str, int, int]]:
    """Return what loading a tile flags: (flag, column, slot), in the order of the stream.

    A tile of fewer columns than the macro has is E_TRUNC when it is started. A slot is counted
    within its pass.
    """
    _require_shape(cfg, packed)
    if header_fault(cfg, packed.tile):
        return [("E_HDR", 0, 0)]
    flag = faults(cfg, packed)
    column, place = np.nonzero(flag >= 0)
    passes = np.minimum(place // cfg.slots, cfg.passes(packed.tile) - 1)
    order = np.lexsort((place, column, passes))
    raised = [
        (FLAGS[flag[column[i], place[i]]], int(column[i]), int(place[i] - passes[i] * cfg.slots))
        for i in order
    ]
    if len(flag) < cfg.columns:
        raised.append(("E_TRUNC", len(flag), 0))
    return raised


def _require_shape(cfg: Config, packed: "Packed") -> None:
    columns, half = len(packed.count), 1 << (cfg.weight_bits - 1)
    if columns > cfg.columns:
        raise ValueError(f"packed has {columns} columns; the macro has {cfg.columns}")
    if packed.value.size and not -half <= packed.value.min() <= packed.value.max() < half:
        raise ValueError(f"packed.value does not fit {cfg.weight_bits} bits")


def effective(cfg: Config, packed: "Packed") -> Ints:
    """Return the weights that a loaded tile computes with, int64[length, columns].

    Entries that raise a flag count as 0.

    Raises
    ------
    NotLoaded
        The macro is strict and the tile is malformed, or its header is, or columns are missing.
    """
    raised = check(cfg, packed)
    fatal = [f for f in raised if cfg.strict or f[0] in ("E_HDR", "E_TRUNC")]
    if fatal:
        flag, column, slot = fatal[0]
        raise NotLoaded(f"E_NOTLOADED: {flag} in column {column}, slot {slot}")
    length = cfg.length(packed.tile)
    value = packed.value if not raised else np.where(faults(cfg, packed) >= 0, 0, packed.value)
    return scatter(value, positions(cfg, packed), packed.count, length)


def scatter(value: Any, position: Ints, count: Any, length: int) -> Ints:
    """Return dense[k, c]: the sum of the live weights of column c whose row is k."""
    live = (np.arange(value.shape[1]) < np.asarray(count)[:, None]) & (value != 0)
    live &= position < length
    column, slot = np.nonzero(live)
    dense = np.zeros((length, len(value)), dtype=np.int64)
    np.add.at(dense, (position[column, slot], column), value[column, slot].astype(np.int64))
    return dense
