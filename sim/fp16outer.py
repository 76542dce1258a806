"""Bench of the outer product by FP16 multipliers: that of its family with its own model."""

import cocotb

from nomul.golden import fp16outer
from nomul.golden.fp16outer import Config
from nomul.sim import harness
from nomul.sim.outer import check_products
from nomul.sim.stream import STALLS, Bench

MEASURED = "rows_equal_the_model/source=never/sink=never"
OPERATION = "product"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def rows_equal_the_model(dut, source, sink):
    """Every product of every pair, one operand above full scale, under all stalls."""
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
    pairs = fp16outer.stimuli(cfg, bench.numpy_rng, 24)
    pairs["x"][0, 0] = (1 << cfg.width) + 1
    await check_products(bench, cfg, pairs, fp16outer.model, source, sink)
