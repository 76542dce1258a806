"""Permuted diagonals: blocks of one weight per row and column, after PermDNN."""

from nomul.golden.permdiag.config import FLAGS, PRODUCTS, RULES, Config
from nomul.golden.permdiag.diagonals import best, indices, nearest_shifts, project, shifts
from nomul.golden.permdiag.product import (
    Packed,
    compress,
    cycles,
    model_by_inputs,
    stimuli,
    work,
)
from nomul.golden.products.contract import ideal, model

__all__ = [
    "FLAGS",
    "PRODUCTS",
    "RULES",
    "Config",
    "Packed",
    "best",
    "compress",
    "cycles",
    "ideal",
    "indices",
    "model",
    "model_by_inputs",
    "nearest_shifts",
    "project",
    "shifts",
    "stimuli",
    "work",
]
