"""Drives an engine: codes of inputs, words of weights where they are streamed, answers."""

from typing import Any

import numpy as np

from nomul.golden import engine
from nomul.golden.engine import loading, members
from nomul.sim import harness
from nomul.sim.stream import Bench, Layout, assert_equal, bits


class Driver:
    """One engine under test; the layouts are the bench's own statement of the order of bits."""

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.dut, self.bench = dut, Bench(dut)
        self.cfg = cfg = engine.Config.from_json(harness.config_text())
        program = cfg.program
        widths, scores = program.widths, program.scores
        self.codes = Layout((("x", widths["code"], 1), ("last", 1, 1)))
        label = max(1, (scores - 1).bit_length())
        self.answers = Layout((("score", widths["score"], 1), ("label", label, 1), ("last", 1, 1)))
        self.x = self.bench.source("x", [], source)
        self.y = self.bench.sink("y", sink)
        self.weight = self.bench.source("weight", [], source) if self.streamed else None
        self.program = self.bench.source("program", [], source) if cfg.loads else None
        self.net = cfg.net
        if cfg.loads:
            self.load()

    @property
    def streamed(self) -> bool:
        """Whether weights come from outside."""
        return self.cfg.weights == "stream"

    def program_words(self, words: list[int]) -> list[int]:
        """Return the payloads of a layer program: rows, the last of them marked."""
        last = 1 << (self.cfg.rows.bits + 1)
        return [*words[:-1], words[-1] | last]

    def load(self, net: Any = None) -> None:
        """Queue a network's layer program, the engine's own one if None."""
        assert self.program is not None
        self.net = net or self.cfg.net
        words = self.program_words(engine.load(self.cfg, net))
        self.program.payloads = [*self.program.payloads, *words]

    def inputs(self, count: int) -> np.ndarray:
        """Return inputs: extremes and random ones."""
        return engine.stimuli(self.cfg, self.bench.numpy_rng, count)["x"]

    def words(self, image: np.ndarray) -> list[int]:
        """Return the payloads of an input."""
        flat = image.reshape(-1) & ((1 << self.cfg.program.widths["code"]) - 1)
        return self.codes.pack(x=flat, last=np.arange(len(flat)) == len(flat) - 1)

    def tiles(self) -> list[list[int]]:
        """Return the payloads of each tile of the program, in order."""
        last = 1 << members.word_bits(self.cfg.tile)
        own = self.net is self.cfg.net
        program = self.cfg.program if own else loading.laid(self.cfg, self.net)
        return [[*words[:-1], words[-1] | last] for words in loading.weights(program)]

    def feed(self, tiles: list[list[int]]) -> None:
        """Queue words of weights."""
        assert self.weight is not None
        self.weight.payloads = [*self.weight.payloads, *(word for tile in tiles for word in tile)]

    def offer(self, image: np.ndarray) -> None:
        """Queue an input, and its weights."""
        self.x.payloads = [*self.x.payloads, *self.words(image)]
        if self.streamed:
            self.feed(self.tiles())

    async def take(self, count: int, settle: int = 30) -> np.ndarray:
        """Wait for so many answers in all, and for none too many; return scores and class of each.

        The label beside each score must be that of the largest so far.
        """
        scores = self.cfg.program.scores
        await self.bench.receive(self.y, count * scores, settle)
        got = self.answers.unpack(self.y.received, signed=("score",))
        last = np.arange(count * scores) % scores == scores - 1
        assert_equal(got["last"], last, "last")
        score = got["score"].reshape(count, scores)
        labels = [[int(np.argmax(row[: i + 1])) for i in range(scores)] for row in score]
        assert_equal(got["label"].reshape(count, scores), labels, "label")
        return np.concatenate([score, got["label"].reshape(count, scores)[:, -1:]], axis=1)

    def check_errors(self, *names: str) -> None:
        """Compare the sticky flags."""
        expected = sum(1 << engine.FLAGS.index(name) for name in names)
        assert_equal(bits(self.dut.errors), expected, "errors")

    async def quiet(self, cycles: int) -> None:
        """Pass cycles, for what must not come."""
        for _ in range(cycles):
            await self.bench.step()

    async def reset(self) -> None:
        """Reset in mid-transaction: what was offered is withdrawn, a layer program comes again."""
        await self.bench.abort()
        if self.cfg.loads:
            self.load()
