"""Bench of the dense array: the family's, for words of plain weights."""

from nomul.golden import dense
from nomul.sim import products


class Unit(products.Driver):
    """Drives the dense array."""

    golden = dense

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: weights step by step, lane by lane, each with all columns."""
        cfg = self.cfg
        return (("w", cfg.weight_bits, cfg.load * cfg.lanes * cfg.columns),)


globals().update(products.tests(Unit))
