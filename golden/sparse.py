"""Sparse weights, packed for the SP-IMC macro; see :mod:`nomul.golden.spimc.pack`."""

from nomul.golden.spimc.cost import choose_format, survey
from nomul.golden.spimc.entries import entries_needed, weights
from nomul.golden.spimc.pack import load, pack, pack_columns, save, stream, unpack
from nomul.golden.spimc.packed import Packed
from nomul.golden.spimc.prepare import fold, prune_groups, prune_magnitude, quantise

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
