"""Bench of the core with matrix-vector units."""

import itertools
import os
from typing import Any

import cocotb
import numpy as np

from nomul.golden import mvmu
from nomul.golden.arrays import Floats, Ints
from nomul.golden.mvmu import Config, Core, Instruction
from nomul.golden.mvmu.isa import FIELDS, FUNCTIONS, OPERATIONS
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits

MEASURED = "products_equal_the_model/source=never/sink=never"
OPERATION = "transfer"
WRITE, READ, PROGRAM, RUN = range(4)


class Scene:
    """Requests to a core, and what its model answers."""

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.cfg = cfg = Config.from_json(harness.config_text())
        self.dut, self.bench, self.stalls = dut, Bench(dut), (source, sink)
        rng = self.bench.numpy_rng
        self.matrices = [mvmu.stimuli(cfg, rng)["w"] for _ in range(cfg.units)]
        self.memory = rng.integers(-32768, 32768, cfg.words)
        self.requests: list[int] = []
        self.sizes = {"kind": 2, "address": 16, "value": sum(FIELDS.values())}

    def ask(self, kind: int, address: Any, value: Any = 0) -> None:
        """Add requests."""
        for at, word in zip(*np.broadcast_arrays(address, value), strict=True):
            packed = kind | int(at) << 2 | (int(word) & ((1 << self.sizes["value"]) - 1)) << 18
            self.requests.append(packed)

    def program(self, program: list[Instruction]) -> None:
        """Add the requests that write a program; words behind it become 0."""
        cfg = self.cfg
        words = [*mvmu.words(program), *[0] * (cfg.program_words - len(program))]
        for at, word in enumerate(words):
            self.requests.append(PROGRAM | at << 2 | word << 18)

    def tiles(self) -> list[int]:
        """Return the words of all matrices."""
        cfg, words = self.cfg, []
        for number, w in enumerate(self.matrices):
            rows = mvmu.offset(cfg, w).words()["w"]
            for at, row in enumerate(rows):
                value = sum(int(bit) << k for k, bit in enumerate(row))
                last = int(at == len(rows) - 1)
                words.append(value | number << len(row) | last << (len(row) + 3))
        return words

    async def answers(self, count: int) -> dict[str, Ints]:
        """Send everything, and return the answers and the cycles between the first and last."""
        source, sink = self.stalls
        self.weight = self.bench.source("weight", self.tiles(), source)
        self.i = self.bench.source("i", [], source)
        self.o = self.bench.sink("o", sink)
        await self.bench.reset()
        await self.bench.until(lambda: self.weight.done)
        self.i.payloads = self.requests
        layout = Layout((("value", 16, 1), ("ran", 1, 1), ("fault", 1, 1)))
        words = await self.bench.receive(self.o, count)
        return layout.unpack(words, signed=("value",))


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def products_equal_the_model(dut: Any, source: str, sink: str) -> None:
    """Run a program with all units and functions and a loop: memory, cycles and clips."""
    scene = Scene(dut, source, sink)
    cfg, memory = scene.cfg, scene.memory
    text = example(cfg)
    program = mvmu.assemble(cfg, text)
    scene.ask(WRITE, np.arange(cfg.words), memory)
    scene.program(program)
    scene.ask(RUN, [0])
    scene.ask(READ, np.arange(cfg.words))
    got = await scene.answers(1 + cfg.words)
    core = Core(cfg, scene.matrices, memory=memory)
    core.run(program)
    assert not core.fault
    assert_equal(got["value"][1:], core.memory, "memory")
    assert_equal([got["ran"][0], got["fault"][0]], [1, 0], "end")
    assert_equal(bits(dut.clips), core.clips & 0xFFFFFFFF, "clips")
    assert_equal([bits(dut.errors), bits(dut.misaddressed)], [0, 0], "flags")
    if source == sink == "never":
        asked = next(k for k, word in enumerate(scene.requests) if word & 3 == RUN)
        took = scene.o.cycles[0] - scene.i.sent[asked] - 2
        assert_equal(took, core.cycles, "cycles")


def example(cfg: Config) -> str:
    """Return a program that uses everything a core has."""
    vector = min(cfg.inputs, cfg.words // 2)
    store = min(cfg.outputs, cfg.words // 4)
    lines = ["set r0, 2", "set r1, 1"]
    lines += [f"loop: set in0 x{cfg.inputs}, 100", f"load in0 x{vector}, [1 + r0]"]
    for unit in range(cfg.units):
        lines += [f"mvm {unit}", f"store [{cfg.words // 2} + r0], out0 x{store}"]
        lines += [f"relu in0 x{min(cfg.inputs, cfg.outputs)}, out0"]
    lines += ["load r2 x2, [0]", "add r4 x2, r2, r0", "store [3], r4 x2"]
    lines += ["sub r4, r2, r3", "min r5, r2, r3", "max r6, r2, r3", "store [6], r4 x3"]
    lines += ["shift r4 x2, r2, 3", "copy r6, r2", "store [10], r4 x3"]
    lines += ["sub r0, r0, r1", "jump loop, nonzero r0", "set r0, -1", "jump over, negative r0"]
    lines += ["set r6, 77", "over: store [15], r6", "jump out", "store [15], r0", "out: halt"]
    fits = cfg.registers >= 8 and cfg.words >= 32 and len(lines) <= cfg.program_words
    return "\n".join(lines) if fits else "halt"


def network(cfg: Config, rng: np.random.Generator) -> tuple[list[Floats], Ints]:
    """Return layers and images in Q4.12, random or those of the file ``NOMUL_STIMULI`` names.

    The file has the layers' weights as ``w0``, ``w1`` and so on, and the images as ``x``.
    """
    path = os.environ.get("NOMUL_STIMULI")
    if path:
        with np.load(path) as file:
            return [file[f"w{k}"] for k in range(len(file) - 1)], file["x"].ravel()
    hidden = min(cfg.inputs, cfg.outputs)
    sizes = [cfg.inputs, *[hidden] * (min(cfg.units, 3) - 1), cfg.outputs]
    weights = [rng.normal(0, n**-0.5, (outputs, n)) for n, outputs in itertools.pairwise(sizes)]
    images = min(2, cfg.words // (cfg.inputs + cfg.outputs))
    return weights, np.rint(rng.random(images * cfg.inputs) * 4096).astype(np.int64)


@cocotb.test()
async def a_perceptron_runs_as_a_program(dut: Any) -> None:
    """Images in memory, layers in the units, scores in memory; as the interpreter has them."""
    scene = Scene(dut)
    cfg = scene.cfg
    weights, x = network(cfg, scene.bench.numpy_rng)
    images = len(x) // weights[0].shape[1]
    if cfg.registers < 6 or not images or cfg.program_words < 32:
        harness.record(compared=1)  # such a core has no room for it
        return
    made = mvmu.perceptron(cfg, weights, images)
    scene.matrices[: len(made.matrices)] = made.matrices
    if cfg.weight_bits < 16:
        half = 1 << (cfg.weight_bits - 1)
        scene.matrices = [np.clip(w, -half, half - 1) for w in scene.matrices]
    program = mvmu.assemble(cfg, made.text)
    scene.ask(WRITE, np.arange(cfg.words), np.resize(x, cfg.words))
    scene.program(program)
    scene.ask(RUN, [0])
    scene.ask(READ, np.arange(cfg.words))
    got = await scene.answers(1 + cfg.words)
    core = Core(cfg, scene.matrices, memory=np.resize(x, cfg.words))
    core.run(program)
    assert_equal(got["value"][1:], core.memory, "memory")
    assert_equal([got["ran"][0], got["fault"][0]], [1, 0], "end")
    asked = next(k for k, word in enumerate(scene.requests) if word & 3 == RUN)
    assert_equal(scene.o.cycles[0] - scene.i.sent[asked] - 2, core.cycles, "cycles")


@cocotb.test()
async def programs_that_leave_end_in_a_fault(dut: Any) -> None:
    """Name registers, units, words and kinds that are not there; the next program works."""
    scene = Scene(dut, "random", "random")
    cfg = scene.cfg
    op = {name: number for number, name in enumerate(OPERATIONS)}
    every = cfg.every_register
    wrong = [
        Instruction(op["set"], 0, 2, every - 1),
        Instruction(op["alu"], FUNCTIONS.index("add"), 1, 0, 0, every),
        Instruction(op["alu"], len(FUNCTIONS), 1, 0, 0, 0),
        Instruction(op["load"], 0, 1, 0, cfg.words),
        Instruction(op["load"], 1, 1, 0, 0, every),
        Instruction(op["store"], 0, 2, cfg.words - 1, 0),
        Instruction(op["store"], 2, 1, 0, 0),
        Instruction(op["mvm"], a=cfg.units),
        Instruction(op["jump"], 3),
        Instruction(op["jump"], 1, a=every),
        Instruction(7),
    ]
    scene.ask(WRITE, np.arange(cfg.words), scene.memory)
    for instruction in wrong:
        scene.program([instruction])
        scene.ask(RUN, [0])
    scene.program([Instruction(op["halt"])])
    scene.ask(RUN, [0])
    got = await scene.answers(len(wrong) + 1)
    faults = []
    for instruction in wrong:
        core = Core(cfg, scene.matrices, memory=scene.memory)
        core.run([instruction])
        faults.append(int(core.fault))
    assert_equal(faults, [1] * len(wrong), "the model's faults")
    assert_equal(got["fault"], [*faults, 0], "fault")


@cocotb.test()
async def requests_behind_the_memory_are_flagged(dut: Any) -> None:
    """Drop a write, and answer a read with 0."""
    scene = Scene(dut, "random", "random")
    cfg = scene.cfg
    if cfg.words == 1 << 16:
        scene.ask(READ, [0])
        await scene.answers(1)
        assert_equal(bits(dut.misaddressed), 0, "misaddressed")
        return
    scene.ask(WRITE, [0, cfg.words], [5, 6])
    scene.ask(READ, [0, cfg.words, 0])
    got = await scene.answers(3)
    assert_equal(got["value"], [5, 0, 5], "value")
    assert_equal(bits(dut.misaddressed), 1, "misaddressed")
