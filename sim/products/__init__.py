"""The bench of all matrix-vector products; a member's own bench names its words."""

from nomul.sim.products.driver import Driver
from nomul.sim.products.tests import tests

__all__ = ["Driver", "tests"]
