"""Weights that are coefficients of powers of two times small bases, after SmartExchange."""

from nomul.golden.pow2basis.codes import decode, encode, nearest
from nomul.golden.pow2basis.config import CODE_BITS, DATAPATHS, FLAGS, Config
from nomul.golden.pow2basis.decompose import decompose
from nomul.golden.pow2basis.product import (
    Factored,
    Packed,
    compress,
    cycles,
    model_by_steps,
    project,
    project_all,
    stimuli,
)
from nomul.golden.products.config import PRODUCTS
from nomul.golden.products.contract import ideal, model

__all__ = [
    "CODE_BITS",
    "DATAPATHS",
    "FLAGS",
    "PRODUCTS",
    "Config",
    "Factored",
    "Packed",
    "compress",
    "cycles",
    "decode",
    "decompose",
    "encode",
    "ideal",
    "model",
    "model_by_steps",
    "nearest",
    "project",
    "project_all",
    "stimuli",
]
