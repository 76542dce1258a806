"""Bench of the zero compactor."""

from typing import Any

import cocotb
import numpy as np

from nomul.golden.compactor import Config, model, slots
from nomul.golden.compactor import vectors as some_vectors
from nomul.sim import harness
from nomul.sim.stream import STALLS, Layout, assert_equal, under_test

MEASURED = "beats_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def layouts(cfg: Config) -> tuple[Layout, Layout]:
    """Return the bit order of a beat in and of a beat out."""
    vector = (("values", cfg.value_bits, cfg.width), ("mask", 1, cfg.width), ("last", 1, 1))
    beat = (
        ("values", cfg.value_bits, cfg.lanes),
        ("index", cfg.index_bits, cfg.lanes),
        ("keep", 1, cfg.lanes),
        ("last", 1, 1),
    )
    return Layout(vector), Layout(beat)


def pack(cfg: Config, vectors: list[Any], rng: np.random.Generator) -> list[int]:
    """Return the beats of vectors; the elements that fill the last beat are noise, masked off."""
    words: list[int] = []
    for values, mask in vectors:
        beats = -(-len(values) // cfg.width)
        noise = rng.integers(0, 1 << min(cfg.value_bits, 62), beats * cfg.width)
        noise[: len(values)] = values
        masks = np.zeros(beats * cfg.width, dtype=np.int64)
        masks[: len(values)] = mask
        words += layouts(cfg)[0].pack(
            values=noise.reshape(beats, -1),
            mask=masks.reshape(beats, -1),
            last=np.arange(beats) == beats - 1,
        )
    return words


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def beats_equal_the_model(dut, source, sink):
    """Values, places, keep and last of every beat, vector after vector, under all stalls."""
    cfg, bench = under_test(dut, Config)
    vectors = some_vectors(cfg, bench.numpy_rng)
    expected = [model(cfg, *vector) for vector in vectors]
    bench.source("i", pack(cfg, vectors, bench.numpy_rng), source)
    o = bench.sink("o", sink)
    await bench.reset()
    count = sum(len(beats.last) for beats in expected)
    got = layouts(cfg)[1].unpack(await bench.receive(o, count))
    names = {"values": "values", "places": "index", "keep": "keep", "last": "last"}
    for field, name in names.items():
        want = np.concatenate([getattr(beats, field) for beats in expected])
        assert_equal(got[name].reshape(want.shape), want.astype(np.int64), name)


@cocotb.test()
async def takes_a_beat_per_cycle(dut):
    """Without stalls, beats go in back to back, through vectors of every density and length."""
    cfg, bench = under_test(dut, Config)
    vectors = some_vectors(cfg, bench.numpy_rng, 60)
    vectors += [(values[: cfg.width], mask[: cfg.width]) for values, mask in vectors]
    words = pack(cfg, vectors, bench.numpy_rng)
    i, o = bench.source("i", words), bench.sink("o")
    await bench.reset()
    await bench.receive(o, sum(len(model(cfg, *vector).last) for vector in vectors))
    steps = np.diff(i.sent)
    assert steps.max() <= cfg.interval, f"a beat waited {steps.max()} cycles"
    if cfg.interval == 1:
        assert_equal(i.sent[-1] - i.sent[0] + 1, len(words), "cycles of the beats")
    harness.record(compared=len(steps), interval=int(steps.max()))


@cocotb.test()
@cocotb.parametrize(beats=[1, 2, 5])
async def takes_as_many_cycles_as_the_formula_says(dut, beats):
    """One survivor per vector: from its first beat in to the last out."""
    cfg, bench = under_test(dut, Config)
    values = np.ones(beats * cfg.width, dtype=np.int64)
    mask = np.arange(len(values)) == 0
    i, o = bench.source("i", pack(cfg, [(values, mask)], bench.numpy_rng)), bench.sink("o")
    await bench.reset()
    await bench.receive(o, 1)
    assert_equal(o.cycles[-1] - i.sent[0] + 1, cfg.cycles(beats), "cycles")


@cocotb.test()
@cocotb.parametrize(density=[0.2, 0.6, 1.0])
async def takes_the_slots_of_the_model(dut, density):
    """Vectors one after the other, each counted from its first beat in to its last out."""
    cfg, bench = under_test(dut, Config)
    i, o = bench.source("i", []), bench.sink("o")
    await bench.reset()
    for length in bench.numpy_rng.integers(1, min(cfg.max_length, 6 * cfg.room) + 1, 8):
        mask = bench.numpy_rng.random(length) < density
        vector = (np.zeros(length, dtype=np.int64), mask)
        sent, received = len(i.sent), len(o.received)
        i.payloads = [*i.payloads, *pack(cfg, [vector], bench.numpy_rng)]
        await bench.receive(o, received + len(model(cfg, *vector).last), settle=3)
        cycles = o.cycles[-1] - i.sent[sent] + 1
        assert_equal(cycles, slots(cfg, mask) + cfg.latency, "cycles")
