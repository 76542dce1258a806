"""Dense matrix-vector product: multipliers or AND-and-add, one column per sum."""

from nomul.hw.dense.column import Column
from nomul.hw.dense.top import Top

__all__ = ["Column", "Top"]
