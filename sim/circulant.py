"""Bench of the circulant array: the family's, for words of a block's weights or points."""

import cocotb

from nomul.golden import circulant
from nomul.sim import products
from nomul.sim.products import bench


class Unit(products.Driver):
    """Drives the circulant array."""

    golden = circulant
    flags = circulant.FLAGS

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: of each unit a block's first column, or one point of it."""
        cfg = self.cfg
        each = cfg.k if cfg.engine == "direct" else 1
        return (("w", cfg.stored_bits, cfg.rows_at_once * each),)


globals().update(products.tests(Unit))


@cocotb.test()
async def codes_that_are_no_residues_count_as_zero(dut):
    """Offer a code with the bit of zero and another one: E_CODE, and the sums of a zero there.

    Of the engine that rotates every word is a weight, and nothing is flagged.
    """
    unit = Unit(dut)
    codes = unit.cfg.engine == "ntt"
    zero = 1 << unit.cfg.modulus_log2 if codes else 0
    wrong, flag = (zero | 5, "E_CODE") if codes else (0, None)
    await bench.code_counts_as_zero(unit, unit.cfg.stored_bits, zero, wrong, flag)
