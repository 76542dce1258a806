"""Bench of a test set on the engine: image by image, quick enough for thousands of cycles each.

The file that ``NOMUL_STIMULI`` names has the codes ``x``; the one of ``NOMUL_ANSWERS``, if there is
one, gets scores and class of each. Nobody stalls, so that whole passes are waited for at once, not
cycle by cycle.
"""

import os

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

from nomul.golden import engine
from nomul.golden.engine.members import constant
from nomul.sim import harness
from nomul.sim.engine.driver import Driver
from nomul.sim.stream import assert_equal, bit, bits


async def answer(unit: Driver, words: list[int]) -> tuple[list[int], int]:
    """Send an input and return the words of its answer, and the cycles that both took."""
    dut, cycles = unit.dut, len(words)
    got: list[int] = []
    unit.x.valid.value = 1
    for word in words:
        unit.x.payload.value = word
        await FallingEdge(dut.clk)
        assert bit(unit.x.ready), "an input is not taken at once"
        await RisingEdge(dut.clk)
    unit.x.valid.value = 0
    # Where the time is known, nothing is to be seen until shortly before the answer.
    if constant(unit.cfg.member):
        quiet = unit.cfg.latency - 4
        await ClockCycles(dut.clk, quiet)
        cycles += quiet
    while len(got) < unit.cfg.program.scores:
        await FallingEdge(dut.clk)
        if bit(unit.y.valid):
            got.append(bits(unit.y.payload))
        await RisingEdge(dut.clk)
        cycles += 1
        assert cycles <= 2 * unit.cfg.interval, "no answer"
    await FallingEdge(dut.clk)
    assert not bit(unit.y.valid), "an answer has too many scores"
    await RisingEdge(dut.clk)
    return got, cycles


@cocotb.test()
async def answers_equal_the_model(dut):
    """Scores, classes and cycles of every image."""
    unit = Driver(dut)
    with np.load(os.environ["NOMUL_STIMULI"]) as file:
        x = file["x"].astype(np.int64)
    await unit.bench.reset()
    await RisingEdge(dut.clk)
    unit.y.ready.value = 1
    rows = []
    for image in x:
        words, cycles = await answer(unit, unit.words(image))
        fields = unit.answers.unpack(words, signed=("score",))
        assert_equal(cycles, engine.cycles(unit.cfg, image[None]), "cycles of an image")
        rows.append([*fields["score"].tolist(), int(fields["label"][-1])])
        assert_equal(rows[-1], engine.model(unit.cfg, image[None])[0], f"answer {len(rows) - 1}")
    unit.check_errors()
    if "NOMUL_ANSWERS" in os.environ:
        np.save(os.environ["NOMUL_ANSWERS"], np.array(rows))
    harness.record(images=len(x), cycles=engine.cycles(unit.cfg, x))
