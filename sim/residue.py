"""Bench of the bank of residues."""

from dataclasses import dataclass

import cocotb
import numpy as np

from nomul.golden.residue import Config, counts, history, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, Sink, assert_equal, bits, under_test

MEASURED = "weights_equal_the_model/source=never/sink=never"
OPERATION = "transfer"
FLAGS = ("too_large", "misaddressed", "no_such_level")


def requests(cfg: Config, **fields) -> list[int]:
    """Return payloads; ``address``, ``value`` and ``load``, [n] each."""
    sizes = {"address": cfg.address_bits, "value": cfg.value_bits, "load": 1}
    return Layout(tuple((name, size, 1) for name, size in sizes.items())).pack(**fields)


async def answers(cfg: Config, bench: Bench, o: Sink, count: int) -> dict[str, np.ndarray]:
    """Receive answers, one array per field."""
    sizes = {"upper": cfg.level_bits, "acc": cfg.low_bits, "lost": 2, "dropped": 1}
    layout = Layout(tuple((name, size, 1) for name, size in sizes.items()))
    return layout.unpack(await bench.receive(o, count), signed=("upper", "acc", "lost"))


@dataclass
class Scene:
    """Levels to load, then all updates: a weight's in their order, the weights' mixed.

    In the first half all updates of a weight follow one another, so that forwarding is needed.
    """

    cfg: Config
    rng: np.random.Generator

    def __post_init__(self) -> None:
        given = stimuli(self.cfg, self.rng)
        self.q, self.start = given["q"], given["start"]
        mixed = self.rng.permutation(np.repeat(np.arange(self.cfg.words), len(self.q)))
        half = len(mixed) // 2
        self.address = np.concatenate([np.sort(mixed[:half]), mixed[half:]])
        self.visit = np.zeros_like(self.address)
        for word in range(self.cfg.words):
            self.visit[self.address == word] = np.arange(len(self.q))

    def payloads(self) -> list[int]:
        """Return the requests."""
        words, n = np.arange(self.cfg.words), len(self.address)
        loads = requests(self.cfg, address=words, value=self.start, load=np.ones_like(words))
        q = self.q[self.visit, self.address]
        return loads + requests(self.cfg, address=self.address, value=q, load=np.zeros(n))

    def compare(self, got: dict[str, np.ndarray], dut) -> None:
        """Compare answers and counters with the model's."""
        after, none = history(self.cfg, self.q, self.start), np.zeros_like(self.start)
        lost = np.diff(after.lost, axis=0, prepend=0)
        where = (self.visit, self.address)
        expected = {
            "upper": np.append(self.start, after.upper[where]),
            "acc": np.append(none, after.acc[where]),
            "lost": np.append(none, lost[where]),
        }
        for name, want in expected.items():
            assert_equal(got[name], want, name)
        assert_equal(got["dropped"], np.zeros_like(got["dropped"]), "dropped")
        written = counts(self.cfg, self.q, self.start)
        for name in written._fields:
            assert_equal(bits(getattr(dut, name)), getattr(written, name), name)
        for name in FLAGS:
            assert_equal(bits(getattr(dut, name)), 0, name)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def weights_equal_the_model(dut, source, sink):
    """Level, residue and lost carry after every update, and all counters, under all stalls."""
    cfg, bench = under_test(dut, Config)
    scene = Scene(cfg, bench.numpy_rng)
    payloads = scene.payloads()
    i, o = bench.source("i", payloads, source), bench.sink("o", sink)
    await bench.reset()
    scene.compare(await answers(cfg, bench, o, len(payloads)), dut)
    if source == sink == "never":
        assert_equal(o.cycles[-1] - i.sent[0] + 1, cfg.cycles(len(payloads)), "cycles")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset while updates are under way: flags and counters begin anew, weights are loaded."""
    cfg, bench = under_test(dut, Config)
    scene = Scene(cfg, bench.numpy_rng)
    payloads = scene.payloads()
    i, o = bench.source("i", payloads, "random"), bench.sink("o", "random")
    await bench.reset()
    await bench.until(lambda: len(i.sent) >= len(payloads) // 2)
    await bench.restart()
    scene.compare(await answers(cfg, bench, o, len(payloads)), dut)


@cocotb.test()
async def a_request_that_cannot_be_is_dropped_and_flagged(dut):
    """Too large updates of both signs, a word behind the bank, and levels that are none."""
    cfg, bench = under_test(dut, Config)
    low, high = cfg.levels
    words = np.arange(cfg.words)
    start = bench.numpy_rng.integers(low, high + 1, cfg.words)
    most = 1 << (cfg.value_bits - 1)
    wrong = [(0, side * (cfg.largest_update + 1), 0) for side in (1, -1)]
    wrong += [(0, level, 1) for level in (high + 1, low - 1) if -most <= level < most]
    beyond = (cfg.words, 1, 0)
    payloads = requests(cfg, address=words, value=start, load=np.ones_like(words))
    i, o = bench.source("i", payloads, "random"), bench.sink("o", "random")
    await bench.reset()
    await bench.until(lambda: i.done)
    if cfg.words < 1 << cfg.address_bits:
        wrong.append(beyond)
    address, value, load = np.array(wrong).T
    i.payloads = [
        *payloads,
        *requests(cfg, address=address, value=value, load=load),
        *requests(cfg, address=words, value=0 * words, load=0 * words),
    ]
    got = await answers(cfg, bench, o, len(i.payloads))
    kept = np.where(address < cfg.words, start[0], 0)
    assert_equal(got["upper"], np.concatenate([start, kept, start]), "upper")
    assert_equal(got["acc"], np.zeros_like(got["acc"]), "acc")
    refused = np.repeat([0, 1, 0], [cfg.words, len(wrong), cfg.words])
    assert_equal(got["dropped"], refused, "dropped")
    raised = (1, int(beyond in wrong), int(load.any()))
    assert_equal([bits(getattr(dut, name)) for name in FLAGS], raised, "flags")
