"""Bench of the circulant array: the family's, for words of a block's weights or points."""

from typing import Any

import cocotb

from nomul.golden import circulant
from nomul.sim import products
from nomul.sim.stream import assert_equal

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "products_equal_the_model/source=never/sink=never"


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
    await unit.bench.reset()
    made = circulant.stimuli(unit.cfg, unit.bench.numpy_rng, 6)
    x, words = made["x"], unit.tile_words(made["packed"])
    codes = unit.cfg.engine == "ntt"
    zero = 1 << unit.cfg.modulus_log2 if codes else 0
    sums: list[Any] = []
    rest = words[0] >> unit.cfg.stored_bits << unit.cfg.stored_bits
    for code in (zero, zero | 5 if codes else 0):
        unit.check_errors()
        await unit.load(None, [rest | code, *words[1:]])
        for vector in x:
            unit.offer(unit.vector_words(None, vector))
        sums.append((await unit.take(len(x) * (len(sums) + 1)))[-len(x) :])
    assert_equal(sums[1], sums[0], "y of a code that is no residue")
    unit.check_errors(*(("E_CODE",) if codes else ()))
