"""Bench of the training unit: frames in, outputs and weights out, step by step as the model."""

import os

import cocotb
import numpy as np

from nomul.golden import sgd
from nomul.golden.sgd import Config
from nomul.sim import harness
from nomul.sim.sgd import frames
from nomul.sim.sgd.frames import INFER, LEARN, flat, frame, layout
from nomul.sim.stream import STALLS, Bench, assert_equal, bits

MEASURED = "typical_steps_in_sequence"
OPERATION = "step"
RECORDED = "steps_equal_the_model/source=never/sink=never"

STEPS = "NOMUL_STEPS"  # of the test whose energy is measured, in the environment
MANY = 500  # weights, all of which are read after every step


class Unit:
    """Drives the training unit, and keeps the model's state beside it."""

    def __init__(self, dut, source="never", sink="never"):
        self.cfg = Config.from_json(harness.config_text())
        self.dut, self.bench = dut, Bench(dut)
        samples = 4 if self.cfg.weights < MANY else 2
        drawn = sgd.stimuli(self.cfg, self.bench.numpy_rng, samples)
        self.x, self.target = drawn["x"], drawn["target"]
        self.state = sgd.begin(self.cfg, drawn["weights"])
        self.i, self.o = self.bench.source("i", [], source), self.bench.sink("o", sink)

    def load(self) -> list[int]:
        """Return the frame that loads the model's weights."""
        return frames.load(self.cfg, self.state.weights, self.state.residues)

    def dump(self) -> list[int]:
        """Return the frame that asks for the weights."""
        return frames.dump(self.cfg)

    def learn(self, k: int) -> list[int]:
        """Return the frame of a sample to learn."""
        return frames.learn(self.cfg, self.x[k], self.target[k])

    async def send(self, *sent: list[int]) -> None:
        """Send frames, and wait until they were taken."""
        self.i.payloads = [*self.i.payloads, *(word for words in sent for word in words)]
        await self.bench.until(lambda: self.i.done)

    async def answer(self, count: int, settle: int = 0) -> dict[str, np.ndarray]:
        """Return the next words of ``o``; ``last`` has to be on the last of them."""
        begin = getattr(self, "seen", 0)
        await self.bench.until(lambda: len(self.o.received) >= begin + count)
        for _ in range(settle):
            await self.bench.step()
        got = layout(self.cfg, False).unpack(self.o.received[begin:], signed=("value", "residue"))
        self.seen = len(self.o.received)
        assert_equal(got["last"], np.arange(count) == count - 1, "last")
        return got

    async def steps(self, samples: range, weights: bool = True) -> None:
        """Learn samples; compare outputs, and weights and residues after every step."""
        cfg = self.cfg
        for k in samples:
            self.state, z, _, _ = sgd.advance(cfg, self.state, self.x[k], self.target[k])
            await self.send(self.learn(k))
            got = await self.answer(cfg.sizes[-1])
            assert_equal(got["value"], z[-1], f"y[{k}]")
            if weights:
                await self.weights(f"step {k}")

    async def weights(self, when: str) -> None:
        """Read all weights, and compare them."""
        await self.send(self.dump())
        got = await self.answer(self.cfg.weights)
        assert_equal(got["value"], flat(self.state.weights), f"weights, {when}")
        if self.cfg.residue:
            assert_equal(got["residue"], flat(self.state.residues), f"residues, {when}")


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def steps_equal_the_model(dut, source, sink):
    """Compare outputs, weights and residues after every step, under all stalls."""
    unit = Unit(dut, source, sink)
    await unit.bench.reset()
    await unit.send(unit.load())
    await unit.weights("loaded")
    await unit.steps(range(len(unit.x)))
    harness.record(steps=len(unit.x))
    assert_equal(bits(dut.steps), len(unit.x), "steps")
    assert_equal([bits(dut.misframed), bits(dut.unloaded)], [0, 0], "flags")


@cocotb.test()
async def cycles_are_those_of_the_formula(dut):
    """Take steps back to back: cycles in all, and those of each phase."""
    unit = Unit(dut)
    cfg, phases = unit.cfg, [0, 0, 0, 0]

    def count(_cycle):
        phases[bits(dut.phase)] += 1

    await unit.bench.reset()
    await unit.send(unit.load())
    unit.bench.watchers.append(count)
    begin, n = unit.bench.cycle, len(unit.x)
    for k in range(n):
        unit.state, z, _, _ = sgd.advance(cfg, unit.state, unit.x[k], unit.target[k])
        unit.i.payloads = [*unit.i.payloads, *unit.learn(k)]
    got = await unit.bench.receive(unit.o, n * cfg.sizes[-1], settle=0)
    first = unit.i.sent[-n * cfg.frame]
    assert_equal(unit.o.cycles[-1] - first + 1, cfg.cycles(n), "cycles")
    starts = np.array(unit.i.sent[-n * cfg.frame :: cfg.frame])
    assert_equal(np.diff(starts), np.full(n - 1, cfg.interval), "interval")
    await unit.bench.until(lambda: bits(dut.phase) == 0)
    assert_equal(phases[1:], [n * share for share in sgd.shares(cfg)], "phases")
    values = layout(cfg, False).unpack(got, signed=("value",))["value"]
    assert_equal(values[-cfg.sizes[-1] :], z[-1], "y")
    unit.seen = len(unit.o.received)
    await unit.weights(f"after cycle {begin}")


@cocotb.test()
async def typical_steps_in_sequence(dut):
    """Learn typical samples back to back: outputs of each, and nothing else that takes energy."""
    unit = Unit(dut)
    cfg, n = unit.cfg, int(os.environ.get(STEPS, "2"))
    drawn = sgd.stimuli(cfg, unit.bench.numpy_rng, 2 * n)
    await unit.bench.reset()
    await unit.send(unit.load())
    for k in range(0, 2 * n, 2):
        x, target = drawn["x"][k], drawn["target"][k]
        unit.state, z, _, _ = sgd.advance(cfg, unit.state, x, target)
        await unit.send(frames.learn(cfg, x, target))
        got = await unit.answer(cfg.sizes[-1])
        assert_equal(got["value"], z[-1], f"y[{k}]")
    # The next frame is taken when the last update is over, and ends the window that is measured.
    await unit.send(frames.frame(cfg, INFER, drawn["x"][0]))
    harness.record(steps=n)


@cocotb.test()
async def an_image_that_is_only_judged_changes_nothing(dut):
    """Judge samples between steps: outputs as after the step, weights as they were."""
    unit = Unit(dut, "random", "random")
    cfg = unit.cfg.replace(rounding="floor" if unit.cfg.rounding == "stochastic" else "rne")
    await unit.bench.reset()
    await unit.send(unit.load())
    for k in range(2):
        await unit.steps(range(k, k + 1))
        _, z, _, _ = sgd.advance(unit.cfg, unit.state, unit.x[k], unit.target[k])
        await unit.send(frame(cfg, INFER, unit.x[k]))
        got = await unit.answer(cfg.sizes[-1])
        assert_equal(got["value"], z[-1], "judged")
        unit.state = unit.state._replace(inferences=unit.state.inferences + 1)
        await unit.weights("judged")


@cocotb.test()
async def a_wrong_frame_changes_nothing_and_raises_its_flag(dut):
    """Too short and too long images and targets, and a read-out before there are weights."""
    unit = Unit(dut, "random", "random")
    cfg = unit.cfg
    await unit.bench.reset()
    await unit.send(unit.dump())
    await unit.bench.step()
    assert_equal([bits(dut.misframed), bits(dut.unloaded)], [0, 1], "flags before weights")
    # Two frames of weights in one are no weights.
    open_end = [word & ~(1 << layout(cfg, True).width - 1) for word in unit.load()]
    await unit.send(open_end + unit.load(), unit.dump(), unit.load())
    await unit.weights("loaded")
    whole = np.concatenate([unit.x[0], unit.target[0]])
    for size in (len(whole) - 1, 1, len(whole) + 1, 2 * len(whole), cfg.sizes[0]):
        if size and size != len(whole):
            await unit.send(frame(cfg, LEARN, np.resize(whole, size)))
    await unit.send(frame(cfg, INFER, np.resize(unit.x[0], cfg.sizes[0] + 1)))
    await unit.weights("misframed")
    assert_equal([bits(dut.misframed), bits(dut.unloaded)], [1, 1], "flags")
    assert_equal(bits(dut.steps), 0, "steps")
    await unit.steps(range(1))


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset inside a step: weights are loaded again, and everything is right from the start."""
    unit = Unit(dut, "random", "random")
    await unit.bench.reset()
    await unit.send(unit.load(), unit.learn(0))
    for _ in range(unit.cfg.interval // 2):
        await unit.bench.step()
    unit.i.payloads, unit.seen = [], 0
    await unit.bench.restart()
    await unit.send(unit.load())
    await unit.steps(range(2))
