"""Bench of SONIC's accelerator: layers through its streams, with a memory that answers.

One file, since the memory that answers and the tests that use it check one protocol.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cocotb
import numpy as np

from nomul.golden import sonic
from nomul.golden.sonic import Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, Sink, Source, assert_equal, bits

MEASURED = "layers_equal_the_model/source=never/sink=never"
OPERATION = "product"

LOAD, FC, CONV = 0, 1, 2
COUNTERS = ("passes", "rounds", "active", "gated", "pad", "saturations")


def command_layout(cfg: Config) -> Layout:
    """Return the bit order of a command."""
    entry = [("code", cfg.code_bits, 1), ("level", cfg.level_bits, 1), ("clear", 1, 1)]
    sizes = ("width", "plane", "kernel_width", "kernel_height", "columns")
    task = [("count", cfg.address_bits, 1), ("kernels", cfg.address_bits, 1), ("pool", 1, 1)]
    task += [(name, cfg.address_bits, 1) for name in sizes]
    task += [("normalise", 1, 1), ("relu", 1, 1), ("shift", 6, 1)]
    return Layout((("op", 2, 1), *entry, *task))


def vector_layout(cfg: Config, kind: str) -> Layout:
    """Return the bit order of a beat of activations or of codes."""
    element = cfg.act_bits if kind == "fc" else cfg.code_bits
    width = cfg.compactor_width
    return Layout((("value", element, width), ("mask", 1, width), ("last", 1, 1)))


def fetch_layout(cfg: Config, kind: str) -> Layout:
    """Return the bit order of a request."""
    lanes, units = cfg.lanes(kind), cfg.units(kind)
    on, keep = ("on", 1, units), ("keep", 1, lanes)
    if kind == "fc":
        index = max(1, (cfg.max_length - 1).bit_length())
        return Layout((("row", cfg.address_bits, 1), on, ("index", index, lanes), keep))
    return Layout((("address", cfg.address_bits, units * lanes), on, keep))


def operand_layout(cfg: Config, kind: str) -> Layout:
    """Return the bit order of an answer."""
    width = cfg.code_bits if kind == "fc" else cfg.act_bits
    return Layout((("value", width, cfg.units(kind) * cfg.lanes(kind)),))


def result_layout(cfg: Config, kind: str) -> Layout:
    """Return the bit order of a group of results."""
    units = cfg.units(kind)
    base = ("base", cfg.address_bits, 1)
    return Layout((("z", cfg.sum_bits, units), ("on", 1, units), base, ("last", 1, 1)))


@dataclass
class Job:
    """One layer: its kind, codes, activations or image, and what follows the sums."""

    kind: str
    codes: np.ndarray
    x: np.ndarray
    scale: np.ndarray | None = None
    bias: np.ndarray | None = None
    shift: int = 0
    relu: bool = False
    pool: int = 1

    def expected(self, cfg: Config, levels: np.ndarray) -> tuple[sonic.Result, np.ndarray]:
        """Return the golden result, and what leaves after batch norm, ReLU and pooling."""
        if self.kind == "fc":
            result = sonic.fc(cfg, self.codes, levels, self.x)
        else:
            result = sonic.conv(cfg, self.codes, levels, self.x, self.pool)
        if self.scale is not None and self.bias is not None:
            post = partial(sonic.post, relu=self.relu, pool=self.pool)
            return result, post(cfg, result.y, self.scale, self.bias, self.shift)
        y = np.maximum(result.y, 0) if self.relu else result.y
        if self.pool > 1:
            rows, columns = (size // 2 * 2 for size in y.shape[1:])
            y = y[:, :rows, :columns].reshape(len(y), rows // 2, 2, columns // 2, 2)
            y = y.max(axis=(2, 4))
        return result, y

    def vectors(self, levels: np.ndarray) -> np.ndarray:
        """Return what is compacted, [V, J]: activations, or the kernels' levels."""
        if self.kind == "fc":
            return self.x[None]
        known = np.append(levels, np.zeros(1 + self.codes.max(), dtype=np.int64))
        return known[self.codes.reshape(len(self.codes), -1)]

    def requests(self, cfg: Config, levels: np.ndarray) -> int:
        """Return how many rounds are fetched; a vector of zeros is fetched for once per group."""
        chunks = -(-(self.vectors(levels) != 0).sum(axis=1) // cfg.lanes(self.kind))
        return int(np.maximum(chunks, 1).sum()) * self.groups(cfg) * self.pool**2

    def cycles(self, cfg: Config, levels: np.ndarray) -> int:
        """Return how long it takes without stalls, from its first beat to its last result."""
        vectors = self.vectors(levels)
        beats = cfg.beats(self.kind, vectors)
        return cfg.cycles(self.requests(cfg, levels), beats, len(vectors))

    def windows(self) -> tuple[int, int]:
        """Return rows and columns of windows."""
        high, wide = (np.array(self.x.shape[1:]) - self.codes.shape[2:] + 1) // self.pool
        return int(high), int(wide)

    def count(self) -> int:
        """Return the number of rows, or of windows."""
        return len(self.codes) if self.kind == "fc" else int(np.prod(self.windows()))

    def groups(self, cfg: Config) -> int:
        """Return how many groups of units the rows or windows take."""
        return -(-self.count() // cfg.units(self.kind))

    def command(self) -> dict[str, int]:
        """Return the task's fields."""
        task = {
            "op": FC if self.kind == "fc" else CONV,
            "count": self.count(),
            "kernels": 1,
            "pool": self.pool - 1,
            "normalise": self.scale is not None,
            "relu": self.relu,
            "shift": self.shift,
        }
        if self.kind == "conv":
            task |= {
                "kernels": len(self.codes),
                "width": self.x.shape[2],
                "plane": self.x.shape[1] * self.x.shape[2],
                "kernel_width": self.codes.shape[3],
                "kernel_height": self.codes.shape[2],
                "columns": self.windows()[1],
            }
        return task

    def norms(self, cfg: Config) -> np.ndarray:
        """Return the (scale, bias) beats: a group of rows, or a kernel."""
        if self.scale is None or self.bias is None:
            return np.zeros((0, 1, 2), dtype=np.int64)
        pairs = np.stack([self.scale, self.bias], axis=1)
        if self.kind == "conv":
            return pairs[:, None]
        padded = np.zeros((self.groups(cfg) * cfg.fc_units, 2), dtype=np.int64)
        padded[: len(pairs)] = pairs
        return padded.reshape(-1, cfg.fc_units, 2)


@dataclass
class Memory(Sink):
    """Answers requests: weights' codes of an FC layer, pixels of an image, noise where unwanted."""

    cfg: Config | None = None
    kind: str = ""
    answers: Source | None = None
    layers: list[tuple[Job, int]] = field(default_factory=list)

    def sample(self, cycle: int) -> None:
        """Take a request, and offer its answer from the next cycle on."""
        before = len(self.received)
        super().sample(cycle)
        if len(self.received) == before:
            return
        assert self.cfg is not None
        request = fetch_layout(self.cfg, self.kind).unpack(self.received[-1:])
        job, left = self.layers[0]
        self.layers[0] = (job, left - 1)
        if left == 1:
            self.layers.pop(0)
        value = self.look_up(job, request)
        self.answer(operand_layout(self.cfg, self.kind).pack(value=value.reshape(1, -1)), request)

    def answer(self, words: list[int], request: dict[str, np.ndarray]) -> None:
        """Offer an answer."""
        assert self.answers is not None
        self.answers.payloads = [*self.answers.payloads, *words]

    def wanted(self, request: dict[str, np.ndarray]) -> np.ndarray:
        """Return which operands a request asks for, bool[units, lanes]."""
        assert self.cfg is not None
        on = request["on"].reshape(self.cfg.units(self.kind), 1)
        keep = request["keep"].reshape(1, self.cfg.lanes(self.kind))
        return (on & keep).astype(bool)

    def look_up(self, job: Job, request: dict[str, np.ndarray]) -> np.ndarray:
        """Return operands [units, lanes]."""
        assert self.cfg is not None
        units, lanes = self.cfg.units(self.kind), self.cfg.lanes(self.kind)
        wanted = self.wanted(request)
        bits_each = self.cfg.code_bits if self.kind == "fc" else self.cfg.act_bits
        value = self.bench.numpy_rng.integers(0, 1 << bits_each, (units, lanes))
        if self.kind == "fc":
            rows = int(request["row"].item()) + np.arange(units)[:, None]
            index = np.broadcast_to(request["index"].reshape(1, lanes), (units, lanes))
            rows = np.broadcast_to(rows, (units, lanes))
            value[wanted] = job.codes[rows[wanted], index[wanted]]
        else:
            address = request["address"].reshape(units, lanes)
            value[wanted] = job.x.ravel()[address[wanted]]
        return value


class Accelerator:
    """The design with a source, a sink or a memory on each stream."""

    memory_class = Memory
    config_class: type[Config] = Config
    kinds: tuple[str, ...] = ("fc", "conv")

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.cfg = self.config_class.from_json(harness.config_text())
        self.dut, self.bench = dut, Bench(dut)
        self.command = self.bench.source("command", [], source)
        self.vector, self.memory, self.norm, self.y = {}, {}, {}, {}
        for kind in self.kinds:
            self.vector[kind] = self.source(f"{kind}_vector", source)
            memory = self.memory_class(self.bench, f"{kind}_fetch", sink)
            memory.cfg, memory.kind = self.cfg, kind
            memory.answers = self.source(f"{kind}_operands", source)
            # Before its answers' source, so that these are offered in the following cycle.
            self.bench.agents.insert(0, memory)
            self.memory[kind] = memory
            self.norm[kind] = self.bench.source(f"{kind}_norm", [], source)
            self.y[kind] = self.bench.sink(f"{kind}_y", sink)

    def source(self, name: str, pattern: str) -> Source:
        """Return the source of a vector or of operands."""
        return self.bench.source(name, [], pattern)

    def send(self, **fields: int) -> None:
        """Append one command; fields that are not named are 0."""
        layout = command_layout(self.cfg)
        values = {name: [int(fields.get(name, 0))] for name, _, _ in layout.fields}
        self.command.payloads = [*self.command.payloads, *layout.pack(**values)]

    def load(self, levels: np.ndarray) -> None:
        """Load the codebook: the entries 1 and on, after forgetting those of before."""
        for code, level in enumerate(levels):
            self.send(op=LOAD, code=code, level=int(level), clear=code == 0)

    def start(self, job: Job, levels: np.ndarray, vectors: list[np.ndarray] | None = None) -> None:
        """Send a job's task, and feed its streams; ``vectors`` replaces what would be fed."""
        self.send(**job.command())
        if vectors is None:
            vectors = list(job.x[None] if job.kind == "fc" else job.codes)
        source = self.vector[job.kind]
        words = [word for vector in vectors for word in self.beats(job.kind, vector.ravel())]
        source.payloads = [*source.payloads, *words]
        self.memory[job.kind].layers.append((job, job.requests(self.cfg, levels)))
        pairs = job.norms(self.cfg)
        norm = self.norm[job.kind]
        norm.payloads = [*norm.payloads, *map(self.norm_word, pairs)]

    def norm_word(self, pairs: np.ndarray) -> int:
        """Return one beat of scales and biases, interleaved, the biases wider than 63 bits too."""
        word, offset, cfg = 0, 0, self.cfg
        for scale, bias in pairs.tolist():
            word |= (scale & ((1 << cfg.batchnorm_bits) - 1)) << offset
            offset += cfg.batchnorm_bits
            word |= (bias & ((1 << cfg.bias_bits) - 1)) << offset
            offset += cfg.bias_bits
        return word

    def beats(self, kind: str, vector: np.ndarray) -> list[int]:
        """Return the beats of a vector; what fills up the last one is noise, masked off."""
        width = self.cfg.compactor_width
        count = -(-len(vector) // width)
        value = self.bench.numpy_rng.integers(0, 1 << self.cfg.code_bits, count * width)
        value[: len(vector)] = vector
        mask = (np.arange(count * width) < len(vector)).reshape(count, width)
        last = np.arange(count) == count - 1
        return vector_layout(self.cfg, kind).pack(
            value=value.reshape(count, width), mask=mask, last=last
        )

    async def results(self, jobs: list[Job], limit: int = 100_000) -> dict[str, list[np.ndarray]]:
        """Return the results of all jobs by kind, flat, after checking what frames them."""
        got: dict[str, list[np.ndarray]] = {}
        for kind in self.kinds:
            of_kind, sink = [job for job in jobs if job.kind == kind], self.y[kind]
            kernels = [1 if kind == "fc" else len(job.codes) for job in of_kind]
            beats = [
                job.groups(self.cfg) * count for job, count in zip(of_kind, kernels, strict=True)
            ]
            total = sum(beats)
            await self.bench.until(partial(holds, sink, total), limit)
        for _ in range(20):
            await self.bench.step()
        for kind in self.kinds:
            of_kind, sink = [job for job in jobs if job.kind == kind], self.y[kind]
            got[kind], position = [], 0
            for job in of_kind:
                count = job.groups(self.cfg) * (1 if kind == "fc" else len(job.codes))
                words = sink.received[position : position + count]
                position += count
                got[kind].append(self.unpack(job, words))
            assert len(sink.received) == position, f"{kind}: {len(sink.received)} groups"
        return got

    def unpack(self, job: Job, words: list[int]) -> np.ndarray:
        """Return the results of one job; check unit masks, numbers and last."""
        units, groups = self.cfg.units(job.kind), job.groups(self.cfg)
        fields = result_layout(self.cfg, job.kind).unpack(words, signed=("z",))
        base = np.tile(np.arange(groups) * units, len(words) // groups)
        number = base[:, None] + np.arange(units)
        on = (number < job.count()).astype(np.int64)
        assert_equal(fields["base"], base, "base")
        assert_equal(fields["on"].reshape(on.shape), on, "on")
        assert_equal(fields["last"], np.arange(len(words)) == len(words) - 1, "last")
        return fields["z"].reshape(on.shape)[on.astype(bool)]

    def counters(self, kind: str) -> dict[str, int]:
        """Return what the hardware counted."""
        return {name: bits(getattr(self.dut, f"{kind}_{name}")) for name in COUNTERS}


def holds(sink: Sink, count: int) -> bool:
    """Whether a sink has received so many beats."""
    return len(sink.received) >= count


def book(cfg: Config, rng: np.random.Generator, loaded: int | None = None) -> np.ndarray:
    """Return levels of all codes, or of the first ``loaded``; full scale among them."""
    high = 1 << (cfg.level_bits - 1)
    levels = rng.integers(-high, high, loaded or 1 << cfg.code_bits)
    levels[-1] = -high
    levels[0] = 0
    return levels


def jobs_of(cfg: Config, rng: np.random.Generator) -> list[Job]:
    """Return the golden layers, with and without batch norm, ReLU and pooling."""
    jobs = []
    for kind, layers in sonic.layers(cfg, rng).items():
        for number, (codes, x) in enumerate(layers):
            jobs.append(Job(kind, codes, x, relu=number % 2 == 1))
            if number < 2:
                high = 1 << (cfg.batchnorm_bits - 1)
                scale = rng.integers(-high, high, len(codes))
                bias = rng.integers(-(1 << 12), 1 << 12, len(codes))
                shift = cfg.batchnorm_bits + cfg.level_bits
                pool = 2 if kind == "conv" and min(Job(kind, codes, x).windows()) > 1 else 1
                jobs.append(Job(kind, codes, x, scale, bias, shift, number == 0, pool))
    return jobs


async def run(unit: Accelerator, jobs: list[Job], levels: np.ndarray) -> None:
    """Send jobs through the design; compare every result and every counter."""
    cfg = unit.cfg
    results: dict[str, list[sonic.Result]] = {"fc": [], "conv": []}
    for job in jobs:
        unit.start(job, levels)
    await unit.bench.reset()
    got = await unit.results(jobs)
    for job in jobs:
        result, z = job.expected(cfg, levels)
        number = len(results[job.kind])
        assert_equal(got[job.kind][number], z.ravel(), f"{job.kind} z")
        results[job.kind].append(result)
    check_counters(unit, results)


def check_counters(unit: Accelerator, results: dict[str, list[sonic.Result]]) -> None:
    """Compare the activity counters with the sums of the golden ones, and the conversions."""
    total = {}
    for kind, parts in results.items():
        counted = unit.counters(kind)
        for name in COUNTERS:
            total[kind, name] = sum(getattr(part, name) for part in parts)
            assert_equal(counted[name], total[kind, name], f"{kind}_{name}")
        unloaded = any(part.unloaded for part in parts)
        assert_equal(bits(getattr(unit.dut, f"{kind}_unloaded")), unloaded, f"{kind}_unloaded")
        assert_equal(bits(getattr(unit.dut, f"{kind}_overlong")), 0, f"{kind}_overlong")
    fc_active, conv_active = total["fc", "active"], total["conv", "active"]
    fc_kept, conv_kept = fc_active + total["fc", "gated"], conv_active + total["conv", "gated"]
    assert_equal(bits(unit.dut.dac_activation), fc_kept + conv_active, "dac_activation")
    assert_equal(bits(unit.dut.dac_weight), conv_kept + fc_active, "dac_weight")
    assert_equal(bits(unit.dut.adc), total["fc", "passes"] + total["conv", "passes"], "adc")
    harness.record(**{f"{kind}_{name}": value for (kind, name), value in total.items()})
    harness.record(products=fc_active + conv_active)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def layers_equal_the_model(dut, source, sink):
    """Layers of both kinds side by side: results and counters, under all stalls."""
    unit = Accelerator(dut, source, sink)
    rng = unit.bench.numpy_rng
    levels = book(unit.cfg, rng)
    unit.load(levels)
    await run(unit, jobs_of(unit.cfg, rng), levels)
    assert_equal(bits(dut.refused), 0, "refused")


@cocotb.test()
@cocotb.parametrize(kind=["fc", "conv"])
async def takes_as_many_cycles_as_the_formula_says(dut, kind):
    """Without stalls, from the first beat of the first vector to the last result."""
    unit = Accelerator(dut)
    cfg, rng = unit.cfg, unit.bench.numpy_rng
    levels = book(cfg, rng)
    levels[1:][levels[1:] == 0] = 1
    unit.load(levels)
    await unit.bench.reset()
    done: list[Job] = []
    for codes, x in sonic.layers(cfg, rng)[kind]:
        job, sink, source = Job(kind, codes, x), unit.y[kind], unit.vector[kind]
        sent = len(source.sent)
        unit.start(job, levels)
        done.append(job)
        await unit.results(done)
        cycles = sink.cycles[-1] - source.sent[sent] + 1
        assert_equal(cycles, job.cycles(cfg, levels), "cycles")
