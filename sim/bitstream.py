"""Bench of the bitstream sources."""

import cocotb
import numpy as np

from nomul.golden.bitstream import Config, Side, model
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal

MEASURED = "words_equal_the_model/sink=never"
OPERATION = "transfer"


@cocotb.test()
@cocotb.parametrize(sink=STALLS)
async def words_equal_the_model(dut, sink):
    """Every word of both sides, in order, with the end of each vector marked."""
    cfg = Config.from_json(harness.config_text())
    count = 12 * cfg.beats
    sizes = [cfg.bits_per_cycle * cfg.lanes(side) for side in Side]
    layout = Layout((("r", cfg.width, sizes[0]), ("s", cfg.width, sizes[1]), ("last", 1, 1)))
    bench = Bench(dut)
    o = bench.sink("o", sink)
    await bench.reset()
    await bench.until(lambda: len(o.received) >= count)
    got = layout.unpack(o.received[:count])
    r, s = model(cfg, count)
    assert_equal(got["r"].reshape(count, -1), r, "r")
    assert_equal(got["s"].reshape(count, -1), s, "s")
    assert_equal(got["last"], np.arange(1, count + 1) % cfg.beats == 0, "last")
    if sink == "never":
        assert_equal(o.cycles[count - 1] - o.cycles[0] + 1, cfg.cycles(12), "cycles")
