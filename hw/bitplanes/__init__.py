"""Matrix-vector product by bit planes: lanes that compare bits, trees that count them."""

from nomul.hw.bitplanes.column import Column
from nomul.hw.bitplanes.top import Top

__all__ = ["Column", "Top"]
