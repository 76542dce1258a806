"""Matrix-vector product by coefficients of powers of two and small bases."""

from nomul.hw.pow2basis.loader import Loader
from nomul.hw.pow2basis.top import Top
from nomul.hw.pow2basis.unit import Unit

__all__ = ["Loader", "Top", "Unit"]
