"""Bench of the classifier whose inputs come one by one."""

import os

import cocotb
import numpy as np

from nomul.golden.lutnet import Config
from nomul.sim import harness
from nomul.sim.lutnet.bench import expected, keep, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal

MEASURED = "classes_equal_the_model/source=never/sink=never"
OPERATION = "transfer"

# Vectors of the bench's own; all of a file.
VECTORS = 40


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def classes_equal_the_model(dut, source, sink):
    """Every vector, code by code, under all stalls."""
    cfg = Config.from_json(harness.config_text())
    bench, network = Bench(dut), cfg.load()
    x, lanes = stimuli(cfg, bench.numpy_rng), network.lanes[-1]
    x = x if "NOMUL_STIMULI" in os.environ else x[:VECTORS]
    feed = bench.source("x", x.reshape(-1).tolist(), source)
    take = bench.sink("y", sink)
    await bench.reset()
    words = await bench.receive(take, len(x), 2 * network.inputs)
    got = Layout((("y", lanes.width, lanes.count), ("last", 1, 1))).unpack(words)
    keep(got["y"].reshape(len(x), -1))
    assert_equal(got["y"].reshape(len(x), -1), expected(network, x), "y")
    assert_equal(got["last"], np.ones(len(x), dtype=np.int64), "last")
    if source == sink == "never":
        assert_equal(feed.sent[-1] - feed.sent[0] + 1, network.inputs * len(x), "cycles")
