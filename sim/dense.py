"""Bench of the dense array: the family's, for words of plain weights."""

import cocotb

from nomul.golden import dense
from nomul.sim import products
from nomul.sim.stream import STALLS

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "products_equal_the_model/source=never/sink=never"


class Unit(products.Driver):
    """Drives the dense array."""

    golden = dense

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: weights, lane by lane, each with all columns."""
        return (("w", self.cfg.weight_bits, self.cfg.lanes * self.cfg.columns),)

    def x_lanes(self) -> int:
        """Return the activations of a beat."""
        return self.cfg.lanes


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
