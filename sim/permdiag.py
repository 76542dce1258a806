"""Bench of the permuted-diagonal array: the family's, vectors with zeros to skip, and shifts."""

import cocotb

from nomul.golden import permdiag
from nomul.sim import products
from nomul.sim.products import bench


class Unit(products.Driver):
    """Drives the permuted-diagonal array."""

    golden = permdiag
    flags = permdiag.FLAGS

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: a weight, its code, or a shift, for each unit."""
        return (("w", self.cfg.field_bits, self.cfg.units),)


globals().update(products.tests(Unit))


@cocotb.test()
async def shifts_of_p_or_more_count_as_zero(dut):
    """Offer a shift that is too large in place of zero: E_SHIFT, and the same sums.

    Where shifts are not loaded, or p fills their bits, there is no such shift.
    """
    unit = Unit(dut)
    cfg = unit.cfg
    there = cfg.k == "loaded" and cfg.p < 1 << cfg.shift_bits
    wrong, flag = (cfg.p, "E_SHIFT") if there else (0, None)
    await bench.code_counts_as_zero(unit, cfg.field_bits, 0, wrong, flag)
