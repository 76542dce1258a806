"""Bench of the outer product by FP16 multipliers: that of its family with its own model."""

import cocotb

from nomul.golden import fp16outer
from nomul.sim.outer import check_products
from nomul.sim.stream import STALLS

MEASURED = "rows_equal_the_model/source=never/sink=never"
OPERATION = "product"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def rows_equal_the_model(dut, source, sink):
    """Every product of every pair, one operand above full scale, under all stalls."""
    await check_products(dut, fp16outer, source, sink, above=0)
