"""Bench of streamed networks: images of wrong length among whole ones, and reset in an image."""

import cocotb
import numpy as np

from nomul.golden.lutnet import Config
from nomul.sim import harness
from nomul.sim.lutnet.bench import expected, offered, stimuli
from nomul.sim.stream import Bench, Layout, assert_equal, bits

# Images of which one is malformed.
IMAGES = 6


class Scene:
    """A streamed network, some images, and their pixels as beats."""

    def __init__(self, dut):
        self.cfg, self.bench = Config.from_json(harness.config_text()), Bench(dut)
        self.network = self.cfg.load()
        self.x = stimuli(self.cfg, self.bench.numpy_rng)[-IMAGES:]
        self.beats = offered(self.network, self.x, np.ones(IMAGES))
        self.take = self.bench.sink("y", "random")
        self.mark = 1 << self.network.input_bits

    async def compare(self, x):
        """Require the answers of some images, and no other."""
        words = await self.bench.receive(self.take, len(x), 4 * self.cfg.interval)
        lanes = self.network.lanes[-1]
        got = Layout((("y", lanes.width, lanes.count), ("last", 1, 1))).unpack(words)
        assert_equal(got["y"].reshape(len(x), -1), expected(self.network, x), "y")


@cocotb.test()
async def works_after_a_reset_in_an_image(dut):
    """Reset in mid-image, and in mid-count: everything is right from the start."""
    scene = Scene(dut)
    feed = scene.bench.source("x", scene.beats, "random")
    await scene.bench.reset()
    await scene.bench.until(lambda: len(feed.sent) >= 2 * scene.network.inputs + 5)
    await scene.bench.restart()
    await scene.compare(scene.x)
    assert_equal(bits(dut.misframed), 0, "misframed")


@cocotb.test()
@cocotb.parametrize(kind=["short", "unmarked", "long"])
async def a_malformed_image_raises_the_flag(dut, kind):
    """Mark an image too early, not at all, or some pixels too late."""
    scene, bad = Scene(dut), IMAGES // 2
    pixels, beats, answered = scene.network.inputs, scene.beats, scene.x
    end = (bad + 1) * pixels - 1
    if kind == "short":
        # It has no answer.
        beats[end - 7] |= scene.mark
        del beats[end - 6 : end + 1]
        answered = np.delete(scene.x, bad, axis=0)
    elif kind == "unmarked":
        beats[end] &= ~scene.mark
    else:
        # What follows its last pixel is a short image of its own.
        beats[end] &= ~scene.mark
        beats[end + 1 : end + 1] = [3, 5, 7 | scene.mark]
    scene.bench.source("x", beats, "random")
    await scene.bench.reset()
    await scene.compare(answered)
    assert_equal(bits(dut.misframed), 1, "misframed")
