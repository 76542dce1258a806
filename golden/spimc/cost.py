"""What a sparse matrix costs in each of SP-IMC's formats: bits, slots, cycles, and the choice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.spimc.config import Config, Format, Tile, bits_for
from nomul.golden.spimc.entries import entries_needed, pieces, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Cost:
    """What one format costs for one matrix.

    Attributes
    ----------
    tile
        The format with its best parameters.
    bits
        Stored bits, from the real entries.
    expected
        Stored bits by the closed form at the matrix's density.
    ratio
        Bits relative to the dense matrix.
    entries
        Entries, pads and fill included.
    slots
        Entries of the fullest column of a window: R must hold it.
    utilisation
        Mean share of those slots that columns use.
    cycles
        Of one product of one window, with R as configured.
    """

    tile: Tile
    bits: int
    expected: float
    ratio: float
    entries: int
    slots: int
    utilisation: float
    cycles: int


def storage(tile: Tile, length: int, density: float, weight_bits: int) -> float:
    """Return the expected bits of one column of ``length`` rows, by the closed form.

    DENSE K WB; COO nnz (WB + ceil(log2 K)); N:M (K/M) N (WB + ceil(log2 M)); BITMAP K + nnz WB; RL
    nnz (WB + ZB) / (1 - s^(2^ZB)), for zeros that are independent of each other.
    """
    nonzeros, sparsity = density * length, 1.0 - density
    if tile.format == "dense":
        return length * weight_bits
    if tile.format == "coo":
        return nonzeros * (weight_bits + max(1, bits_for(length)))
    if tile.format == "bitmap":
        return length + nonzeros * weight_bits
    if tile.format == "nm":
        nnz, group = tile.nnz_per_group or 1, tile.group or 1
        return length / group * nnz * (weight_bits + bits_for(group))
    run_bits = tile.run_bits or 0
    if nonzeros == 0:
        return 0.0
    repeated = sparsity ** float(1 << run_bits)
    return float(nonzeros * (weight_bits + run_bits) / (1.0 - repeated))


def windows(w: ArrayLike, cfg: Config) -> Array:
    """Return every window of every column of W [rows, columns], zero-padded: int8[n, rows].

    A matrix that is lower than the macro's window is one window.
    """
    w = weights(w, cfg)
    height = min(cfg.window, len(w))
    number = -(-len(w) // height)
    padded = np.zeros((number * height, w.shape[1]), dtype=np.int8)
    padded[: len(w)] = w
    parts = padded.reshape(number, height, -1)
    return np.ascontiguousarray(parts.transpose(0, 2, 1)).reshape(-1, height)


def survey(w: ArrayLike, cfg: Config, *, act_bits: int | None = None) -> list[Cost]:
    """Return the cost of every format that the macro can read, the fewest bits first.

    Parameters
    ----------
    w
        int[rows, columns], of any size; it is cut into windows.
    act_bits
        Bits of an activation, for the cycles; the macro's most if None.
    """
    w = weights(w, cfg)
    if w.size == 0:
        raise ValueError(f"W must not be empty: {list(w.shape)}")
    parts = windows(w, cfg)
    bits = cfg.act_bits if act_bits is None else act_bits
    costs = []
    for name in cfg.formats:
        candidates = [_cost(w, parts, cfg, tile) for tile in _tiles(name, parts, cfg, bits)]
        costs += sorted(candidates, key=lambda cost: cost.bits)[:1]
    return sorted(costs, key=lambda cost: cost.bits)


def cost(w: ArrayLike, cfg: Config, tile: Tile) -> Cost:
    """Return the cost of one format with parameters of one's own, as :func:`survey` counts it."""
    w = weights(w, cfg)
    parts = windows(w, cfg)
    return _cost(w, parts, cfg, tile.replace(length=parts.shape[1]))


def choose_format(w: ArrayLike, cfg: Config | None = None) -> Cost:
    """Return the cost of the format that stores W [rows, columns] in the fewest bits."""
    return survey(w, cfg or Config())[0]


def _tiles(name: Format, parts: Array, cfg: Config, act_bits: int) -> Iterator[Tile]:
    base = Tile(format=name, act_bits=act_bits, length=parts.shape[1])
    if name == "rl":
        for run_bits in range(1, cfg.ib + 1):
            yield base.replace(run_bits=run_bits)
    elif name == "nm":
        for log2 in range(1, bits_for(cfg.max_group) + 1):
            group = 1 << log2
            nnz = max(_fullest(parts[part], group) for part in pieces(parts))
            if nnz <= 1 << cfg.ib:
                yield base.replace(nnz_per_group=max(1, nnz), group=group)
    else:
        yield base


def _fullest(wt: Array, group: int) -> int:
    """Return the most non-zeros that a group of rows has."""
    padded = np.pad(wt, ((0, 0), (0, -wt.shape[1] % group)))
    return int(np.count_nonzero(padded.reshape(-1, group), axis=1).max())


def _cost(w: Array, parts: Array, cfg: Config, tile: Tile) -> Cost:
    nonzeros, dense = int(np.count_nonzero(w)), w.size * cfg.weight_bits
    needed = entries_needed(parts, cfg, tile)
    # The last window is short; its missing rows are neither stored nor counted.
    number = int(needed.sum())
    if tile.format in ("dense", "nm"):
        group = 1 if tile.format == "dense" else tile.group or 1
        nnz = 1 if tile.format == "dense" else tile.nnz_per_group or 1
        full, rest = divmod(len(w), parts.shape[1])
        number = w.shape[1] * (full * -(-parts.shape[1] // group) + -(-rest // group)) * nnz
    extra = {
        "dense": 0,
        "coo": max(1, bits_for(parts.shape[1])),
        "rl": tile.run_bits or 0,
        "nm": bits_for(tile.group or 1),
        "bitmap": 0,
    }[tile.format]
    bits = number * (cfg.weight_bits + extra) + (w.size if tile.format == "bitmap" else 0)
    height = parts.shape[1]
    share = storage(tile, height, nonzeros / w.size, cfg.weight_bits) / height
    worst = max(1, int(needed.max()))
    return Cost(
        tile=tile,
        bits=bits,
        expected=share * w.size,
        ratio=bits / dense,
        entries=number,
        slots=worst,
        utilisation=float(needed.mean()) / worst,
        cycles=cfg.cycles(tile),
    )
