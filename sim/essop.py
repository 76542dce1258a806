"""Bench of the stochastic outer product."""

import cocotb
import numpy as np

from nomul.golden import essop
from nomul.golden.essop import Config
from nomul.sim import harness
from nomul.sim.outer import check_rows, expected, pack, quiet_seed, requests, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits, under_test

MEASURED = "rows_equal_the_model/source=never/sink=never"
OPERATION = "product"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def rows_equal_the_model(dut, source, sink):
    """Every count of every pair, under all stalls; the flags; the count of gated rows."""
    cfg, bench = under_test(dut, Config)
    pairs = stimuli(cfg, bench.numpy_rng)
    pairs |= requests(cfg, len(pairs["x"]))
    rows, exponents, overflow = expected(cfg, pairs, essop.model)
    x_d, y = bench.source("x_d", pack(cfg, pairs), source), bench.sink("y", sink)
    quiet_seed(bench, cfg)
    await bench.reset()
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(dut.saturated), 0, "saturated")
    assert_equal(bits(dut.gated), (pairs["x"] == 0).sum(), "gated")
    if cfg.accumulate:
        assert_equal(bits(dut.overflow), overflow, "overflow")
    harness.record(pairs=len(pairs["x"]), products=int(rows.size))
    if source == sink == "never":
        harness.record(cycles=y.cycles[-1] - x_d.sent[0] + 1)


@cocotb.test()
@cocotb.parametrize(count=[1, 2, 7])
async def takes_as_many_cycles_as_the_formula_says(dut, count):
    """Without stalls, from the first pair in to the last row out."""
    cfg, bench = under_test(dut, Config)
    pairs = essop.stimuli(cfg, bench.numpy_rng, count)
    if cfg.accumulate:
        pairs |= {"read": np.arange(1, count + 1) == count, "clear": np.zeros(count)}
    beats = cfg.rows if cfg.accumulate else cfg.rows * count
    x_d, y = bench.source("x_d", pack(cfg, pairs)), bench.sink("y")
    quiet_seed(bench, cfg)
    await bench.reset()
    await bench.receive(y, beats)
    took = essop.cycles(cfg, pairs["x"])
    assert took == cfg.cycles(count) or (cfg.early_stop and took < cfg.cycles(count))
    assert_equal(y.cycles[-1] - x_d.sent[0] + 1, took, "cycles")
    # Rows that accumulate wait for all pairs.
    waits = essop.beats(cfg, pairs["x"])[: None if cfg.accumulate else 1].sum()
    assert_equal(y.cycles[0] - x_d.sent[0], cfg.latency - cfg.beats + waits, "latency")


@cocotb.test()
async def saturates_operands_and_says_so(dut):
    """Operands above 2**W count as 2**W and raise the sticky flag; others do not."""
    cfg, bench = under_test(dut, Config)
    pairs = essop.stimuli(cfg, bench.numpy_rng, 3)
    if cfg.accumulate:
        pairs |= {"read": np.array([0, 0, 1]), "clear": np.zeros(3, dtype=int)}
    pairs["d"][1, -1] = (1 << cfg.width) + 1
    rows, exponents, _ = expected(cfg, pairs, essop.model)
    x_d, y = bench.source("x_d", pack(cfg, pairs)), bench.sink("y")
    quiet_seed(bench, cfg)
    await bench.reset()
    await bench.until(lambda: len(x_d.sent) == 1)
    assert_equal(bits(dut.saturated), 0, "saturated before")
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(dut.saturated), 1, "saturated after")


@cocotb.test()
async def reloads_its_seeds_and_refuses_zero(dut):
    """Restart the sources from a new seed; refuse zero with a flag, and change nothing."""
    cfg = Config.from_json(harness.config_text())
    if not cfg.array.words.registers:
        return
    bench = Bench(dut)
    pairs = essop.stimuli(cfg, bench.numpy_rng, 4)
    if cfg.accumulate:
        pairs |= dict.fromkeys(("read", "clear"), np.ones(4, dtype=int))
    fresh = cfg.replace(seeds=[3, 5])
    port = Layout((("a", cfg.lfsr_width, 1), ("b", cfg.lfsr_width, 1)))
    first_seed, zero_seed = port.pack(a=[3], b=[5]), port.pack(a=[0], b=[0])
    x_d, y = bench.source("x_d", []), bench.sink("y")
    seed = bench.source("seed", first_seed)
    await bench.reset()
    await bench.until(lambda: seed.done)
    assert_equal(bits(dut.seed_refused), 0, "seed refused before")
    seed.payloads = first_seed + zero_seed
    await bench.until(lambda: seed.done)
    x_d.payloads = pack(cfg, pairs)
    rows, exponents, _ = expected(fresh, pairs, essop.model)
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(dut.seed_refused), 1, "seed refused after")
