"""Bench of the stochastic outer product."""

import os
from collections.abc import Callable
from typing import Any

import cocotb
import numpy as np

from nomul.golden import essop
from nomul.golden.essop import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits

Model = Callable[..., Any]  # of pairs by name: the products or counts [V, M, N]

MEASURED = "rows_equal_the_model/source=never/sink=never"
OPERATION = "product"


def layouts(cfg: Config) -> tuple[Layout, Layout]:
    """Return the bit order of a pair of vectors and of a row of results."""
    operand, exponent = cfg.width + 1, essop.EXPONENT_BITS
    pair = [
        ("x", operand, cfg.rows),
        ("sx", 1, cfg.rows),
        ("d", operand, cfg.cols),
        ("sd", 1, cfg.cols),
        ("e_x", exponent, 1),
        ("e_d", exponent, 1),
    ]
    if cfg.accumulate:
        pair += [("read", 1, 1), ("clear", 1, 1)]
    row = (
        ("row", max(1, (cfg.rows - 1).bit_length()), 1),
        ("y", cfg.y_bits, cfg.cols),
        ("exponent", exponent + 2, 1),
        ("last", 1, 1),
    )
    return Layout(tuple(pair)), Layout(row)


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the pairs of the file named by ``NOMUL_STIMULI``, or typical ones and corners."""
    path = os.environ.get("NOMUL_STIMULI")
    if path is None:
        return essop.stimuli(cfg, rng, 24)
    with np.load(path) as file:
        return {name: file[name] for name in ("x", "sx", "d", "sd", "e_x", "e_d")}


def requests(cfg: Config, count: int) -> dict[str, np.ndarray]:
    """Return when to read the accumulators (every third pair and the last), and when to clear."""
    if not cfg.accumulate:
        return {}
    pairs = np.arange(1, count + 1)
    return {"read": (pairs % 3 == 0) | (pairs == count), "clear": pairs % 2 == 0}


def expected(
    cfg: Config, pairs: dict[str, np.ndarray], model: Model = essop.model
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the rows that must come, their exponents, and whether an accumulator saturates."""
    y = model(cfg, **{name: pairs[name] for name in ("x", "sx", "d", "sd")})
    unit = essop.unit_exponent(cfg, pairs["e_x"], pairs["e_d"])
    if not cfg.accumulate:
        return y.reshape(-1, cfg.cols), np.repeat(unit, cfg.rows), False
    rows, overflow, start = [], False, 0
    for end in np.flatnonzero(pairs["read"]) + 1:
        acc, saturated = essop.accumulate(cfg, y[start:end], unit[start:end], start)
        overflow |= saturated
        rows.append(acc)
        start = end if pairs["clear"][end - 1] else start
    rows = np.concatenate(rows)
    return rows, np.full(len(rows), cfg.acc_exponent), overflow


def check_rows(cfg: Config, words: list[int], rows: np.ndarray, exponents: np.ndarray) -> None:
    """Compare every field of every beat on ``y``."""
    got = layouts(cfg)[1].unpack(words, signed=("y", "exponent"))
    index = np.arange(len(rows)) % cfg.rows
    assert_equal(got["y"].reshape(rows.shape), rows, "y")
    assert_equal(got["exponent"], exponents, "exponent")
    assert_equal(got["row"], index, "row")
    assert_equal(got["last"], index == cfg.rows - 1, "last")


def pack(cfg: Config, pairs: dict[str, np.ndarray]) -> list[int]:
    """Return the payloads of ``x_d``."""
    return layouts(cfg)[0].pack(**pairs)


def quiet_seed(bench: Bench, cfg: Config) -> None:
    """Leave the seed port alone."""
    if cfg.registers:
        bench.source("seed", [])


async def check_products(
    bench: Bench,
    cfg: Config,
    pairs: dict[str, np.ndarray],
    model: Model,
    source: str,
    sink: str,
) -> None:
    """Send pairs with one operand above full scale through a unit whose cells only multiply.

    Compares the products of ``model``, or what accumulators make of them, the flags, and without
    stalls the cycles.
    """
    count, unstalled = len(pairs["x"]), source == sink == "never"
    asked = requests(cfg, count)
    if unstalled and cfg.accumulate:  # what the formula counts: one read-out, at the end
        asked = {"read": np.arange(1, count + 1) == count, "clear": np.zeros(count, dtype=bool)}
    pairs = pairs | asked
    rows, exponents, overflow = expected(cfg, pairs, model)
    x_d, y = bench.source("x_d", pack(cfg, pairs), source), bench.sink("y", sink)
    quiet_seed(bench, cfg)
    await bench.reset()
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(bench.dut.saturated), 1, "saturated")
    if cfg.accumulate:
        assert_equal(bits(bench.dut.overflow), overflow, "overflow")
    harness.record(pairs=count, products=count * cfg.rows * cfg.cols)
    if unstalled:
        cycles = y.cycles[-1] - x_d.sent[0] + 1
        assert_equal(cycles, cfg.cycles(count), "cycles")
        harness.record(cycles=cycles)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def rows_equal_the_model(dut, source, sink):
    """Every count of every pair, under all stalls; the flags; the count of gated rows."""
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
    pairs = stimuli(cfg, bench.numpy_rng)
    pairs |= requests(cfg, len(pairs["x"]))
    rows, exponents, overflow = expected(cfg, pairs)
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
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
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
    cfg = Config.from_json(harness.config_text())
    bench = Bench(dut)
    pairs = essop.stimuli(cfg, bench.numpy_rng, 3)
    if cfg.accumulate:
        pairs |= {"read": np.array([0, 0, 1]), "clear": np.zeros(3)}
    pairs["d"][1, -1] = (1 << cfg.width) + 1
    rows, exponents, _ = expected(cfg, pairs)
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
    if not cfg.registers:
        return
    bench = Bench(dut)
    pairs = essop.stimuli(cfg, bench.numpy_rng, 4)
    if cfg.accumulate:
        pairs |= {"read": np.ones(4), "clear": np.ones(4)}
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
    rows, exponents, _ = expected(fresh, pairs)
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(dut.seed_refused), 1, "seed refused after")
