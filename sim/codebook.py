"""Bench of the codebook."""

import cocotb
import numpy as np

from nomul.golden.codebook import Config, model, stimuli
from nomul.sim.stream import STALLS, Layout, assert_equal, bits, under_test

MEASURED = "levels_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def layouts(cfg: Config) -> tuple[Layout, Layout]:
    """Return the bit order of an entry and of a level."""
    entry = (("code", cfg.code_bits, 1), ("level", cfg.level_bits, 1), ("clear", 1, 1))
    return Layout(entry), Layout((("level", cfg.level_bits, 1), ("unloaded", 1, 1)))


def entries(cfg: Config, levels: np.ndarray) -> list[int]:
    """Return the payloads that load codes 1, 2, ..., the first of which clears the rest."""
    codes = np.arange(1, len(levels))
    return layouts(cfg)[0].pack(code=codes, level=levels[1:], clear=codes == 1)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def levels_equal_the_model(dut, source, sink):
    """Look up loaded codes, code 0, and codes that were not loaded, under all stalls."""
    cfg, bench = under_test(dut, Config)
    levels, codes = stimuli(cfg, bench.numpy_rng).values()
    load = bench.source("load", entries(cfg, levels), source)
    code, level = bench.source("code", [], source), bench.sink("level", sink)
    await bench.reset()
    await bench.until(lambda: load.done)
    code.payloads = codes.tolist()
    got = layouts(cfg)[1].unpack(await bench.receive(level, len(codes)), signed=("level",))
    expected = model(cfg, levels, codes)
    assert_equal(got["level"], expected.level, "level")
    assert_equal(got["unloaded"], expected.unloaded, "unloaded")
    assert_equal(bits(dut.refused), 0, "refused")
    if source == sink == "never":
        assert_equal(level.cycles[-1] - code.sent[0] + 1, cfg.cycles(len(codes)), "cycles")


@cocotb.test()
async def entry_zero_stays_zero_and_clear_forgets(dut):
    """Refuse a level for code 0 with a flag; clear all entries but the new one."""
    cfg, bench = under_test(dut, Config)
    levels = stimuli(cfg, bench.numpy_rng)["levels"]
    load = bench.source("load", entries(cfg, levels))
    code, level = bench.source("code", []), bench.sink("level")
    await bench.reset()
    await bench.until(lambda: load.done)
    load.payloads = [*load.payloads, *layouts(cfg)[0].pack(code=[0], level=[-1], clear=[0])]
    await bench.until(lambda: load.done)
    new, codes = cfg.entries // 2, np.arange(min(cfg.entries, 8))
    load.payloads = [*load.payloads, *layouts(cfg)[0].pack(code=[new], level=[-1], clear=[1])]
    await bench.until(lambda: load.done)
    code.payloads = [*codes.tolist(), new]
    got = layouts(cfg)[1].unpack(await bench.receive(level, len(codes) + 1), signed=("level",))
    codes = np.append(codes, new)
    assert_equal(got["level"], np.where(codes == new, -1, 0), "level")
    assert_equal(got["unloaded"], (codes != 0) & (codes != new), "unloaded")
    assert_equal(bits(dut.refused), 1, "refused")
