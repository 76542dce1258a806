"""Bench of the outer product by FP16 multipliers: ESSOP's bench with another model."""

import cocotb
import numpy as np

from nomul.golden import essop, fp16outer
from nomul.golden.fp16outer import Config
from nomul.sim import harness
from nomul.sim.essop import check_rows, pack, quiet_seed
from nomul.sim.stream import STALLS, Bench, assert_equal, bits


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def rows_equal_the_model(dut, source, sink):
    """Every product of every pair, one operand above full scale, under all stalls."""
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
    pairs = fp16outer.stimuli(cfg, bench.numpy_rng, 24)
    pairs["x"][0, 0] = (1 << cfg.width) + 1
    y_model = fp16outer.model(cfg, **{name: pairs[name] for name in ("x", "sx", "d", "sd")})
    unit = essop.unit_exponent(cfg, pairs["e_x"], pairs["e_d"])
    x_d, y = bench.source("x_d", pack(cfg, pairs), source), bench.sink("y", sink)
    quiet_seed(bench, cfg)
    await bench.reset()
    words = await bench.receive(y, len(y_model) * cfg.rows)
    check_rows(cfg, words, y_model.reshape(-1, cfg.cols), np.repeat(unit, cfg.rows))
    assert_equal(bits(dut.saturated), 1, "saturated")
    harness.record(pairs=len(unit), products=int(y_model.size))
    if source == sink == "never":
        cycles = y.cycles[-1] - x_d.sent[0] + 1
        assert_equal(cycles, cfg.cycles(len(unit)), "cycles")
        harness.record(cycles=cycles)
