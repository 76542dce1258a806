"""Bench of the N:M sorter."""

import cocotb
import numpy as np

from nomul.golden.nmsort import Config, model, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, Sink, assert_equal, bits, under_test

MEASURED = "survivors_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def words(cfg: Config, w: np.ndarray, last: np.ndarray | None = None) -> list[int]:
    """Return the payloads of groups, int[groups, M]; ``last`` where it is not at the ends."""
    ends = np.arange(w.size) % cfg.group == cfg.group - 1 if last is None else last
    return Layout((("w", cfg.weight_bits, 1), ("last", 1, 1))).pack(w=w.ravel(), last=ends)


async def compare(cfg: Config, bench: Bench, o: Sink, w: np.ndarray) -> None:
    """Receive what stays of the groups, and compare value and index with the model's."""
    fields = (("value", cfg.weight_bits, cfg.keep), ("index", cfg.index_bits, cfg.keep))
    got = Layout(fields).unpack(await bench.receive(o, len(w)), signed=("value",))
    expected = model(cfg, w)
    assert_equal(got["value"].reshape(-1, cfg.keep), expected.value, "value")
    assert_equal(got["index"].reshape(-1, cfg.keep), expected.place, "index")


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def survivors_equal_the_model(dut, source, sink):
    """Value and index of what stays, group after group, under all stalls."""
    cfg, bench = under_test(dut, Config)
    w = stimuli(cfg, bench.numpy_rng)["w"]
    i, o = bench.source("i", words(cfg, w), source), bench.sink("o", sink)
    await bench.reset()
    await compare(cfg, bench, o, w)
    assert_equal(bits(dut.misframed), 0, "misframed")
    if source == sink == "never":
        assert_equal(o.cycles[-1] - i.sent[0] + 1, cfg.cycles(len(w)), "cycles")
        assert_equal(np.diff(o.cycles), np.full(len(w) - 1, cfg.interval), "interval")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset inside a group: nothing of it is left, and everything is right from the start."""
    cfg, bench = under_test(dut, Config)
    w = stimuli(cfg, bench.numpy_rng)["w"]
    i, o = bench.source("i", words(cfg, w), "random"), bench.sink("o", "random")
    await bench.reset()
    await bench.until(lambda: len(i.sent) >= 3 * cfg.group + cfg.group // 2)
    await bench.restart()
    await compare(cfg, bench, o, w)


@cocotb.test()
@cocotb.parametrize(kind=["short", "long", "twice"])
async def a_wrong_frame_leaves_nothing_and_raises_the_flag(dut, kind):
    """End a group early, late or two groups late; those around it are whole."""
    cfg, bench = under_test(dut, Config)
    w = stimuli(cfg, bench.numpy_rng, 4)["w"]
    size = {"short": cfg.group - 1, "long": cfg.group + 1, "twice": 2 * cfg.group}[kind]
    wrong = np.resize(w[-1], size)
    frame = words(cfg, wrong, np.arange(size) == size - 1) if size else []
    payloads = words(cfg, w)
    half = len(w) // 2 * cfg.group
    bench.source("i", [*payloads[:half], *frame, *payloads[half:]], "random")
    o = bench.sink("o", "random")
    await bench.reset()
    await compare(cfg, bench, o, w)
    assert_equal(bits(dut.misframed), int(size > 0), "misframed")
