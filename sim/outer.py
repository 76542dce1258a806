"""What the benches of outer-product units share: payloads, expected rows, and one test."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from nomul.golden import outer
from nomul.golden.outer import Unit
from nomul.sim import harness
from nomul.sim.stream import Bench, Layout, assert_equal, bits, under_test

Model = Callable[..., Any]  # of pairs by name: the products or counts [V, M, N]


def layouts(cfg: Unit) -> tuple[Layout, Layout]:
    """Return the bit order of a pair of vectors and of a row of results."""
    array, exponent = cfg.array, outer.EXPONENT_BITS
    operand = array.width + 1
    pair = [
        ("x", operand, array.rows),
        ("sx", 1, array.rows),
        ("d", operand, array.cols),
        ("sd", 1, array.cols),
        ("e_x", exponent, 1),
        ("e_d", exponent, 1),
    ]
    if array.accumulators:
        pair += [("read", 1, 1), ("clear", 1, 1)]
    row = (
        ("row", max(1, (array.rows - 1).bit_length()), 1),
        ("y", array.y_bits, array.cols),
        ("exponent", exponent + 2, 1),
        ("last", 1, 1),
    )
    return Layout(tuple(pair)), Layout(row)


def stimuli(cfg: Unit, rng: np.random.Generator, count: int = 24) -> dict[str, np.ndarray]:
    """Return the pairs of the file named by ``NOMUL_STIMULI``, or typical ones and corners."""
    path = os.environ.get("NOMUL_STIMULI")
    if path is None:
        return outer.stimuli(cfg, rng, count)
    with np.load(path) as file:
        return {name: file[name] for name in ("x", "sx", "d", "sd", "e_x", "e_d")}


def requests(cfg: Unit, count: int) -> dict[str, np.ndarray]:
    """Return when to read the accumulators (every third pair and the last), and when to clear."""
    if not cfg.array.accumulators:
        return {}
    pairs = np.arange(1, count + 1)
    return {"read": (pairs % 3 == 0) | (pairs == count), "clear": pairs % 2 == 0}


def expected(
    cfg: Unit, pairs: dict[str, np.ndarray], model: Model
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the rows that must come, their exponents, and whether an accumulator saturates."""
    y = model(cfg, **{name: pairs[name] for name in ("x", "sx", "d", "sd")})
    unit = outer.unit_exponent(cfg, pairs["e_x"], pairs["e_d"])
    if not cfg.array.accumulators:
        return y.reshape(-1, cfg.array.cols), np.repeat(unit, cfg.array.rows), False
    parts, overflow, start = [], False, 0
    for end in np.flatnonzero(pairs["read"]) + 1:
        acc, saturated = outer.accumulate(cfg, y[start:end], unit[start:end], start)
        overflow |= saturated
        parts.append(acc)
        start = int(end) if pairs["clear"][end - 1] else start
    rows = np.concatenate(parts)
    return rows, np.full(len(rows), cfg.array.accumulators.exponent), overflow


def check_rows(cfg: Unit, words: list[int], rows: np.ndarray, exponents: np.ndarray) -> None:
    """Compare every field of every beat on ``y``."""
    got = layouts(cfg)[1].unpack(words, signed=("y", "exponent"))
    index = np.arange(len(rows)) % cfg.array.rows
    assert_equal(got["y"].reshape(rows.shape), rows, "y")
    assert_equal(got["exponent"], exponents, "exponent")
    assert_equal(got["row"], index, "row")
    assert_equal(got["last"], index == cfg.array.rows - 1, "last")


def pack(cfg: Unit, pairs: dict[str, np.ndarray]) -> list[int]:
    """Return the payloads of ``x_d``."""
    return layouts(cfg)[0].pack(**pairs)


def quiet_seed(bench: Bench, cfg: Unit) -> None:
    """Leave the seed port alone."""
    if cfg.array.words.registers:
        bench.source("seed", [])


async def check_products(dut: Any, block: Any, source: str, sink: str, *, above: int) -> None:
    """Send pairs of a block's stimuli through a unit whose cells only multiply.

    Compares the products of its model, or what accumulators make of them, the flags, and without
    stalls the cycles. The first operand of pair ``above`` is above full scale.
    """
    cfg, bench = under_test(dut, block.Config)
    pairs = block.stimuli(cfg, bench.numpy_rng, 24)
    pairs["x"][above, 0] = (1 << cfg.width) + 1
    count, unstalled = len(pairs["x"]), source == sink == "never"
    asked = requests(cfg, count)
    if unstalled and cfg.array.accumulators:  # what the formula counts: one read-out, at the end
        asked = {"read": np.arange(1, count + 1) == count, "clear": np.zeros(count, dtype=bool)}
    pairs = pairs | asked
    rows, exponents, overflow = expected(cfg, pairs, block.model)
    x_d, y = bench.source("x_d", pack(cfg, pairs), source), bench.sink("y", sink)
    quiet_seed(bench, cfg)
    await bench.reset()
    check_rows(cfg, await bench.receive(y, len(rows)), rows, exponents)
    assert_equal(bits(bench.dut.saturated), 1, "saturated")
    if cfg.array.accumulators:
        assert_equal(bits(bench.dut.overflow), overflow, "overflow")
    harness.record(pairs=count, products=count * cfg.array.rows * cfg.array.cols)
    if unstalled:
        cycles = y.cycles[-1] - x_d.sent[0] + 1
        assert_equal(cycles, cfg.cycles(count), "cycles")
        harness.record(cycles=cycles)
