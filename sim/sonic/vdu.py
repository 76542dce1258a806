"""Bench of one vector dot product unit: unknown values on lanes that hold nothing."""

import os

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from cocotb.types import LogicArray

from nomul.golden import sonic
from nomul.golden.sonic import Config
from nomul.sim.stream import assert_equal, bits, under_test


def lane_values(values: np.ndarray, width: int, known: np.ndarray) -> LogicArray:
    """Return lanes as one vector, lane 0 lowest, unknown where they are not known."""
    words = [
        format(int(value) & ((1 << width) - 1), f"0{width}b") if use else "X" * width
        for value, use in zip(values, known, strict=True)
    ]
    return LogicArray("".join(reversed(words)))


def sides(cfg: Config) -> tuple[int, int, int]:
    """Return the lanes of the unit under test, and the bits of its dense and its sparse side."""
    if os.environ["NOMUL_KIND"] == "fc":
        return cfg.fc_lanes, cfg.act_bits, cfg.level_bits
    return cfg.conv_lanes, cfg.level_bits, cfg.act_bits


@cocotb.test()
async def unknown_values_on_empty_lanes_never_reach_the_sum(dut):
    """Lanes that hold nothing carry X on both sides; gated ones carry X on the dense side."""
    cfg, bench = under_test(dut, Config)
    rng = bench.numpy_rng
    lanes, dense_bits, sparse_bits = sides(cfg)
    high, low = 1 << (dense_bits - 1), 1 << (sparse_bits - 1)
    dut.go.value = 1
    dut.keep.value = 0
    dut.first.value = 1
    dut.dense.value = LogicArray("X" * (lanes * dense_bits))
    dut.sparse.value = LogicArray("X" * (lanes * sparse_bits))
    await bench.reset()
    for _ in range(60):
        keep = rng.random(lanes) < 0.6
        dense = rng.integers(-high, high, lanes)
        sparse = np.where(rng.random(lanes) < 0.4, 0, rng.integers(-low, low, lanes))
        active = keep & (sparse != 0)
        dut.keep.value = int(sum(1 << i for i in np.flatnonzero(keep)))
        dut.dense.value = lane_values(dense, dense_bits, active)
        dut.sparse.value = lane_values(sparse, sparse_bits, keep)
        await RisingEdge(dut.clk)
        dut.keep.value = 0
        dut.dense.value = LogicArray("X" * (lanes * dense_bits))
        dut.sparse.value = LogicArray("X" * (lanes * sparse_bits))
        for _ in range(3):
            await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        partial = (dense * sparse * active).sum()
        expected, _ = sonic.quantise(cfg, np.array([partial]))
        y = bits(dut.y)
        y -= (y >> (cfg.sum_bits - 1)) << cfg.sum_bits
        assert_equal([y], expected, "y")


@cocotb.test()
async def lanes_are_counted(dut):
    """Active and gated lanes, two cycles after the operands."""
    cfg, bench = under_test(dut, Config)
    rng = bench.numpy_rng
    lanes, _, sparse_bits = sides(cfg)
    dut.go.value, dut.first.value = 1, 0
    dut.keep.value, dut.dense.value, dut.sparse.value = 0, 0, 0
    await bench.reset()
    for _ in range(40):
        keep, some = rng.random(lanes) < 0.6, rng.random(lanes) < 0.5
        dut.keep.value = int(sum(1 << i for i in np.flatnonzero(keep)))
        dut.sparse.value = lane_values(some.astype(int), sparse_bits, keep)
        for _ in range(2):
            await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
        assert_equal(bits(dut.active), (keep & some).sum(), "active")
        assert_equal(bits(dut.gated), (keep & ~some).sum(), "gated")
        await RisingEdge(dut.clk)
