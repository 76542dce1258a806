"""Product quantisation: nearest prototypes, and tables of their products."""

from nomul.hw.pq.nearest import Nearest
from nomul.hw.pq.top import Top
from nomul.hw.pq.tree import Tree

__all__ = ["Nearest", "Top", "Tree"]
