"""Bench of the compressor tree."""

import cocotb

from nomul.golden import compressor
from nomul.sim.popcount import check_counts
from nomul.sim.stream import STALLS

MEASURED = "counts_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def counts_equal_the_model(dut, source, sink):
    """Words of every density, under all stalls."""
    await check_counts(dut, compressor, source, sink)
