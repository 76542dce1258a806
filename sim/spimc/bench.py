"""Bench of the sparse in-memory-compute macro.

One file, since the tests share one driver of the macro and differ in what they send.
"""

import os
from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np

from nomul.golden import sparse, spimc
from nomul.golden.sparse import Packed
from nomul.golden.spimc import Config, Tile
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bit, bits

MEASURED = "products_equal_the_model/source=never/sink=never"
OPERATION = "transfer"

OPEN, START, CLEAR = 0, 1, 2

COMMAND = Layout(
    (
        ("op", 2, 1),
        ("format", 3, 1),
        ("act_bits", 4, 1),
        ("x_signed", 1, 1),
        ("nnz_per_group", 9, 1),
        ("group", 9, 1),
        ("run_bits", 4, 1),
        ("length", 9, 1),
    )
)


class Macro:
    """Drives the macro's ports: opens tiles, loads them, asks for products."""

    config_class: type[Config] = Config

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        self.dut, self.bench = dut, Bench(dut)
        self.cfg = cfg = self.config_class.from_json(harness.config_text())
        self.words = Layout(
            (("value", cfg.weight_bits, 1), ("index", cfg.ib, 1), ("last", 1, 1), ("null", 1, 1))
        )
        self.activations = Layout((("x", cfg.act_bits, 1), ("last", 1, 1)))
        self.sums = Layout((("y", cfg.y_bits, 1), ("last", 1, 1)))
        self.command = self.bench.source("command", [])
        self.weight = self.bench.source("weight", [], source)
        self.x = self.bench.source("x", [], source)
        self.y = self.bench.sink("y", sink)

    async def order(self, op: int, tile: Tile | None = None) -> None:
        """Give a command, and wait until it is taken."""
        values = {name: [0] for name, _, _ in COMMAND.fields}
        if tile is not None:
            values |= {n: [int(v or 0)] for n, v in tile.to_dict().items() if n != "format"}
            values["format"] = [spimc.FORMATS.index(tile.format)]
            values["length"] = [self.cfg.length(tile)]
        self.command.payloads = [*self.command.payloads, *COMMAND.pack(**{**values, "op": [op]})]
        await self.bench.until(lambda: self.command.done)
        await self.bench.step()

    def feed(self, beats: list[tuple[int, int, int, int]]) -> None:
        """Queue entries (value, index, last, null)."""
        if beats:
            names = ("value", "index", "last", "null")
            fields = dict(zip(names, np.array(beats).T, strict=True))
            self.weight.payloads = [*self.weight.payloads, *self.words.pack(**fields)]

    async def load(self, packed: Packed) -> None:
        """Open a tile, send its entries, and wait for the end of the first pass."""
        self.feed(list(sparse.stream(self.cfg, packed)))
        await self.order(OPEN, packed.tile)
        await self.bench.until(lambda: not bit(self.dut.loading))
        await self.bench.step()

    def offer(self, x: np.ndarray) -> None:
        """Queue a vector."""
        last = np.arange(len(x)) == len(x) - 1
        self.x.payloads = [*self.x.payloads, *self.activations.pack(x=x, last=last)]

    async def product(self, packed: Packed, x: np.ndarray) -> np.ndarray:
        """Start, send a vector, and return the sums; check the cycle counter on the way."""
        columns, before = self.cfg.columns, len(self.y.received)
        self.offer(x)
        await self.order(START)
        await self.bench.until(lambda: bit(self.dut.done))
        got = self.sums.unpack(self.y.received[before:], signed=("y",))
        assert_equal(got["last"], np.arange(columns) == columns - 1, "last")
        assert_equal(bits(self.dut.cycles), self.cfg.cycles(packed.tile), "cycles")
        return got["y"]

    async def check_errors(self, raised: list[tuple[str, int, int]]) -> None:
        """Compare the sticky flags, and the place of the first."""
        expected = sum(1 << spimc.FLAGS.index(flag) for flag in {flag for flag, _, _ in raised})
        assert_equal(bits(self.dut.errors), expected, "errors")
        if raised:
            place = [bits(self.dut.error_column), bits(self.dut.error_slot)]
            assert_equal(place, raised[0][1:], "place of the first error")


def tiles(cfg: Config, rng: np.random.Generator) -> Iterator[Tile]:
    """Yield tiles of every format: a full window at full precision, and smaller ones."""
    for name in cfg.formats:
        for number in range(3):
            full = number == 0
            length = cfg.window if full else int(rng.integers(1, cfg.window + 1))
            group = 1 << int(rng.integers(0, spimc.bits_for(cfg.max_group) + 1))
            most = min(group, cfg.slots // -(-length // group), 1 << cfg.ib)
            if name == "nm" and most == 0:
                group, most = cfg.max_group, 1
                length = min(length, group * cfg.slots)
            yield Tile(
                format=name,
                act_bits=cfg.act_bits if full else int(rng.integers(1, cfg.act_bits + 1)),
                x_signed=full or bool(rng.integers(2)),
                nnz_per_group=int(rng.integers(1, most + 1)) if name == "nm" else None,
                group=group if name == "nm" else None,
                run_bits=int(rng.integers(max(1, cfg.ib - 2), cfg.ib + 1))
                if name == "rl"
                else None,
                length=length,
            )


def cases(cfg: Config, rng: np.random.Generator) -> Iterator[tuple[Packed, np.ndarray]]:
    """Yield packed tiles and vectors: those of the file ``NOMUL_STIMULI``, or of :func:`tiles`."""
    path = os.environ.get("NOMUL_STIMULI")
    if path is not None:
        for packed in sparse.load(path)[0]:
            low, high = spimc.act_range(packed.tile)
            yield packed, rng.integers(low, high + 1, (1, cfg.length(packed.tile)))
        return
    for tile in tiles(cfg, rng):
        made = spimc.operands(cfg, rng, tile)
        yield sparse.pack(made["w"], cfg, tile), made["x"]


async def run(macro: Macro, packed: Packed, x: np.ndarray) -> None:
    """Load a tile, if need be for every vector, and compare all products with the model."""
    cfg = macro.cfg
    expected = spimc.model(cfg, packed, x)
    for number, vector in enumerate(x):
        if number == 0 or cfg.passes(packed.tile) > 1:
            await macro.load(packed)
            assert bit(macro.dut.loaded), f"{packed.tile} is not loaded"
        y = await macro.product(packed, vector)
        assert_equal(y, expected[number], f"y of {packed.tile.format}")
    assert macro.weight.done, "entries are left"


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def products_equal_the_model(dut, source, sink):
    """Tiles of every format, one after the other, under all stalls; cycles as the formula says."""
    macro = Macro(dut, source, sink)
    await macro.bench.reset()
    cycles: dict[str, int] = {}
    for packed, x in cases(macro.cfg, macro.bench.numpy_rng):
        raised = [] if macro.cfg.strict else spimc.check(macro.cfg, packed)
        await run(macro, packed, x)
        await macro.check_errors(raised)
        await macro.order(CLEAR)
        cycles.setdefault(packed.tile.format, macro.cfg.cycles(packed.tile))
    harness.record(**{f"cycles_{name}": number for name, number in cycles.items()})


def spoil(cfg: Config, packed: Packed, rng: np.random.Generator) -> Packed:
    """Return the tile with a few entries changed, and some columns cut or lengthened."""
    value, index = packed.value.astype(int), packed.index.astype(int)
    count, tile, header = packed.count.copy(), packed.tile, packed.header
    extra = np.zeros((cfg.columns, 2), dtype=int)
    value, index = np.hstack([value, extra]), np.hstack([index, extra])
    if tile.format == "bitmap":
        header = packed.bits(cfg.length(tile)) ^ (
            rng.random((cfg.columns, cfg.length(tile))) < 0.02
        )
    for _ in range(int(rng.integers(1, 4))):
        column, place = rng.integers(cfg.columns), rng.integers(value.shape[1])
        index[column, place] = rng.integers(1 << cfg.ib)
        value[column, place] = rng.integers(-1, 2)
        count[column] = rng.integers(value.shape[1] + 1)
    return Packed(value, index, count, tile, header)


@cocotb.test()
@cocotb.parametrize(source=STALLS)
async def malformed_tiles_raise_their_flags(dut, source):
    """Random damage: flags and place as the model says, no wrong sum, and no harm afterwards."""
    macro = Macro(dut, source, source)
    cfg, rng = macro.cfg, macro.bench.numpy_rng
    await macro.bench.reset()
    for packed, x in list(cases(cfg, rng)) * (1 if cfg.columns * cfg.slots > 256 else 2):
        given = "NOMUL_STIMULI" in os.environ
        bad = packed if given else spoil(cfg, packed, rng)
        raised = spimc.check(cfg, bad)
        beats = list(sparse.stream(cfg, bad))
        if cfg.passes(bad.tile) > 1 and raised and cfg.strict:
            await refuse_later_pass(macro, bad, x[0], raised)
            continue
        if not raised or (not cfg.strict and raised[0][0] != "E_HDR"):
            await run(macro, bad, x[:1])
            await macro.check_errors(raised)
        else:
            macro.feed(beats)
            await macro.order(OPEN, bad.tile)
            await macro.bench.until(lambda: not bit(dut.loading))
            assert macro.weight.done, "entries are left"
            await macro.check_errors(raised)
            await macro.order(START)
            await macro.check_errors([*raised, ("E_NOTLOADED", 0, 0)])
            assert not bit(dut.busy), "a malformed tile was started"
        await macro.order(CLEAR)
        await macro.check_errors([])
        if not given:
            await run(macro, packed, x[:1])
            await macro.check_errors([])


async def refuse_later_pass(
    macro: Macro, bad: Packed, x: np.ndarray, raised: list[tuple[str, int, int]]
) -> None:
    """Damage that comes during the product ends it, without a sum."""
    before = len(macro.y.received)
    await macro.load(bad)
    macro.offer(x)
    await macro.order(START)
    await macro.bench.until(lambda: not bit(macro.dut.busy))
    assert_equal(len(macro.y.received), before, "sums of a malformed tile")
    await macro.check_errors(raised)
    assert macro.weight.done, "entries are left"
    await macro.order(CLEAR)


@cocotb.test()
async def refuses_headers_that_it_cannot_read(dut):
    """E_HDR, then E_NOTLOADED; the entries are taken and forgotten; a good tile works."""
    macro = Macro(dut)
    cfg = macro.cfg
    await macro.bench.reset()
    good, x = next(iter(cases(cfg, macro.bench.numpy_rng)))
    headers: list[dict[str, Any]] = [
        {"act_bits": 0},
        {"act_bits": cfg.act_bits + 1},
        {"length": 0},
        {"length": cfg.window + 1},
        {"format": "rl", "run_bits": cfg.ib + 1},
        {"format": "nm", "nnz_per_group": 3, "group": 2},
        {"format": "nm", "nnz_per_group": 0, "group": 2},
        {"format": "nm", "nnz_per_group": 1, "group": 3},
        {"format": "nm", "nnz_per_group": 1, "group": 2 * cfg.max_group % 512},
        *({"format": name} for name in spimc.FORMATS if name not in cfg.formats),
    ]
    for fields in headers:
        tile = good.tile.replace(**fields)
        assert spimc.header_fault(cfg, tile), f"{tile} is legal"
        macro.feed([(1, 0, 1, 0)] * cfg.columns)
        await macro.order(OPEN, tile)
        await macro.bench.until(lambda: not bit(dut.loading))
        await macro.check_errors([("E_HDR", 0, 0)])
        await macro.order(START)
        await macro.check_errors([("E_HDR", 0, 0), ("E_NOTLOADED", 0, 0)])
        await macro.order(CLEAR)
    await run(macro, good, x)
    await macro.check_errors([])


@cocotb.test()
async def refuses_to_start_too_early(dut):
    """Without a tile: E_NOTLOADED; with part of one: E_TRUNC and its place; both harmless."""
    macro = Macro(dut)
    await macro.bench.reset()
    await macro.order(START)
    await macro.check_errors([("E_NOTLOADED", 0, 0)])
    await macro.order(CLEAR)
    if macro.cfg.columns > 1:
        good, x = next(iter(cases(macro.cfg, macro.bench.numpy_rng)))
        part = good.columns(0, macro.cfg.columns - 1)
        beats = [beat for beat in sparse.stream(macro.cfg, part)]
        first = beats[: [i for i, beat in enumerate(beats) if beat[2]][macro.cfg.columns - 2] + 1]
        macro.feed(first)
        await macro.order(OPEN, good.tile)
        await macro.bench.until(lambda: macro.weight.done)
        await macro.bench.step()
        await macro.order(START)
        await macro.check_errors([("E_TRUNC", macro.cfg.columns - 1, 0)])
        assert not bit(dut.loading), "still loading"
        await macro.order(CLEAR)
        await run(macro, good, x)
        await macro.check_errors([])


@cocotb.test()
async def refuses_vectors_of_another_length(dut):
    """Too few or too many activations: E_XLAST, no sum, and the next product is right."""
    macro = Macro(dut)
    await macro.bench.reset()
    # The later passes of a dense tile would be left waiting for a product that has ended.
    given = cases(macro.cfg, macro.bench.numpy_rng)
    good, x = next((p, x) for p, x in given if macro.cfg.passes(p.tile) == 1)
    for wrong in (x[0, :-1], np.append(x[0], x[0])):
        if len(wrong) == 0:
            continue
        await macro.load(good)
        macro.offer(wrong)
        await macro.order(START)
        await macro.bench.until(lambda: not bit(dut.busy))
        assert macro.x.done, "activations are left"
        await macro.check_errors([("E_XLAST", 0, 0)])
        await macro.order(CLEAR)
        await run(macro, good, x)
    assert_equal(len(macro.y.received) % macro.cfg.columns, 0, "sums")
