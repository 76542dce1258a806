"""Bench of the stream register and the skid buffer."""

import cocotb

from nomul.golden.skid import Config, model, stimuli
from nomul.sim.stream import STALLS, assert_equal, bit, under_test

MEASURED = "words_pass_unchanged/source=never/sink=never"
OPERATION = "transfer"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def words_pass_unchanged(dut, source, sink):
    """Nothing is lost, doubled or reordered, under all stalls."""
    cfg, bench = under_test(dut, Config)
    words = stimuli(cfg, bench.numpy_rng)["x"]
    i, o = bench.source("i", words.tolist(), source), bench.sink("o", sink)
    await bench.reset()
    assert_equal(await bench.receive(o, len(words)), model(cfg, words), "word")
    if source == sink == "never":
        assert_equal(o.cycles[-1] - i.sent[0] + 1, cfg.cycles(len(words)), "cycles")


@cocotb.test()
async def holds_as_many_words_as_it_has_registers(dut):
    """With a sink that never takes, one word enters the register and two the skid buffer."""
    cfg, bench = under_test(dut, Config)
    i = bench.source("i", [1, 0, 1, 0])
    dut.o__ready.value = 0
    await bench.reset()
    for _ in range(10):
        await bench.step()
    assert_equal(len(i.sent), {"register": 1, "skid": 2}[cfg.kind], "words held")
    assert not bit(dut.i__ready)
