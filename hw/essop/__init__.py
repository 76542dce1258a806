"""ESSOP, the stochastic outer product: operands and sources around an array of counting cells."""

from nomul.hw.essop.layouts import EXPONENT, UNIT_EXPONENT, pair_layout, row_layout
from nomul.hw.essop.top import Top

__all__ = [
    "EXPONENT",
    "UNIT_EXPONENT",
    "Top",
    "pair_layout",
    "row_layout",
]
