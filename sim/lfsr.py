"""Bench of the leap-forward LFSR."""

import cocotb

from nomul.golden.lfsr import Config, model
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, assert_equal

MEASURED = "states_equal_the_model/sink=never"
OPERATION = "transfer"


@cocotb.test()
@cocotb.parametrize(sink=STALLS)
async def states_equal_the_model(dut, sink):
    """Every state, the seed first, in order, however often the sink stalls."""
    cfg, count = Config.from_json(harness.config_text()), 300
    bench = Bench(dut)
    o = bench.sink("o", sink)
    await bench.reset()
    await bench.until(lambda: len(o.received) >= count)
    assert_equal(o.received[:count], model(cfg, count), "state")
    if sink == "never":
        assert_equal(o.cycles[count - 1] - o.cycles[0] + 1, cfg.cycles(count), "cycles")
