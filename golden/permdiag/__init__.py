"""Permuted diagonals: blocks of one weight per row and column, after PermDNN."""

from nomul.golden.permdiag.config import PRODUCTS, Config
from nomul.golden.permdiag.diagonals import best, indices, project, shifts
from nomul.golden.permdiag.product import (
    Packed,
    compress,
    cycles,
    ideal,
    model,
    model_by_inputs,
    stimuli,
    work,
)

__all__ = [
    "PRODUCTS",
    "Config",
    "Packed",
    "best",
    "compress",
    "cycles",
    "ideal",
    "indices",
    "model",
    "model_by_inputs",
    "project",
    "shifts",
    "stimuli",
    "work",
]
