"""Bench of the permuted-diagonal array: the family's, vectors with zeros to skip, and shifts."""

from typing import Any

import cocotb

from nomul.golden import permdiag
from nomul.sim import products
from nomul.sim.stream import assert_equal

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "products_equal_the_model/source=never/sink=never"


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
    await unit.bench.reset()
    cfg = unit.cfg
    made = permdiag.stimuli(cfg, unit.bench.numpy_rng, 6)
    x, words = made["x"], unit.tile_words(made["packed"])
    wrong = cfg.k == "loaded" and cfg.p < 1 << cfg.shift_bits
    rest = words[0] >> cfg.field_bits << cfg.field_bits
    sums: list[Any] = []
    for shift in (0, cfg.p if wrong else 0):
        unit.check_errors()
        await unit.load(None, [rest | shift, *words[1:]])
        for vector in x:
            unit.offer(unit.vector_words(None, vector))
        sums.append((await unit.take(len(x) * (len(sums) + 1)))[-len(x) :])
    assert_equal(sums[1], sums[0], "y of a shift that is too large")
    unit.check_errors(*(("E_SHIFT",) if wrong else ()))
