"""Circulant matrix-vector product: weights that go around, or exact transforms."""

from nomul.hw.circulant.spectral import Points
from nomul.hw.circulant.top import Top
from nomul.hw.circulant.transform import Transform

__all__ = ["Points", "Top", "Transform"]
