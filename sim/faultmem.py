"""Bench of the memory that forgets writes."""

import cocotb
import numpy as np

from nomul.golden.faultmem import Config, cycles, history, model, stimuli
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits

MEASURED = "words_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def requests(cfg: Config, address, value, read) -> list[int]:
    """Return payloads; ``address``, ``value`` and whether one only reads, [n] each."""
    sizes = {"address": cfg.address_bits, "value": cfg.bits, "read": 1}
    layout = Layout(tuple((name, size, 1) for name, size in sizes.items()))
    return layout.pack(address=address, value=value, read=read)


class Scene:
    """All words are read, since reset leaves them; then the stimuli are written; all read again."""

    def __init__(self, dut):
        self.cfg = cfg = Config.from_json(harness.config_text())
        self.dut, self.bench = dut, Bench(dut)
        case = stimuli(cfg, self.bench.numpy_rng)
        self.address, self.data = case["addresses"], case["data"]
        if cfg.words < 1 << cfg.address_bits:
            self.address[5] = cfg.words

    def payloads(self) -> list[int]:
        """Return the requests."""
        words, n = np.arange(self.cfg.words), len(self.data)
        reads = requests(self.cfg, words, np.resize(self.data, len(words)), np.ones(len(words)))
        return [*reads, *requests(self.cfg, self.address, self.data, np.zeros(n)), *reads]

    def compare(self, words: list[int]) -> np.ndarray:
        """Compare answers, counters and flag with the model's; return what was held before."""
        cfg = self.cfg
        sizes = {"word": cfg.bits, "failed": cfg.bits, "dropped": 1}
        layout = Layout(tuple((name, size, 1) for name, size in sizes.items()))
        got = layout.unpack(words)
        before, none = got["word"][: cfg.words], np.zeros(cfg.words, dtype=np.int64)
        after = history(cfg, self.address, self.data, before)
        total = model(cfg, self.address, self.data, before)
        missing = (self.address >= cfg.words).astype(np.int64)
        expected = {
            "word": [before, after.word, total.memory],
            "failed": [none, after.failed, none],
            "dropped": [none, missing, none],
        }
        for name, parts in expected.items():
            assert_equal(got[name], np.concatenate(parts), name)
        assert_equal(bits(self.dut.misaddressed), int(missing.any()), "misaddressed")
        failures = [bits(getattr(self.dut, f"failures{k}")) for k in range(cfg.bits)]
        assert_equal(failures, total.failures, "failures")
        banks = [bits(getattr(self.dut, f"bank_failures{k}")) for k in range(len(cfg.banks))]
        sums = [int(total.failures[low:end].sum()) for low, end in cfg.banks]
        assert_equal(banks, sums, "bank_failures")
        return before


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def words_equal_the_model(dut, source, sink):
    """Every word after its write, all failures, counters and flag, under all stalls."""
    scene = Scene(dut)
    bench, payloads = scene.bench, scene.payloads()
    i, o = bench.source("i", payloads, source), bench.sink("o", sink)
    await bench.reset()
    before = scene.compare(await bench.receive(o, len(payloads)))
    if source == sink == "never":
        written = cycles(scene.cfg, scene.address, scene.data, before)
        assert_equal(o.cycles[-1] - i.sent[0] + 1, 2 * scene.cfg.words + written, "cycles")


@cocotb.test()
async def works_after_a_reset_in_the_middle(dut):
    """Reset while a word is being written: random numbers, flag and counters begin anew."""
    scene = Scene(dut)
    bench, payloads = scene.bench, scene.payloads()
    i, o = bench.source("i", payloads, "random"), bench.sink("o", "random")
    await bench.reset()
    await bench.until(lambda: len(i.sent) >= len(payloads) // 2)
    await bench.restart()
    scene.compare(await bench.receive(o, len(payloads)))
