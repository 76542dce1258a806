"""Bench of chains in the array in memory: sums of products that stay in its columns."""

import os
from typing import Any

import cocotb
import numpy as np

from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.sim import harness
from nomul.sim.sotfp.bench import ends, exchange, pack, unpack
from nomul.sim.stream import STALLS, Bench, assert_equal, bit, bits, under_test


async def send(bench: Bench, cfg: Config, batches, source: str = "never", sink: str = "never"):
    """Send (op, a, b, keep) one after the other; return words, ends and busy cycles."""
    sent_a, sent_b, expected = [], [], 0
    for op, a, b, keep in batches:
        first, second = pack(cfg, a, b, op, ends([len(a)]), keep)
        sent_a += first
        sent_b += second
        expected += 0 if keep else len(a)
    more = 2 * cfg.lanes + 20
    received, busy = await exchange(bench, sent_a, sent_b, expected, more, source, sink)
    return *unpack(cfg, received), busy


def chain(x: np.ndarray, y: np.ndarray) -> list[Any]:
    """Return the batches that add up x[n, k] y[n, k] over k; only the last one sends."""
    terms = x.shape[1]
    return [("mac" if k else "begin", x[:, k], y[:, k], int(k + 1 < terms)) for k in range(terms)]


def moderate(cfg: Config, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return two arrays of numbers of both signs from 1/2 to 2, whose sums stay finite."""
    one = cfg.form.bias << cfg.mantissa_bits
    span = 1 << cfg.mantissa_bits
    size = rng.integers(one - span, one + span, (2, *shape))
    return size | rng.integers(0, 2, (2, *shape)) << (cfg.width - 1)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def chains_between_other_programs(dut, source, sink):
    """Chains of one to four terms, full and partial, with additions and products in between."""
    cfg, bench = under_test(dut, Config)
    pairs = sotfp.stimuli(cfg, bench.numpy_rng, 32 * cfg.lanes)
    order = iter(bench.numpy_rng.permutation(len(pairs["a"])))
    batches = []
    for n, terms in ((cfg.lanes, 3), (1, 1), (cfg.lanes - 1, 4), (2, 2), (cfg.lanes, 2)):
        part = np.array([next(order) for _ in range(n * terms)]).reshape(n, terms)
        x, y = pairs["a"][part], pairs["b"][part]
        if terms % 2 == 0:
            x, y = moderate(cfg, bench.numpy_rng, x.shape)
        batches += chain(x, y)
        part = np.array([next(order) for _ in range(cfg.lanes)])
        batches.append((sotfp.OPS[terms % 2], pairs["a"][part], pairs["b"][part], 0))
    words, last, busy = await send(bench, cfg, batches, source, sink)
    array = sotfp.Array(cfg)
    results = [(array.run(op, a, b), keep) for op, a, b, keep in batches]
    expected = [result.astype(np.int64) for result, keep in results if not keep]
    assert_equal(words, np.concatenate(expected), "y")
    assert_equal(last, ends([len(result) for result in expected]), "last")
    assert_equal(busy, sum(cfg.cycles(1, op) for op, *_ in batches), "busy cycles")
    for name in ("reads", "writes", "searches"):
        count = sum(getattr(sotfp.program(cfg, op), name) for op, *_ in batches)
        assert_equal(bits(getattr(dut, name)), count, name)
    assert not bit(dut.unpaired)


@cocotb.test()
async def a_chain_is_a_dot_product(dut):
    """Add up x[n, k] y[n, k] over k, for x0, y0, x1, ... of the file ``NOMUL_OPERANDS``."""
    cfg, bench = under_test(dut, Config)
    with np.load(os.environ["NOMUL_OPERANDS"]) as held:
        pairs = [(held[f"x{i}"], held[f"y{i}"]) for i in range(len(held) // 2)]
    batches = []
    for x, y in pairs:
        for start in range(0, len(x), cfg.lanes):
            batches += chain(x[start : start + cfg.lanes], y[start : start + cfg.lanes])
    words, _, busy = await send(bench, cfg, batches)
    expected = np.concatenate([sotfp.dot(cfg, x, y) for x, y in pairs])
    assert_equal(words, expected.astype(np.int64), "y")
    assert_equal(busy, sum(cfg.cycles(1, op) for op, *_ in batches), "busy cycles")
    harness.record(products=sum(x.size for x, _ in pairs), programs=len(batches), cycles=busy)
