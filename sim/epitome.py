"""Bench of the controller of epitomes, over the dense array that holds one."""

import os
from typing import Any

import cocotb
import numpy as np

from nomul.golden import dense, epitome
from nomul.golden.spimc.config import bits_for
from nomul.sim import harness
from nomul.sim.products.operands import VARIABLE, record
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bit, bits

MEASURED = "vectors_in_sequence"
OPERATION = "product"
RECORDED = "layers_equal_the_model/source=never/sink=never"


class Unit:
    """The controller under test: loads weights and tables, offers vectors, takes outputs."""

    def __init__(self, dut, source="never", sink="never"):
        self.dut, self.bench = dut, Bench(dut)
        self.cfg = cfg = epitome.Config.from_json(harness.config_text())
        array = cfg.array
        self.cells = Layout((("w", cfg.weight_bits, array.lanes * array.columns), ("last", 1, 1)))
        self.entries = Layout(
            (
                ("input", bits_for(cfg.inputs), 1),
                ("row", bits_for(cfg.rows), 1),
                ("output", bits_for(cfg.outputs), 1),
                ("rows", bits_for(cfg.rows), 1),
                ("mask", cfg.cols, 1),
                ("last", 1, 1),
            )
        )
        self.acts = Layout((("x", cfg.act_bits, 1), ("last", 1, 1)))
        self.sums = Layout((("y", cfg.y_bits, 1), ("last", 1, 1)))
        names = "weight", "table", "x"
        self.weight, self.table, self.x = (self.bench.source(n, [], source) for n in names)
        self.y = self.bench.sink("y", sink)

    async def load(self, e, entries) -> None:
        """Queue an epitome and a table once all activations were taken, and wait for both."""
        await self.bench.until(lambda: self.x.done)
        if e is not None:
            words = dense.compress(self.cfg.array, e).words()["w"]
            self.weight.payloads = [
                *self.weight.payloads,
                *self.cells.pack(w=words, last=np.arange(len(words)) == len(words) - 1),
            ]
        self.table.payloads = [*self.table.payloads, *self.table_words(entries)]
        await self.bench.until(lambda: self.weight.done and self.table.done)

    def table_words(self, entries) -> list[int]:
        """Return the payloads of a table, by its fields."""
        table = np.array([[*entry] for entry in entries])
        fields = dict(zip(("input", "row", "output", "rows", "mask"), table.T, strict=True))
        fields["rows"] = fields["rows"] - 1
        return self.entries.pack(**fields, last=np.arange(len(table)) == len(table) - 1)

    async def begin(self, vectors: int) -> dict[str, Any]:
        """Reset, and return stimuli of so many vectors."""
        await self.bench.reset()
        return epitome.stimuli(self.cfg, self.bench.numpy_rng, vectors)

    def offer(self, x) -> None:
        """Queue a vector."""
        words = self.acts.pack(x=np.asarray(x) % (1 << self.cfg.act_bits), last=self.ends(len(x)))
        self.x.payloads = [*self.x.payloads, *words]

    def ends(self, count: int) -> np.ndarray:
        """Return where ``last`` stands."""
        return np.arange(count) == count - 1

    async def take(self, vectors: int) -> np.ndarray:
        """Wait for the outputs of so many vectors in all, and for none too many; return them."""
        await self.bench.receive(self.y, vectors * self.cfg.outputs, 20)
        got = self.sums.unpack(self.y.received, signed=("y",))
        assert_equal(got["last"], np.tile(self.ends(self.cfg.outputs), vectors), "last")
        return got["y"].reshape(vectors, self.cfg.outputs)

    def expected(self, e, entries, x) -> tuple[np.ndarray, bool]:
        """Return the outputs, zero where no entry reaches, and whether there are such."""
        y = epitome.model(self.cfg, e, entries, x)
        missing = self.cfg.outputs - y.shape[1]
        return np.pad(y, ((0, 0), (0, missing))), missing > 0

    def check_errors(self, *names: str) -> None:
        """Compare the sticky flags."""
        expected = sum(1 << epitome.FLAGS.index(name) for name in set(names))
        assert_equal(bits(self.dut.errors), expected, "errors")


def ordered(entries) -> list[Any]:
    """Return entries in the order of their rounds."""
    return [entry for part in epitome.rounds(entries) for entry in part]


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def layers_equal_the_model(dut, source, sink):
    """Tables and epitomes one after the other, several vectors each; cycles as the formula says."""
    unit, done, seen = Unit(dut, source, sink), 0, set()
    await unit.bench.reset()
    for number in range(4):
        made = epitome.stimuli(unit.cfg, unit.bench.numpy_rng, 6 - number % 2)
        e, entries, x = made["e"], ordered(made["entries"]), made["x"]
        await unit.load(e, entries)
        first = len(unit.x.sent)
        for vector in x:
            unit.offer(vector)
        y, gap = unit.expected(e, entries, x)
        assert_equal((await unit.take(done + len(x)))[done:], y, "y")
        done += len(x)
        seen |= {"E_GAP"} if gap else set()
        if source == sink == "never":
            cycles = unit.y.cycles[-1] - unit.x.sent[first] + 1
            assert_equal(cycles, epitome.cycles(unit.cfg, entries, len(x)), "cycles")
    unit.check_errors(*seen)
    assert_equal(bits(dut.array_errors), 0, "errors of the array")


@cocotb.test()
async def vectors_in_sequence(dut):
    """One table, many vectors: what energy is measured on, of random or given operands.

    The file that ``NOMUL_STIMULI`` names has an epitome ``e``, ``entries`` and vectors ``x``.
    """
    unit, path = Unit(dut), os.environ.get(VARIABLE)
    made = await unit.begin(16)
    if path is not None:
        with np.load(path) as file:
            made = dict(file)
    e, x = made["e"], made["x"]
    entries = ordered(epitome.Entry(*map(int, entry)) for entry in made["entries"])
    await unit.load(e, entries)
    for vector in x:
        unit.offer(vector)
    assert_equal(await unit.take(len(x)), unit.expected(e, entries, x)[0], "y")
    record(unit.bench, unit.cfg, x, unit.x, unit.y.cycles[-1] - unit.x.sent[0] + 1)


async def works(unit: Unit, made: dict[str, Any], before: int) -> int:
    """Load a good table, and compare the outputs of two vectors; return how many there are."""
    entries = ordered(made["entries"])
    await unit.load(None, entries)
    for vector in made["x"][:2]:
        unit.offer(vector)
    y = (await unit.take(before + 2))[before:]
    assert_equal(y, unit.expected(made["e"], entries, made["x"][:2])[0], "y of a good table")
    return before + 2


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def malformed_tables_give_nothing(dut, source):
    """Too many entries, and entries outside: flags, no outputs, no harm; so before any table."""
    unit = Unit(dut, source, source)
    cfg, made = unit.cfg, await unit.begin(3)
    gap = {"E_GAP"} if unit.expected(made["e"], made["entries"], made["x"])[1] else set()
    unit.offer(made["x"][0])
    await unit.bench.until(lambda: unit.x.done)
    for _ in range(20):
        await unit.bench.step()
    assert_equal(len(unit.y.received), 0, "outputs without a table")
    seen = {"E_NOTLOADED"}
    unit.check_errors(*seen)
    await unit.load(made["e"], ordered(made["entries"]))
    done, good = await works(unit, made, 0), epitome.Entry(0, 0, 0, 1, 1)
    outside = [good._replace(row=1, rows=cfg.rows), good._replace(input=1, rows=cfg.rows)]
    outside += [good._replace(mask=0), good._replace(output=cfg.outputs - 1, mask=3)]
    wrong = [[good] * (cfg.entries + 1)]
    wrong += [[entry] for entry in outside if legal_fields(cfg, entry) and not inside(cfg, entry)]
    for entries in wrong:
        await unit.load(None, entries)
        unit.offer(made["x"][0])
        await unit.take(done)
        seen |= {"E_LONG" if len(entries) > 1 else "E_ENTRY"} | gap
        unit.check_errors(*seen)
        assert not bit(dut.loaded), "a malformed table is loaded"
        done = await works(unit, made, done)


def legal_fields(cfg, entry) -> bool:
    """Return whether an entry can be said at all."""
    return (
        entry.row < cfg.rows
        and entry.input < cfg.inputs
        and entry.output < cfg.outputs
        and entry.mask < 1 << cfg.cols
    )


def inside(cfg, entry) -> bool:
    """Return whether an entry is inside."""
    return (
        entry.row + entry.rows <= cfg.rows
        and entry.input + entry.rows <= cfg.inputs
        and entry.mask > 0
        and entry.output + len(entry.columns) <= cfg.outputs
    )


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def wrong_vectors_give_nothing(dut, source):
    """Too few or too many activations: a flag, no outputs, and the next vector is right."""
    unit = Unit(dut, source, source)
    cfg, made = unit.cfg, await unit.begin(3)
    entries, x = ordered(made["entries"]), made["x"]
    await unit.load(made["e"], entries)
    y, gap = unit.expected(made["e"], entries, x)
    seen = {"E_GAP"} if gap else set()
    wrong = [("E_XLONG", [*x[0], *x[1]])] + ([("E_XSHORT", x[0][:-1])] if cfg.inputs > 1 else [])
    for number, (flag, activations) in enumerate(wrong):
        unit.offer(activations)
        unit.offer(x[2])
        assert_equal((await unit.take(number + 1))[-1], y[2], "y behind a wrong vector")
        seen.add(flag)
        unit.check_errors(*seen)


@cocotb.test()
async def works_after_reset(dut):
    """Reset while a table comes in, while rounds run, and while outputs leave."""
    unit = Unit(dut, "random", "random")
    made = await unit.begin(3)
    entries = ordered(made["entries"])
    for cycles in (1, 4, 11, 30, 60):
        await unit.load(made["e"], entries)
        unit.offer(made["x"][0])
        for _ in range(cycles):
            await unit.bench.step()
        await unit.bench.abort()
        unit.check_errors()
        await unit.load(made["e"], entries)
        await works(unit, made, 0)
        unit.y.received, unit.y.cycles = [], []
