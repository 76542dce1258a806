"""Bench of the array of power-of-two coefficients: the family's, and a code of minus nothing."""

import cocotb

from nomul.golden import pow2basis
from nomul.sim import products
from nomul.sim.stream import assert_equal


class Unit(products.Driver):
    """Drives the array of power-of-two coefficients."""

    golden = pow2basis
    flags = pow2basis.FLAGS

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: bits, of a basis and a bitmap, or of coefficients."""
        return (("w", 1, self.cfg.word_bits),)


globals().update(products.tests(Unit))


@cocotb.test()
async def minus_nothing_is_nothing(dut):
    """Offer the code of minus zero in place of zero: E_CODE, and the same sums."""
    unit = Unit(dut)
    cfg = unit.cfg
    packed, x = await unit.begin(6)
    ce, b = packed.ce.copy(), packed.b.copy()
    ce[0], b[0, -1] = 0, 1
    ce[0, 0, -1] = -1
    if cfg.size > 1:
        packed = pow2basis.compress(cfg, (ce, b))
    words, expected = unit.tile_words(packed), pow2basis.model(cfg, packed, x)
    if cfg.size > 1:
        words[cfg.blocks] |= 1 << 3
    await unit.load(packed, words)
    for vector in x:
        unit.offer(unit.vector_words(packed, vector))
    assert_equal(await unit.take(len(x)), expected, "y")
    unit.check_errors(*(("E_CODE",) if cfg.size > 1 else ()))
