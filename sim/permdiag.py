"""Bench of the permuted-diagonal array: the family's, whose vectors have zeros to skip."""

import cocotb

from nomul.golden import permdiag
from nomul.sim import products
from nomul.sim.stream import STALLS

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "products_equal_the_model/source=never/sink=never"


class Unit(products.Driver):
    """Drives the permuted-diagonal array."""

    golden = permdiag

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: a weight, or its code, for each unit."""
        return (("w", self.cfg.stored_bits, self.cfg.units),)

    def x_lanes(self) -> int:
        """Return the activations of a beat."""
        return self.cfg.width


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def products_equal_the_model(dut, source, sink):
    """Random and corner tiles, back to back, under all stalls; cycles as the formula says."""
    await products.products(Unit(dut, source, sink), source == sink == "never")


@cocotb.test()
async def vectors_in_sequence(dut):
    """One tile, many vectors."""
    await products.sequence(Unit(dut))


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def malformed_tiles_give_nothing(dut, source):
    """Short and long tiles: their flags, no sums, no harm."""
    await products.malformed_tiles(Unit(dut, source, source))


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def wrong_vectors_give_nothing(dut, source):
    """Short and long vectors: their flags, no sums, no harm."""
    await products.wrong_vectors(Unit(dut, source, source))


@cocotb.test()
async def works_after_reset(dut):
    """Reset in mid-transaction."""
    await products.resets(Unit(dut, "random", "random"))
