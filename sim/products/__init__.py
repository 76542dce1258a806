"""The bench of all matrix-vector products; a member's own bench names its tests and its words."""

from nomul.sim.products.bench import (
    malformed_tiles,
    products,
    resets,
    sequence,
    wrong_vectors,
)
from nomul.sim.products.driver import Driver

__all__ = ["Driver", "malformed_tiles", "products", "resets", "sequence", "wrong_vectors"]
