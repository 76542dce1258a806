"""Permuted-diagonal matrix-vector product: zero compactor, addresses of rows, units."""

from nomul.hw.permdiag.compactor import Compactor
from nomul.hw.permdiag.top import Top
from nomul.hw.permdiag.unit import Unit

__all__ = ["Compactor", "Top", "Unit"]
