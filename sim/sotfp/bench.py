"""Bench of floating point in a memory array."""

import os

import cocotb
import numpy as np

from nomul.golden import sotfp
from nomul.golden.sotfp import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bit, bits, under_test

MEASURED = "results_equal_the_model/op=mul"
OPERATION = "transfer"
RECORDED = "partial_batches_and_both_programs/source=never/sink=never"


def pack(cfg: Config, a, b, op: str, last, keep: int = 0) -> tuple[list[int], list[int]]:
    """Return the payloads of ``a`` and of ``b``."""
    choice = (("program", 2, 1), ("keep", 1, 1)) if cfg.mac else (("program", 1, 1),)
    first = Layout((("word", cfg.width, 1), *choice, ("last", 1, 1)))
    plain = Layout((("word", cfg.width, 1), ("last", 1, 1)))
    chosen = {"program": np.full(len(a), ("add", "mul", "begin", "mac").index(op))}
    if cfg.mac:
        chosen["keep"] = np.full(len(a), keep)
    return first.pack(word=a, **chosen, last=last), plain.pack(word=b, last=last)


def unpack(cfg: Config, payloads: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return words and ends of ``y``."""
    fields = Layout((("word", cfg.width, 1), ("last", 1, 1))).unpack(payloads)
    return fields["word"], fields["last"]


def ends(sizes: list[int]) -> np.ndarray:
    """Return ``last`` for streams of the given sizes, one after the other."""
    last = np.zeros(sum(sizes), dtype=np.int64)
    last[np.cumsum(sizes) - 1] = 1
    return last


# The array of this simulation, as the tests so far have left it.
_held: list[sotfp.Array] = []


def expected(cfg: Config, batches) -> np.ndarray:
    """Return what (op, a, b, last) must give after a reset.

    Reset starts the register of write errors again and leaves the cells alone, and where a write
    fails a cell shows what a test before wrote.
    """
    if not cfg.faulty:
        return np.concatenate([sotfp.model(cfg, op, a, b) for op, a, b, _ in batches])
    array = sotfp.Array(cfg)
    if _held:
        array.banks = _held.pop().banks
    _held.append(array)
    return np.concatenate([array.run(op, a, b) for op, a, b, _ in batches])


def operands(cfg: Config, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs ``NOMUL_PAIRS`` asks for, ``first:end`` by number, or typical ones."""
    wanted = os.environ.get("NOMUL_PAIRS", "typical")
    if wanted == "typical":
        pairs = sotfp.stimuli(cfg, rng, 4 * cfg.lanes)
        chosen = rng.permutation(len(pairs["a"]))[: 8 * cfg.lanes]
        return pairs["a"][chosen], pairs["b"][chosen]
    start, _, end = wanted.partition(":")
    number = np.arange(int(start), int(end))
    return number >> cfg.width, number & ((1 << cfg.width) - 1)


async def run(bench: Bench, cfg: Config, batches, source: str, sink: str):
    """Send (op, a, b, last) one after the other; return the payloads and the busy cycles."""
    sent_a, sent_b = [], []
    for op, a, b, last in batches:
        first, second = pack(cfg, a, b, op, last)
        sent_a += first
        sent_b += second
    received, busy = await exchange(bench, sent_a, sent_b, len(sent_a), 20, source, sink)
    assert len(received) == len(sent_a)
    assert not bit(bench.dut.unpaired)
    return received, busy


async def exchange(bench: Bench, a, b, count: int, more: int, source: str, sink: str):
    """Send payloads, wait for so many answers and so many more cycles; return answers and busy."""
    bench.source("a", a, source)
    bench.source("b", b, source)
    y = bench.sink("y", sink)
    busy: list[int] = []
    bench.watchers.append(lambda cycle: busy.append(bit(bench.dut.busy)))
    await bench.reset()
    await bench.until(lambda: len(y.received) >= count, limit=10_000_000)
    for _ in range(more):
        await bench.step()
    return y.received, sum(busy)


def programs(batches, lanes: int) -> list[str]:
    """Return the program of every batch that the array sees."""
    ran = []
    for op, _, _, last in batches:
        count = 0
        for end in last:
            count += 1
            if end or count == lanes:
                ran.append(op)
                count = 0
        assert count == 0, "a stream must end"
    return ran


@cocotb.test()
@cocotb.parametrize(op=sotfp.OPS)
async def results_equal_the_model(dut, op):
    """All pairs asked for, without stalls; cycles and phases as the program has them."""
    cfg, bench = under_test(dut, Config)
    a, b = operands(cfg, bench.numpy_rng)
    batches = [(op, a, b, ends([len(a)]))]
    received, busy = await run(bench, cfg, batches, "never", "never")
    words, last = unpack(cfg, received)
    assert_equal(words, expected(cfg, batches).astype(np.int64), op)
    assert_equal(last, ends([len(a)]), "last")
    n, code = len(programs(batches, cfg.lanes)), sotfp.program(cfg, op)
    assert_equal(busy, cfg.cycles(n, op), "busy cycles")
    for name in ("reads", "writes", "searches"):
        assert_equal(bits(getattr(dut, name)), n * getattr(code, name), name)
    harness.record(**{f"cycles_{op}": busy // n})


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def partial_batches_and_both_programs(dut, source, sink):
    """Batches of any size, programs in turn: as many words as operands, in order."""
    cfg, bench = under_test(dut, Config)
    pairs = sotfp.stimuli(cfg, bench.numpy_rng, 4 * cfg.lanes)
    order = bench.numpy_rng.permutation(len(pairs["a"]))
    sizes = [1, cfg.lanes, 2, cfg.lanes - 1, cfg.lanes + 3]
    batches, start = [], 0
    for number, size in enumerate(sizes):
        part = order[np.arange(start, start + size) % len(order)]
        op = sotfp.OPS[number % 2]
        batches.append((op, pairs["a"][part], pairs["b"][part], ends([size])))
        start += size
    received, busy = await run(bench, cfg, batches, source, sink)
    words, last = unpack(cfg, received)
    assert_equal(words, expected(cfg, batches).astype(np.int64), "y")
    assert_equal(last, ends(sizes), "last")
    ran = programs(batches, cfg.lanes)
    assert_equal(busy, sum(cfg.cycles(1, op) for op in ran), "busy cycles")


@cocotb.test()
async def a_sink_that_stops_loses_nothing(dut):
    """Three batches wait at most (sent out, stored, running); the operands then wait outside."""
    cfg, bench = under_test(dut, Config)
    a, b = (bench.numpy_rng.integers(0, 1 << cfg.width, 6 * cfg.lanes) for _ in range(2))
    last = ends([cfg.lanes] * 6)
    first, second = pack(cfg, a, b, "add", last)
    sent = bench.source("a", first)
    bench.source("b", second)
    y = bench.sink("y")
    y.pause = lambda: True
    y.drive()
    await bench.reset()
    for _ in range(5 * cfg.cycles(1, "add") + 10 * cfg.lanes):
        await bench.step()
    assert not y.received
    assert not sent.done
    y.pause = lambda: False
    await bench.until(lambda: len(y.received) == len(a), limit=1_000_000)
    words, ended = unpack(cfg, y.received)
    words_expected = expected(cfg, [("add", a, b, last)])
    assert_equal(words, words_expected.astype(np.int64), "y")
    assert_equal(ended, last, "last")
