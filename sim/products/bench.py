"""What every member is tested for; a member's bench makes tests of these."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from nomul.golden.products.contract import code_range, corners
from nomul.sim import harness
from nomul.sim.products.driver import Driver
from nomul.sim.products.operands import record
from nomul.sim.stream import assert_equal, bit


def cases(unit: Driver, tiles: int = 6, vectors: int = 6) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield tiles of random and corner weights, and vectors for each."""
    cfg, rng = unit.cfg, unit.bench.numpy_rng
    shape = (cfg.inputs, cfg.outputs)
    for number, w in enumerate(corners(rng, shape, code_range(cfg.weight_bits), tiles)):
        packed = unit.compress(w)
        yield packed, unit.golden.stimuli(cfg, rng, vectors - number % 2)["x"]


async def products(unit: Driver, unstalled: bool) -> None:
    """Tiles back to back, several vectors each; sums, their order, and cycles without stalls."""
    await unit.bench.reset()
    expected, spans = [], []
    for packed, x in cases(unit):
        await unit.load(packed)
        first = len(unit.x.payloads)
        for vector in x:
            unit.offer(unit.vector_words(packed, vector))
        expected.append(unit.golden.model(unit.cfg, packed, x))
        spans.append((first, len(x), unit.golden.cycles(unit.cfg, packed, x)))
    y = np.concatenate(expected)
    assert_equal(await unit.take(len(y)), y, "y")
    unit.check_errors()
    if unstalled:
        done = 0
        for first, count, cycles in spans:
            done += count
            measured = unit.y.cycles[done * unit.y_beats - 1] - unit.x.sent[first] + 1
            assert_equal(measured, cycles, "cycles")
        harness.record(cycles_of_tile=spans[0][2], vectors=spans[0][1])


async def sequence(unit: Driver, vectors: int = 64) -> None:
    """One tile and many vectors: what energy is measured on, of random or given operands.

    The file that ``NOMUL_STIMULI`` names has weights ``w`` and vectors ``x``; those of
    ``NOMUL_TILE`` and ``NOMUL_INPUTS`` are a tile and vectors.
    """
    cfg, rng = unit.cfg, unit.bench.numpy_rng
    path, tile = os.environ.get("NOMUL_STIMULI"), os.environ.get("NOMUL_TILE")
    if tile is not None:
        packed, x = unit.golden.Packed.load(tile), np.load(os.environ["NOMUL_INPUTS"])
    elif path is None:
        low, high = code_range(cfg.weight_bits)
        w = rng.integers(low, high + 1, (cfg.inputs, cfg.outputs))
        bounds = code_range(cfg.act_bits, cfg.act_signed)
        x = unit.levels(rng.integers(bounds[0], bounds[1] + 1, (vectors, cfg.inputs)))
        packed = unit.compress(w)
    else:
        with np.load(path) as file:
            packed, x = unit.compress(file["w"]), file["x"]
    await unit.bench.reset()
    await unit.load(packed)
    for vector in x:
        unit.offer(unit.vector_words(packed, vector))
    assert_equal(await unit.take(len(x)), unit.golden.model(cfg, packed, x), "y")
    cycles = unit.y.cycles[-1] - unit.x.sent[0] + 1
    assert_equal(cycles, unit.golden.cycles(cfg, packed, x), "cycles")
    record(unit.bench, cfg, x, unit.x, cycles)


async def works(unit: Driver, packed: Any, x: np.ndarray, before: int) -> int:
    """Load a good tile, and compare its sums, the ones after ``before`` vectors; return their sum.

    Flags are sticky, so they are not looked at.
    """
    await unit.load(packed)
    for vector in x:
        unit.offer(unit.vector_words(packed, vector))
    y = (await unit.take(before + len(x)))[before:]
    assert_equal(y, unit.golden.model(unit.cfg, packed, x), "y of a good tile")
    return before + len(x)


async def malformed_tiles(unit: Driver) -> None:
    """Short and long tiles raise their flags, vectors for them give nothing, and then all is well.

    So does a vector before any tile.
    """
    await unit.bench.reset()
    (packed, x), done, seen = next(cases(unit)), 0, {"E_NOTLOADED"}
    unit.offer(unit.vector_words(packed, x[0]))
    await unit.settle()
    unit.check_errors(*seen)
    done = await works(unit, packed, x, done)
    good = unit.tile_words(packed)
    last = 1 << (unit.words.width - 1)
    for flag, words in (
        ("E_LONG", [*(word & ~last for word in [*good, good[0]]), good[-1] | last]),
        ("E_LONG", [*(word & ~last for word in good), good[-1] | last]),
        *([("E_SHORT", [*good[:-2], good[0] | last])] if unit.grain > 1 else []),
    ):
        await unit.load(packed, words)
        unit.offer(unit.vector_words(packed, x[0]))
        await unit.settle()
        seen.add(flag)
        unit.check_errors(*seen)
        assert not bit(unit.dut.loaded), "a malformed tile is loaded"
        done = await works(unit, packed, x[:2], done)
    unit.check_errors(*seen)


async def code_counts_as_zero(
    unit: Driver, bits: int, zero: int, wrong: int, flag: str | None
) -> None:
    """Compare sums of a tile whose first code is a wrong one with those of a zero there.

    Parameters
    ----------
    unit
        The member.
    bits
        Of a code; the first is the lowest of the tile's first word.
    zero, wrong
        Two codes.
    flag
        What the wrong one raises; None where there is none and the two are the same.
    """
    packed, x = await unit.begin(6)
    words = unit.tile_words(packed)
    rest = words[0] >> bits << bits
    sums: list[Any] = []
    for code in (zero, wrong):
        unit.check_errors()
        await unit.load(None, [rest | code, *words[1:]])
        for vector in x:
            unit.offer(unit.vector_words(None, vector))
        sums.append((await unit.take(len(x) * (len(sums) + 1)))[-len(x) :])
    assert_equal(sums[1], sums[0], "y of a wrong code")
    unit.check_errors(*((flag,) if flag else ()))


async def wrong_vectors(unit: Driver) -> None:
    """Too few or too many activations: a flag, no sums, and the next vector is right."""
    await unit.bench.reset()
    (packed, x), done = next(cases(unit)), 0
    seen: set[str] = set()
    done = await works(unit, packed, x[:1], done)
    good = unit.vector_words(packed, x[0])
    last = 1 << (unit.activations.width - 1)
    wrong = [("E_XLONG", [*(word & ~last for word in [*good, *good]), good[-1]])]
    wrong += [("E_XLONG", [*(word & ~last for word in good), good[0] | last])]
    if len(good) > 1:
        wrong += [("E_XSHORT", [*good[:-2], good[0] | last]), ("E_XSHORT", [good[0] | last])]
    for flag, words in wrong:
        unit.offer([*words, *unit.vector_words(packed, x[1])])
        y = await unit.take(done + 1)
        assert_equal(y[-1], unit.golden.model(unit.cfg, packed, x[1:2])[0], "y behind a wrong one")
        done, seen = done + 1, seen | {flag}
        unit.check_errors(*seen)


async def resets(unit: Driver) -> None:
    """Reset while a tile comes in, while a vector does, and while sums leave."""
    await unit.bench.reset()
    packed, x = next(cases(unit))
    for cycles in (1, 2, 5, 9, 17):
        await unit.load(packed)
        for vector in x[:2]:
            unit.offer(unit.vector_words(packed, vector))
        for _ in range(cycles):
            await unit.bench.step()
        await unit.reset()
        unit.check_errors()
        await works(unit, packed, x[:2], 0)
        await unit.reset()
