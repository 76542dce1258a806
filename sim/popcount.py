"""Bench of the population count."""

import cocotb

from nomul.golden import popcount
from nomul.sim.stream import STALLS, Layout, assert_equal, under_test

MEASURED = "counts_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def counts_equal_the_model(dut, source, sink):
    """Words of every density, under all stalls."""
    await check_counts(dut, popcount, source, sink)


async def check_counts(dut, block, source, sink):
    """Count the words of a block's stimuli; compare counts and cycles with those of its model."""
    cfg, bench = under_test(dut, block.Config)
    words = block.stimuli(cfg, bench.numpy_rng)["x"]
    x = bench.source("x", Layout((("bits", 1, cfg.width),)).pack(bits=words), source)
    y = bench.sink("y", sink)
    await bench.reset()
    assert_equal(await bench.receive(y, len(words)), block.model(cfg, words), "count")
    if source == sink == "never":
        assert_equal(y.cycles[-1] - x.sent[0] + 1, cfg.cycles(len(words)), "cycles")
