"""Bench of the Bayesian layer."""

from typing import Any

import cocotb
import numpy as np

from nomul.golden import dm
from nomul.golden.arrays import Ints
from nomul.golden.dm import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits

MEASURED = "samples_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


class Scene:
    """A layer and some vectors, and how they go in and come out."""

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.cfg = cfg = Config.from_json(harness.config_text())
        self.dut, self.bench = dut, Bench(dut)
        case = dm.stimuli(cfg, self.bench.numpy_rng)
        self.mu, self.sigma, self.vectors = case["mu"], case["sigma"], case["x"]
        self.weight = self.bench.source("weight", self.layer(), source)
        self.x = self.bench.source("x", self.words(self.vectors), source)
        self.y = self.bench.sink("y", sink)

    def layer(self) -> list[int]:
        """Return the layer's words, an output's after the other."""
        cfg = self.cfg
        layout = Layout((("mu", cfg.mu_bits, 1), ("sigma", cfg.sigma_bits, 1), ("last", 1, 1)))
        mu, sigma = self.mu.T.ravel(), self.sigma.T.ravel()
        return layout.pack(mu=mu, sigma=sigma, last=np.arange(mu.size) == mu.size - 1)

    def words(self, vectors: Ints) -> list[int]:
        """Return the words of whole vectors."""
        layout = Layout((("x", self.cfg.act_bits, 1), ("last", 1, 1)))
        last = np.tile(np.arange(self.cfg.inputs) == self.cfg.inputs - 1, len(vectors))
        return layout.pack(x=vectors.ravel(), last=last)

    async def compare(self, saturation: bool = True) -> None:
        """Receive all samples and compare them with the model."""
        cfg = self.cfg
        want = dm.model(cfg, self.mu, self.sigma, self.vectors)
        each = max(1, cfg.outputs * cfg.samples)
        words = await self.bench.receive(self.y, len(self.vectors) * each)
        got = Layout((("y", cfg.y_bits, 1), ("last", 1, 1))).unpack(words, signed=("y",))
        ordered = want.transpose(1, 2, 0).ravel() if cfg.samples else np.zeros(len(words), int)
        assert_equal(got["y"], ordered, "y")
        ends = np.arange(len(words)) % each == each - 1
        assert_equal(got["last"], ends.astype(np.int64), "last")
        if saturation:
            wide = cfg.replace(result_bits=0)
            whole = dm.model(wide, self.mu, self.sigma, self.vectors)
            assert_equal(bits(self.dut.saturated), int((whole != want).sum()), "saturated")

    def flags(self) -> list[int]:
        """Return the sticky flags: misloaded, misfit."""
        return [bits(self.dut.misloaded), bits(self.dut.misfit)]


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def samples_equal_the_model(dut: Any, source: str, sink: str) -> None:
    """All samples of all results, in order, under all stalls; cycles as the formula says."""
    scene = Scene(dut, source, sink)
    await scene.bench.reset()
    await scene.compare()
    assert_equal(scene.flags(), [0, 0], "flags")
    if source == sink == "never":
        count = scene.cfg.cycles(len(scene.vectors))
        assert_equal(scene.y.cycles[-1] - scene.x.sent[0] + 1, count, "cycles")


@cocotb.test()
async def a_layer_of_another_size_waits_for_a_good_one(dut: Any) -> None:
    """Short and long layers raise their flag, and no vector is taken before a good one."""
    scene = Scene(dut, "random", "random")
    good = scene.layer()
    mark = 1 << (scene.cfg.mu_bits + scene.cfg.sigma_bits)
    long = [word & (mark - 1) for word in good]
    short = [good[0] | mark] if len(good) > 1 else []
    scene.weight.restart([*short, *long, *good])
    await scene.bench.reset()
    await scene.compare()
    assert_equal(scene.flags(), [1, 0], "flags")


@cocotb.test()
async def a_vector_of_another_size_gives_nothing(dut: Any) -> None:
    """Short and long vectors raise their flag, give no sample and draw no number."""
    scene = Scene(dut, "random", "random")
    good = scene.words(scene.vectors)
    mark = 1 << scene.cfg.act_bits
    long = [word & (mark - 1) for word in good[: scene.cfg.inputs]]
    short = [good[0] | mark] if scene.cfg.inputs > 1 else []
    scene.x.restart([*short, *long, *good])
    await scene.bench.reset()
    await scene.compare()
    assert_equal(scene.flags(), [0, 1], "flags")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut: Any) -> None:
    """Reset while samples are drawn: numbers begin anew, and the layer is loaded again."""
    scene = Scene(dut, "random", "random")
    await scene.bench.reset()
    await scene.bench.until(lambda: len(scene.y.received) >= 1)
    await scene.bench.restart()
    await scene.compare()
