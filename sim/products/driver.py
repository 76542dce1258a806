"""Drives what every matrix-vector product has: loads tiles, offers vectors, takes sums."""

from types import ModuleType
from typing import Any

import numpy as np

from nomul.golden import products
from nomul.sim import harness
from nomul.sim.stream import Bench, Layout, assert_equal, bits


class Driver:
    """One member under test.

    A subclass names the golden module and the layouts of the streams' payloads, which are the
    bench's own statement of the order of bits.
    """

    golden: ModuleType
    flags: tuple[str, ...] = products.FLAGS

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.dut, self.bench = dut, Bench(dut)
        self.cfg = self.golden.Config.from_json(harness.config_text())
        self.lanes = self.x_lanes()
        self.words = Layout((*self.weight_fields(), ("last", 1, 1)))
        self.activations = Layout((("x", self.cfg.act_bits, self.lanes), ("last", 1, 1)))
        self.sums = Layout((("y", self.cfg.y_bits, self.cfg.y_lanes), ("last", 1, 1)))
        self.weight = self.bench.source("weight", [], source)
        self.x = self.bench.source("x", [], source)
        self.y = self.bench.sink("y", sink)

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return the fields of a word but ``last``, in order."""
        raise NotImplementedError

    def x_lanes(self) -> int:
        """Return the activations of a beat."""
        return self.cfg.width

    def compress(self, w: np.ndarray) -> Any:
        """Return a tile of the nearest weights that the member holds."""
        return self.golden.compress(self.cfg, self.golden.project(self.cfg, w))

    def levels(self, x: np.ndarray) -> np.ndarray:
        """Return activations that the member takes, from any codes of its width."""
        return x

    def codes(self, packed: Any, x: np.ndarray) -> np.ndarray:
        """Return what the stream carries of activations."""
        return x

    @property
    def grain(self) -> int:
        """Words of the least part of a tile, behind which it may end."""
        return self.cfg.depth

    @property
    def beats(self) -> int:
        """Beats of a vector."""
        return -(-self.cfg.inputs // self.lanes)

    @property
    def y_beats(self) -> int:
        """Beats of a vector's sums."""
        return -(-self.cfg.outputs // self.cfg.y_lanes)

    def tile_words(self, packed: Any) -> list[int]:
        """Return the payloads that load a tile."""
        words = packed.words()
        count = len(next(iter(words.values())))
        return self.words.pack(**words, last=np.arange(count) == count - 1)

    def vector_words(self, packed: Any, x: np.ndarray) -> list[int]:
        """Return the payloads of one vector; lanes beyond its end carry noise."""
        size = 1 << self.cfg.act_bits
        full = self.bench.numpy_rng.integers(0, size, self.beats * self.lanes)
        full[: len(x)] = self.codes(packed, x)
        last = np.arange(self.beats) == self.beats - 1
        return self.activations.pack(x=full.reshape(self.beats, -1), last=last)

    async def begin(self, vectors: int) -> tuple[Any, np.ndarray]:
        """Reset, and return a tile and so many vectors of the member's stimuli."""
        await self.bench.reset()
        made = self.golden.stimuli(self.cfg, self.bench.numpy_rng, vectors)
        return made["packed"], made["x"]

    def feed(self, words: list[int]) -> None:
        """Queue words of a tile."""
        self.weight.payloads = [*self.weight.payloads, *words]

    def offer(self, words: list[int]) -> None:
        """Queue beats of activations."""
        self.x.payloads = [*self.x.payloads, *words]

    async def load(self, packed: Any, words: list[int] | None = None) -> None:
        """Queue a tile once all activations were taken, and wait until its first word is."""
        await self.bench.until(lambda: self.x.done)
        before = len(self.weight.sent)
        self.feed(self.tile_words(packed) if words is None else words)
        await self.bench.until(lambda: len(self.weight.sent) > before)

    async def take(self, vectors: int, settle: int = 20) -> np.ndarray:
        """Wait for the sums of so many vectors in all, and for none too many; return them."""
        await self.bench.receive(self.y, vectors * self.y_beats, settle)
        got = self.sums.unpack(self.y.received, signed=("y",))
        last = np.arange(len(got["last"])) % self.y_beats == self.y_beats - 1
        assert_equal(got["last"], last, "last")
        flat = got["y"].reshape(vectors, -1)
        return flat[:, : self.cfg.outputs]

    async def settle(self, cycles: int = 20) -> None:
        """Wait until what was offered is taken, and a little longer."""
        await self.bench.until(lambda: self.x.done and self.weight.done)
        for _ in range(cycles):
            await self.bench.step()

    def check_errors(self, *names: str) -> None:
        """Compare the sticky flags."""
        expected = sum(1 << self.flags.index(name) for name in names)
        assert_equal(bits(self.dut.errors), expected, "errors")

    async def reset(self) -> None:
        """Reset in mid-transaction: what was offered is withdrawn."""
        await self.bench.abort()
