"""Bench of the machine for the Sparse DNN challenge."""

import cocotb
import numpy as np

from nomul.golden import spdnn
from nomul.golden.spdnn import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, Sink, assert_equal, bits

MEASURED = "activations_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


class Scene:
    """A network and several batches of images, and how they go in and come out."""

    def __init__(self, dut, stalls=("never", "never")):
        self.cfg = cfg = Config.from_json(harness.config_text())
        self.dut, self.bench = dut, Bench(dut)
        case = spdnn.stimuli(cfg, self.bench.numpy_rng)
        self.layers, self.images = case["layers"], case["y0"]
        self.y0 = self.bench.source("y0", self.words(self.images), stalls[0])
        name = "edges" if cfg.engine == "general" else "members"
        self.network = self.bench.source(name, self.loaded(), stalls[0])
        self.o: Sink = self.bench.sink("o", stalls[1])

    @property
    def batches(self) -> int:
        """How many batches the images are."""
        return len(self.images) // self.cfg.adders

    def words(self, images: np.ndarray) -> list[int]:
        """Return the words of whole batches."""
        cfg = self.cfg
        layout = Layout((("y", cfg.y_bits, cfg.adders), ("last", 1, 1)))
        lanes = images.reshape(-1, cfg.adders, cfg.neurons).transpose(0, 2, 1)
        last = np.tile(np.arange(cfg.neurons) == cfg.neurons - 1, len(lanes))
        return layout.pack(y=lanes.reshape(-1, cfg.adders), last=last)

    def loaded(self, batches: int | None = None) -> list[int]:
        """Return the table of members, or the edges for all batches."""
        cfg = self.cfg
        if cfg.engine != "general":
            neuron = spdnn.members(cfg, self.layers)
            layout = Layout((("neuron", cfg.address_bits, 1), ("last", 1, 1)))
            return layout.pack(neuron=neuron, last=np.arange(len(neuron)) == len(neuron) - 1)
        sizes = {"row": cfg.address_bits, "shift": 3, "negative": 1, "none": 1, "last": 1}
        layout = Layout(tuple((name, size, 1) for name, size in sizes.items()))
        words = layout.pack(**spdnn.edges(cfg, self.layers)._asdict())
        return words * (self.batches if batches is None else batches)

    async def compare(self, images: np.ndarray) -> None:
        """Receive all batches of some images and compare them with the model."""
        cfg = self.cfg
        layout = Layout((("y", cfg.y_bits, cfg.adders), ("active", cfg.adders, 1), ("last", 1, 1)))
        words = await self.bench.receive(self.o, len(images) // cfg.adders * cfg.neurons)
        got = layout.unpack(words)
        y = got["y"].reshape(-1, cfg.neurons, cfg.adders).transpose(0, 2, 1)
        want = spdnn.model(cfg, layers=self.layers, y0=images)
        assert_equal(y.reshape(want.shape), want, "y")
        at_end = np.arange(len(words)) % cfg.neurons == cfg.neurons - 1
        assert_equal(got["last"], at_end.astype(np.int64), "last")
        active = (got["active"][at_end][:, None] >> np.arange(cfg.adders)) & 1
        assert_equal(np.flatnonzero(active.ravel()) + 1, spdnn.categories(want), "categories")

    def flags(self) -> dict[str, int]:
        """Return all sticky flags."""
        own = "unmarked" if self.cfg.engine == "general" else "misloaded"
        return {name: bits(getattr(self.dut, name)) for name in ("misfit", "too_large", own)}


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def activations_equal_the_model(dut, source, sink):
    """All activations of the last layer, and the active images, batch after batch."""
    scene = Scene(dut, (source, sink))
    await scene.bench.reset()
    await scene.compare(scene.images)
    assert not any(scene.flags().values()), scene.flags()
    if source == sink == "never":
        count = spdnn.cycles(scene.cfg, len(scene.images), scene.layers)
        assert_equal(scene.o.cycles[-1] - scene.y0.sent[0] + 1, count, "cycles")


@cocotb.test()
async def a_batch_of_another_length_is_dropped(dut):
    """Short and long batches raise their flag and leave nothing; the next one is whole."""
    scene = Scene(dut, ("random", "random"))
    cfg, good = scene.cfg, scene.words(scene.images)
    mark = 1 << (cfg.y_bits * cfg.adders)
    short = [word | mark for word in good[:1]]
    long = [word & (mark - 1) for word in good[: cfg.neurons]]
    scene.y0.restart([*short, *long, *good])
    await scene.bench.reset()
    await scene.compare(scene.images)
    assert_equal([scene.flags()["misfit"], scene.flags()["too_large"]], [1, 0], "flags")


@cocotb.test()
async def an_activation_above_the_ceiling_is_cut(dut):
    """Raise the flag, and go on with 32."""
    scene = Scene(dut)
    cfg = scene.cfg
    scene.images[0, :3] = (1 << cfg.y_bits) - 1
    scene.y0.restart(scene.words(scene.images))
    scene.images[0, :3] = 32 << cfg.fraction
    await scene.bench.reset()
    await scene.compare(scene.images)
    assert_equal([scene.flags()["misfit"], scene.flags()["too_large"]], [0, 1], "flags")


@cocotb.test()
async def a_table_of_another_length_waits_for_a_good_one(dut):
    """No batch is taken before a table of the right length is there; edges must end columns."""
    scene = Scene(dut, ("random", "random"))
    cfg, good = scene.cfg, scene.network.payloads
    if cfg.engine == "general":
        # A word without an edge ends its column, whether it says so or not.
        first = next(k for k, word in enumerate(good) if word >> (cfg.address_bits + 4) & 1)
        silent = good[first] & ~(1 << (cfg.address_bits + 5))
        scene.network.restart([*good[:first], silent, *good[first + 1 :]])
    else:
        scene.network.restart([good[-1], *good[:-1], good[0], *good])
    await scene.bench.reset()
    await scene.compare(scene.images)
    assert_equal(list(scene.flags().values()), [0, 0, 1], "flags")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset while layers are computed: everything begins anew."""
    scene = Scene(dut, ("random", "random"))
    cfg = scene.cfg
    await scene.bench.reset()
    await scene.bench.until(lambda: len(scene.y0.sent) >= cfg.neurons)
    for _ in range(50):
        await scene.bench.step()
    await scene.bench.restart()
    await scene.compare(scene.images)
