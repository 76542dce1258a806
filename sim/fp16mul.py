"""Bench of the FP16 multiplier."""

import os

import cocotb
import numpy as np

from nomul.golden.fp16mul import Config, model, stimuli
from nomul.sim import harness
from nomul.sim.stream import STALLS, Layout, assert_equal, bit, bits, under_test

MEASURED = "products_equal_the_model/source=never/sink=never"
OPERATION = "product"

OPERANDS = Layout((("a", 16, 1), ("b", 16, 1)))


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def products_equal_the_model(dut, source, sink):
    """Every corner times every corner, and random pairs; fewer of these where the streams stall.

    Or the products ``a`` times ``b`` of the file that ``NOMUL_STIMULI`` names.
    """
    cfg, bench = under_test(dut, Config)
    path = os.environ.get("NOMUL_STIMULI")
    if path is None:
        count = 20_000 if source == sink == "never" else 5_000
        a, b = stimuli(cfg, bench.numpy_rng, count).values()
    else:
        with np.load(path) as file:
            a, b = file["a"], file["b"]
    ab = bench.source("ab", OPERANDS.pack(a=a, b=b), source)
    y = bench.sink("y", sink)
    await bench.reset()
    assert_equal(await bench.receive(y, len(a)), model(cfg, a, b), "product")
    harness.record(products=len(a))
    if source == sink == "never":
        cycles = y.cycles[-1] - ab.sent[0] + 1
        assert_equal(cycles, cfg.cycles(len(a)), "cycles")
        harness.record(cycles=cycles, pairs=len(a))


@cocotb.test()
async def each_stage_holds_a_pair(dut):
    """With a sink that never takes, three pairs enter and the fourth waits."""
    cfg, bench = under_test(dut, Config)
    a, b = stimuli(cfg, bench.numpy_rng, 0).values()
    ab = bench.source("ab", OPERANDS.pack(a=a, b=b))
    dut.y__ready.value = 0
    await bench.reset()
    for _ in range(10):
        await bench.step()
    assert_equal(len(ab.sent), cfg.stages, "pairs held")
    assert not bit(dut.ab__ready)
    assert_equal(bits(dut.y__payload), model(cfg, a[0], b[0]), "first product")
