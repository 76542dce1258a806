"""Bench of what the array in memory does with operands that do not belong together."""

import cocotb
import numpy as np

from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.sim.sotfp.bench import pack, unpack
from nomul.sim.stream import assert_equal, bit, under_test


@cocotb.test()
async def unequal_ends_are_flagged(dut):
    """``last`` on one side only: it ends the batch, and the flag stays."""
    cfg, bench = under_test(dut, Config)
    a, b = np.array([1, 2, 3]), np.array([4, 5, 6])
    first, _ = pack(cfg, a, b, "add", np.array([0, 0, 1]))
    _, second = pack(cfg, a, b, "add", np.array([0, 1, 1]))
    bench.source("a", first)
    bench.source("b", second)
    y = bench.sink("y")
    await bench.reset()
    assert not bit(dut.unpaired)
    await bench.receive(y, 3)
    words, last = unpack(cfg, y.received)
    assert_equal(words, sotfp.model(cfg, "add", a, b).astype(np.int64), "y")
    assert_equal(last, [0, 1, 1], "last")
    assert bit(dut.unpaired)
