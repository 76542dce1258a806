"""FP16 multiplier: three stages of product, one normalising shift, and rounding."""

from nomul.hw.fp16mul.top import (
    HALF,
    OPERANDS,
    UNDERFLOW,
    Fields,
    Flush,
    Gradual,
    Top,
    Underflow,
    held_product,
)

__all__ = [
    "HALF",
    "OPERANDS",
    "UNDERFLOW",
    "Fields",
    "Flush",
    "Gradual",
    "Top",
    "Underflow",
    "held_product",
]
