"""The product with a layer that is made of patches of an epitome."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.epitome.config import Config
from nomul.golden.epitome.entries import Entry, checked, cover, in_order, rounds, weights
from nomul.golden.products.contract import (
    code_range,
    corners,
    ideal,
    integers,
    means,
    product,
    refuse_outside,
)

__all__ = ["cycles", "ideal", "model", "model_by_rounds", "project", "shares", "stimuli"]


def shares(cfg: Config, entries: Iterable[Sequence[Any]]) -> Ints:
    """Return which cell of E each weight of the layer is, int64[inputs, outputs]; -1 where none is.

    Cells count row by row. Of the layer's size, and of entries that do not overlap in it.

    Raises
    ------
    TypeError, ValueError
        As for the entries; or two of them make one weight, which is a sum of cells then.
    """
    found = checked(cfg, entries, cfg.inputs, cfg.outputs)
    cells = np.arange(cfg.rows * cfg.cols).reshape(cfg.rows, cfg.cols)
    made = np.full((cfg.inputs, cfg.outputs), -1, dtype=np.int64)
    for number, entry in enumerate(found):
        columns = entry.columns
        rows = slice(entry.input, entry.input + entry.rows)
        place = rows, slice(entry.output, entry.output + len(columns))
        if (made[place] >= 0).any():
            raise ValueError(f"epitome: entries[{number}] must not overlap those before it")
        made[place] = cells[entry.row : entry.row + entry.rows, columns]
    return made


def project(cfg: Config, w: ArrayLike, entries: Iterable[Sequence[Any]]) -> Ints:
    """Return the epitome int64[rows, cols] whose layer is nearest to w int[inputs, outputs].

    Each cell is the mean of the weights that it makes, rounded half to even and clipped, or zero
    where it makes none. For entries that do not overlap in the layer, as those of ``cover``.

    Raises
    ------
    TypeError, ValueError
        w is not of integers, or of another shape; or as for :func:`shares`.
    """
    w, shape = integers("w", w), [cfg.inputs, cfg.outputs]
    if list(w.shape) != shape:
        raise ValueError(f"epitome: w must be of shape {shape}, not {list(w.shape)}")
    cells = shares(cfg, entries)
    made = cells >= 0
    found = means(w[made], cells[made], cfg.rows * cfg.cols, code_range(cfg.weight_bits))
    return found.reshape(cfg.rows, cfg.cols)


def model(cfg: Config, e: ArrayLike, entries: Iterable[Sequence[Any]], x: ArrayLike) -> Ints:
    """Return y = W^T x, int64[V, outputs reached], of activations x int[V, inputs].

    Parameters
    ----------
    e
        int[rows, cols], the epitome.
    entries
        Patches of which W is made, see :class:`nomul.golden.epitome.Entry`.

    Raises
    ------
    TypeError, ValueError
        E or x are no integers, of another shape or out of range; or as for the entries.
    """
    e, x = _cells(cfg, e), _acts(cfg, x)
    found = checked(cfg, entries, x.shape[1])
    return product(x, weights(cfg, e, found, x.shape[1]))


def model_by_rounds(
    cfg: Config, e: ArrayLike, entries: Iterable[Sequence[Any]], x: ArrayLike
) -> Ints:
    """Return the same as :func:`model`, round by round: all rows of E are driven, most by zero."""
    e, x = _cells(cfg, e), _acts(cfg, x)
    found = checked(cfg, entries, x.shape[1])
    reached = max(entry.output + len(entry.columns) for entry in found)
    y = np.zeros((len(x), reached), dtype=np.int64)
    for shared in rounds(found):
        first, row, rows = shared[0].drive
        driven = np.zeros((len(x), cfg.rows), dtype=np.int64)
        driven[:, row : row + rows] = x[:, first : first + rows]
        sums = driven @ e
        for entry in shared:
            columns = entry.columns
            y[:, entry.output : entry.output + len(columns)] += sums[:, columns]
    return y


def cycles(cfg: Config, entries: Iterable[Entry], n: int) -> int:
    """Return the cycles from the first activation of ``n`` vectors to the last sum.

    Of each vector its activations, its rounds, for each entry one cycle and one for each column,
    and its sums; entries are in the order of the table.
    """
    shared = in_order(entries)
    adds = sum(1 + len(entry.columns) for part in shared for entry in part)
    return n * (cfg.inputs + len(shared) * cfg.round_cycles + adds + cfg.outputs)


def _cells(cfg: Config, e: ArrayLike) -> Ints:
    e = integers("e", e)
    if e.shape != (cfg.rows, cfg.cols):
        raise ValueError(
            f"epitome: e must be of shape [{cfg.rows}, {cfg.cols}], not {list(e.shape)}"
        )
    refuse_outside("epitome", "e", e, code_range(cfg.weight_bits))
    return e


def _acts(cfg: Config, x: ArrayLike) -> Ints:
    x = integers("x", x)
    if x.ndim != 2:
        raise ValueError(f"epitome: x must be of shape [V, inputs], not {list(x.shape)}")
    refuse_outside("epitome", "x", x, code_range(cfg.act_bits, cfg.act_signed))
    return x


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 6) -> dict[str, Any]:
    """Return an epitome ``e``, ``entries`` that cover the layer, and vectors ``x``: corners, any.

    Patches are as large as the table's size asks for; where it does not suffice for all inputs,
    those beyond are not met.
    """
    low, high = code_range(cfg.weight_bits)
    e = rng.integers(low, high + 1, (cfg.rows, cfg.cols))
    across = -(-cfg.outputs // cfg.cols)
    if across > cfg.entries:
        # As many outputs as the table reaches, one row for all.
        entries = [Entry(0, 0, i * cfg.cols, 1, (1 << cfg.cols) - 1) for i in range(cfg.entries)]
    else:
        height = int(rng.integers(1, min(cfg.rows, cfg.inputs) + 1))
        down = cfg.entries // across
        while height < min(cfg.rows, cfg.inputs) and -(-cfg.inputs // height) > down:
            height += 1
        breadth = int(rng.integers(-(-cfg.outputs // across), cfg.cols + 1))
        entries = cover(cfg, height, min(breadth, cfg.outputs), 1, 1)
        entries = entries[: cfg.entries]
    bounds = code_range(cfg.act_bits, cfg.act_signed)
    x = np.concatenate(corners(rng, (1, cfg.inputs), bounds, n_vectors))
    return {"e": e, "entries": entries, "x": x}
