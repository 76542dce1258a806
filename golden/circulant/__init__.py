"""Circulant blocks: k weights of each k x k, by a register that rotates or by exact transforms."""

from nomul.golden.circulant.blocks import complete, places, project, shares, spread
from nomul.golden.circulant.config import ENGINES, FLAGS, Config
from nomul.golden.circulant.product import (
    Packed,
    compress,
    model_by_steps,
    stimuli,
)
from nomul.golden.products.config import PRODUCTS
from nomul.golden.products.contract import cycles, ideal, model

__all__ = [
    "ENGINES",
    "FLAGS",
    "PRODUCTS",
    "Config",
    "Packed",
    "complete",
    "compress",
    "cycles",
    "ideal",
    "model",
    "model_by_steps",
    "places",
    "project",
    "shares",
    "spread",
    "stimuli",
]
