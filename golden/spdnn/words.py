"""What the hardware is loaded with: a table of the classes' members, or the edges themselves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.spdnn.config import LARGEST_SHIFT, Config
from nomul.golden.spdnn.layers import Layer, maps


class Edges(NamedTuple):
    """Words of the edges of all layers, by column: int64[n] each.

    A weight is +-2^shift sixteenths; a column without edges is one word with ``none``.
    """

    row: Ints
    shift: Ints
    negative: Ints
    none: Ints
    last: Ints


def members(cfg: Config, layers: Sequence[Layer]) -> Ints:
    """Return the table that the engines ``edge`` and ``class`` are loaded with.

    int64[groups * N]: for every map the neurons of class 0, then those of class 1, and so on.

    Raises
    ------
    ValueError
        Layers of another number or size, or without classes.
    """
    _fits(cfg, layers)
    return np.concatenate([np.argsort(m, kind="stable") for m in maps(layers)])


def edges(cfg: Config, layers: Sequence[Layer]) -> Edges:
    """Return the words that engine ``general`` is given for every batch.

    Raises
    ------
    ValueError
        Layers of another number or size, or a weight that is not +-2^0..2^7 sixteenths; layer and
        edge are named.
    """
    _fits(cfg, layers)
    parts = []
    for number, layer in enumerate(layers, 1):
        size = np.abs(layer.weight)
        wrong = np.flatnonzero((size == 0) | (size & (size - 1) != 0) | (size > 1 << LARGEST_SHIFT))
        if len(wrong):
            raise ValueError(
                f"layer {number}, edge {wrong[0] + 1}: weight must be a power of two of sixteenths "
                f"up to {1 << LARGEST_SHIFT}, of either sign, not {layer.weight[wrong[0]]}"
            )
        empty = np.flatnonzero(np.diff(layer.starts) == 0)
        at = layer.starts[empty]  # a column without edges gets a word of its own
        row, weight = np.insert(layer.row, at, 0), np.insert(layer.weight, at, 0)
        column = np.insert(layer.column, at, empty)
        last = np.append(np.diff(column) != 0, True)
        shift = np.frexp(np.abs(np.where(weight, weight, 1)))[1] - 1
        parts.append((row, shift.astype(np.int64), weight < 0, weight == 0, last))
    return Edges(*(np.concatenate(part).astype(np.int64) for part in zip(*parts, strict=True)))


def cycles(cfg: Config, images: int, layers: Sequence[Layer]) -> int:
    """Return the cycles for some images, without stalls, from the first word in to the last out."""
    batches = -(-images // cfg.adders)
    if cfg.engine != "general":
        return cfg.cycles(images)
    return batches * cfg.batch(len(edges(cfg, layers).row)) + 1


def _fits(cfg: Config, layers: Sequence[Layer]) -> None:
    if len(layers) != cfg.layers:
        raise ValueError(f"layers must be {cfg.layers}, as the hardware has, not {len(layers)}")
    for number, layer in enumerate(layers, 1):
        if layer.neurons != cfg.neurons:
            raise ValueError(
                f"layer {number} has {layer.neurons} neurons; the hardware has {cfg.neurons}"
            )
