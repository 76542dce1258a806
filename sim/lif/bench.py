"""Bench of the spiking layers: trains or labels, counters and cycles against the model."""

import os

import cocotb
import numpy as np

from nomul.golden import lif
from nomul.golden.lif import Config
from nomul.sim import harness
from nomul.sim.lif import layouts
from nomul.sim.signals import bits
from nomul.sim.stream import STALLS, Bench, assert_equal

# The test whose window counts for energy, and what energy is per.
MEASURED = "outputs_equal_the_model/source=never/sink=never"
OPERATION = "step"


class Scene:
    """One configuration with its stimuli, what must come, and the agents on its ports."""

    def __init__(self, dut, source: str = "never", sink: str = "never"):
        self.cfg = cfg = Config.from_json(harness.config_text())
        self.bench = bench = Bench(dut)
        rng = bench.numpy_rng
        self.w = lif.stimuli(cfg, rng)["w"]
        self.network = lif.as_network(cfg, self.w)
        self.x = self._inputs(rng)
        self.spikes = self.network.spikes(self.x)
        beats = self._beats()
        self.loads = cfg.loads
        if self.loads:
            self.weight = bench.source("weight", layouts.load(self.network, cfg.layers))
        self.feed = bench.source("x", [] if self.loads else beats, source)
        self.take = bench.sink("y", sink)
        self.beats = beats

    def _inputs(self, rng: np.random.Generator) -> np.ndarray:
        """Return the images of the file named by ``NOMUL_STIMULI``, or those of the model."""
        cfg, path = self.cfg, os.environ.get("NOMUL_STIMULI")
        if path is not None:
            with np.load(path) as file:
                return file["x"]
        if cfg.coder != "direct":
            return lif.pixels(cfg, rng, 4)
        return lif.stimuli(cfg, rng)["spikes"]

    def _beats(self) -> list[int]:
        if self.cfg.coder != "direct":
            return layouts.images(self.cfg, self.x)
        flat = self.spikes.reshape(-1, self.cfg.inputs)
        return layouts.steps(self.cfg, flat, self.bench.numpy_rng)

    async def start(self) -> None:
        """Reset, load the weights, then let the input come."""
        await self.bench.reset()
        if self.loads:
            await self.bench.until(lambda: self.weight.done, 10 * len(self.weight.payloads) + 100)
            self.feed.payloads = self.beats

    def expected(self) -> dict[str, np.ndarray]:
        """Return the fields of all beats that must come out."""
        cfg, last = self.cfg, self.cfg.layers[-1]
        response = lif.responses(self.network, self.spikes)[-1]
        if cfg.readout != "spikes":
            answer = lif.read(cfg.readout, response.out, response.v)
            return {"label": answer.label, "value": answer.value}
        out = response.out.reshape(-1, last.neurons)
        padded = np.zeros((len(out), last.groups * last.parallel), dtype=np.int64)
        padded[:, : last.neurons] = out
        ends = np.tile(np.arange(last.groups) == last.groups - 1, len(out)).astype(np.int64)
        return {"spikes": padded.reshape(-1, last.parallel), "last": ends}

    async def outputs(self) -> dict[str, np.ndarray]:
        """Return the fields of all beats, once they are there."""
        want = self.expected()
        count = len(next(iter(want.values())))
        slowest = sum(layer.cycles(layer.inputs) for layer in self.cfg.layers)
        limit = 40 * slowest * (self.spikes.size // self.cfg.inputs + 2)
        await self.bench.until(lambda: len(self.take.received) >= count, limit)
        words = await self.bench.receive(self.take, count, 2 * slowest)
        signed = ("value",) if self.cfg.readout == "potential" else ()
        return layouts.answers(self.cfg).unpack(words, signed)

    def compare(self, got: dict[str, np.ndarray]) -> None:
        """Require every field of every beat to be what the model says.

        Where ``NOMUL_ANSWERS`` names a file, the hardware's labels go there.
        """
        path = os.environ.get("NOMUL_ANSWERS")
        if path is not None:
            np.save(path, got["label"])
        for name, want in self.expected().items():
            assert_equal(got[name].reshape(want.shape), want, name)

    def compare_counters(self) -> None:
        """Require every layer's counters, which wrap, to be what the model counts."""
        width = self.cfg.counter_bits
        for number, want in enumerate(lif.counts(self.network, self.spikes) if width else ()):
            got = [bits(self.bench.signal(f"{name}{number}")) for name in want._fields]
            assert_equal(got, np.array(want) % (1 << width), f"counters of layer {number}")


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def outputs_equal_the_model(dut, source, sink):
    """Every train or label, and every layer's counters, under all stalls; no flag rises."""
    scene = Scene(dut, source, sink)
    await scene.start()
    scene.compare(await scene.outputs())
    scene.compare_counters()
    assert_equal(bits(dut.flags), 0, "flags")
    harness.record(steps=scene.spikes.size // scene.cfg.inputs)


@cocotb.test()
async def steps_take_as_many_cycles_as_the_formula_says(dut):
    """From a step's first group, or an image's label, to the next: e G + G + 2 for each step.

    Of those steps that had come in whole while the one before was computed. What a
    chain of layers takes lies between its slowest part and the sum of them all. Comparing an
    image's neurons one by one comes on top.
    """
    scene = Scene(dut)
    cfg = scene.cfg
    await scene.start()
    await scene.outputs()
    cycles = np.array(scene.take.cycles)
    if len(cfg.layers) > 1 or cfg.coder != "direct":
        images = len(scene.spikes) - 1
        counts, steps = lif.counts(scene.network, scene.spikes[1:]), images * cfg.steps
        parts = [
            c.events * k.groups + steps * k.latency for c, k in zip(counts, cfg.layers, strict=True)
        ]
        # The last step of an image leaves a chain's later layers after the others are done.
        tail = sum(layer.cycles(layer.inputs) for layer in cfg.layers[1:])
        scan = (
            images * (cfg.steps + 1) * sum(layer.inputs + layer.groups + 8 for layer in cfg.layers)
        )
        most = sum(parts) + tail + scan + images * cfg.readout_cycles
        whole = int(cycles[-1] - cycles[0])
        assert max(parts) - tail <= whole <= most, (
            f"{whole} cycles, from layers of {parts}, drain {tail}, scan {scan}"
        )
        harness.record(compared=1, cycles_per_image=whole / images)
        return
    events = scene.spikes.reshape(-1, cfg.inputs).sum(axis=1)
    want = np.array([cfg.cycles(int(n)) for n in events])
    # An event comes in per cycle, and a frame is scanned in beats of a chunk; a few to spare.
    intake = events + (2 if cfg.form == "events" else -(-cfg.inputs // cfg.chunk) + 4)
    known: np.ndarray = np.append(False, intake[1:] <= want[:-1])
    if cfg.readout == "spikes":
        taken = np.diff(cycles[:: cfg.groups], prepend=0)
    else:
        taken = np.diff(cycles, prepend=0)
        want = want.reshape(-1, cfg.steps).sum(axis=1) + cfg.readout_cycles
        known = np.all(known.reshape(-1, cfg.steps), axis=1)
    assert (taken[1:] >= want[1:]).all(), "a step took less than its events need"
    harness.record(compared=len(taken) - 1, cycles=int(want[known].sum()))
    if known.any():
        assert_equal(taken[known], want[known], "cycles")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset while events come in and a layer is at work; everything is right from the start."""
    scene = Scene(dut)
    await scene.start()
    half = len(scene.beats) // 2
    await scene.bench.until(lambda: len(scene.feed.sent) >= half)
    await scene.bench.restart()
    scene.compare(await scene.outputs())
    scene.compare_counters()


@cocotb.test()
async def malformed_input_raises_its_flag(dut):
    """Leave out a ``last``, and number an input out of range: the answers stay what they were."""
    scene = Scene(dut)
    cfg, rng = scene.cfg, scene.bench.numpy_rng
    if cfg.coder == "direct":
        # A full step that does not end, and one with an event after it.
        flat = scene.spikes.reshape(-1, cfg.inputs)
        flat[0], flat[1, 0] = 1, 1
    beats = scene.beats = scene._beats()
    last = 1 << (layouts.inputs(cfg).width - 1)
    position = layouts.end_of_first(cfg, beats)
    beats[position] &= ~last
    outside = layouts.outside(cfg, beats, rng)
    # The source offers its first beat already, which may be one of those that were changed.
    scene.feed.restart([] if scene.loads else beats)
    await scene.start()
    scene.compare(await scene.outputs())
    assert_equal(bits(dut.flags), 2 + outside, "flags")
