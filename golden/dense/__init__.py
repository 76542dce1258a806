"""Dense: the honest baseline of the matrix-vector products, by multipliers or by AND-and-add."""

from nomul.golden.dense.config import ARRAYS, MULTIPLIERS, Config
from nomul.golden.dense.product import (
    Packed,
    compress,
    model_by_steps,
    project,
    stimuli,
)
from nomul.golden.products.contract import cycles, ideal, model

__all__ = [
    "ARRAYS",
    "MULTIPLIERS",
    "Config",
    "Packed",
    "compress",
    "cycles",
    "ideal",
    "model",
    "model_by_steps",
    "project",
    "stimuli",
]
