"""Bench of the permuted-diagonal array: the family's, whose vectors have zeros to skip."""

from nomul.golden import permdiag
from nomul.sim import products

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "products_equal_the_model/source=never/sink=never"


class Unit(products.Driver):
    """Drives the permuted-diagonal array."""

    golden = permdiag

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: a weight, or its code, for each unit."""
        return (("w", self.cfg.stored_bits, self.cfg.units),)


globals().update(products.tests(Unit))
