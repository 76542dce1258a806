"""Product quantisation: the nearest prototype of each subvector, and tables of their products."""

from nomul.golden.pq.config import LEAVES, LEVELS, METRICS, Config
from nomul.golden.pq.fit import fit, least_shift, tables
from nomul.golden.pq.packed import Packed
from nomul.golden.pq.product import (
    compress,
    indices,
    model,
    project,
    stimuli,
)
from nomul.golden.products.contract import cycles, ideal

__all__ = [
    "LEAVES",
    "LEVELS",
    "METRICS",
    "Config",
    "Packed",
    "compress",
    "cycles",
    "fit",
    "ideal",
    "indices",
    "least_shift",
    "model",
    "project",
    "stimuli",
    "tables",
]
