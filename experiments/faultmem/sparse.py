"""Inference from entries of SP-IMC in a memory that forgets writes: weights and their indices."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.faultmem.inference import NETWORK, accuracy, swept
from nomul.experiments.faultmem.schemes import weights_of
from nomul.experiments.tables import Rows
from nomul.golden import network, spimc
from nomul.golden.arrays import Ints
from nomul.golden.network import Dense, Network
from nomul.golden.spimc import layer as spimc_layer
from nomul.golden.spimc.packed import Packed
from nomul.golden.spimc.tiles import faults, positions

# Two of each four weights, so an index has two bits; what is malformed counts as 0.
TILE = spimc.Tile(format="nm", nnz_per_group=2, group=4)
MACRO = spimc.Config(window=64, columns=16, slots=32, strict=False)
INDEX_BITS = 2
# An index that is wrong moves a weight, so it is worth as much as the weight's highest bit.
WORTH = (*weights_of(MACRO.weight_bits), *[0] * INDEX_BITS)


def entries(tiles: list[Packed]) -> Ints:
    """Return the words of all entries that are in use: the weight, and the index above it."""
    low = (1 << MACRO.weight_bits) - 1
    parts = [
        (t.value.astype(np.int64) & low) | t.index.astype(np.int64) << MACRO.weight_bits
        for t in tiles
    ]
    return np.concatenate([p[used(t)] for p, t in zip(parts, tiles, strict=True)])


def used(packed: Packed) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which entries are in use, bool[columns, slots]."""
    return np.arange(packed.value.shape[1]) < packed.count[:, None]


def with_entries(tiles: list[Packed], words: Ints) -> Iterator[Packed]:
    """Yield tiles whose entries are those of words."""
    at, half = 0, 1 << (MACRO.weight_bits - 1)
    for packed in tiles:
        where = used(packed)
        part = words[at : at + int(where.sum())]
        at += len(part)
        value, index = packed.value.astype(np.int64), packed.index.astype(np.int64)
        value[where] = ((part & (2 * half - 1)) ^ half) - half
        index[where] = part >> MACRO.weight_bits
        yield dataclasses.replace(packed, value=value, index=index)


def weights(packed: Packed) -> Ints:
    """Return the weights that the macro computes with, int64[length, columns].

    An entry that is out of order or there twice counts as 0.
    """
    good = used(packed) & (faults(MACRO, packed) < 0)
    column, slot = np.nonzero(good)
    w = np.zeros((MACRO.length(packed.tile), len(packed.count)), dtype=np.int64)
    w[positions(MACRO, packed)[column, slot], column] = packed.value[column, slot]
    return w


def with_tiles(net: Network, plans: list[spimc_layer.Layer], tiles: list[Packed]) -> Network:
    """Return a network whose dense layers have the weights of tiles."""
    given, held = iter(plans), iter(tiles)
    layers: list[network.Layer] = []
    for layer in net.layers:
        if isinstance(layer, Dense):
            plan = next(given)
            w = np.zeros(layer.w.shape, dtype=np.int64)
            for placed in plan.tiles:
                part = weights(next(held))[:, : len(placed.owner)]
                w[placed.row : placed.row + len(part), placed.owner] = part
            layers.append(Dense(w=w))
        else:
            layers.append(layer)
    return dataclasses.replace(net, layers=layers)


@caption("Accuracy and write energy of the digits MLP in entries of SP-IMC, two of each four.")
def sparse() -> Rows:
    """Return accuracy and, by a model, energy for each scheme and chance of a failure."""
    from nomul.train import digits

    net, samples = network.example(NETWORK), digits.load()
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    plans = [spimc_layer.plan(layer.w, MACRO, TILE, prune=True) for layer in dense]
    tiles = [placed.packed for plan in plans for placed in plan.tiles]
    codes, new = net.encode(samples.x_test), entries(tiles)

    def judged(words: Ints) -> float:
        held = list(with_entries(tiles, words))
        return accuracy(with_tiles(net, plans, held), codes, samples.labels_test)

    return swept(WORTH, new, judged)
