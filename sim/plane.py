"""Bench of the plane of product cells."""

import cocotb

from nomul.golden import outer, plane
from nomul.golden.plane import Config
from nomul.sim import harness
from nomul.sim.outer import pack, stimuli
from nomul.sim.stream import STALLS, Layout, assert_equal, under_test

MEASURED = "products_equal_the_model/source=never/sink=never"
OPERATION = "product"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def products_equal_the_model(dut, source, sink):
    """Every product of every pair, with signs and unit, under all stalls."""
    cfg, bench = under_test(dut, Config)
    pairs = stimuli(cfg.unit, bench.numpy_rng, 64)
    count = len(pairs["x"])
    expected = plane.model(cfg, pairs["x"], pairs["sx"], pairs["d"], pairs["sd"])
    layout = Layout(
        (
            ("y", cfg.array.count_bits, cfg.rows * cfg.cols),
            ("sx", 1, cfg.rows),
            ("sd", 1, cfg.cols),
            ("exponent", outer.EXPONENT_BITS + 2, 1),
        )
    )
    x_d = bench.source("x_d", pack(cfg.unit, pairs), source)
    y = bench.sink("y", sink)
    await bench.reset()
    got = layout.unpack(await bench.receive(y, count), signed=("exponent",))
    assert_equal(got["y"].reshape(expected.shape), abs(expected), "magnitude")
    assert_equal(got["sx"].reshape(count, -1), pairs["sx"], "sx")
    assert_equal(got["sd"].reshape(count, -1), pairs["sd"], "sd")
    unit = outer.unit_exponent(cfg.unit, pairs["e_x"], pairs["e_d"])
    assert_equal(got["exponent"], unit, "exponent")
    harness.record(pairs=count, products=int(expected.size))
    if source == sink == "never":
        cycles = y.cycles[-1] - x_d.sent[0] + 1
        assert_equal(cycles, cfg.cycles(count), "cycles")
        harness.record(cycles=cycles)
