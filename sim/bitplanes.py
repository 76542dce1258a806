"""Bench of the bit-plane array: the family's, and precision chosen at run time."""

from typing import Any

import cocotb
import numpy as np

from nomul.golden import bitplanes
from nomul.sim import products
from nomul.sim.stream import STALLS, Layout, assert_equal, bit, bits

COMMAND = Layout(
    (
        ("encoding", 1, 1),
        ("act_planes", 6, 1),
        ("weight_planes", 5, 1),
        ("planes_used", 5, 1),
        ("round", 1, 1),
    )
)


class Unit(products.Driver):
    """Drives the array of bit planes."""

    golden = bitplanes
    flags = bitplanes.FLAGS

    def __init__(self, dut: Any, source: str = "never", sink: str = "never"):
        super().__init__(dut, source, sink)
        self.command = self.bench.source("command", [])

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: bits, column by column, plane by plane, lane by lane."""
        return (("w", 1, self.cfg.word_bits),)

    @property
    def grain(self) -> int:
        """Words of a slice of planes."""
        return self.cfg.chunks

    def compress(self, w: np.ndarray) -> bitplanes.Packed:
        """Return a tile of the nearest weights, in the first of the hardware's encodings."""
        first = self.cfg.encodings[0]
        return bitplanes.compress(self.cfg, bitplanes.project(self.cfg, w, first), first)

    def levels(self, x: np.ndarray) -> np.ndarray:
        """Return codes, or the odd levels that they stand for."""
        if self.cfg.encodings[0] == "and":
            return x
        top = (1 << self.cfg.act_planes) - 1
        return 2 * (x % (top + 1)) - top

    def codes(self, packed, x: np.ndarray) -> np.ndarray:
        """Return the bits of levels, or the codes themselves."""
        return bitplanes.act_codes(self.cfg, x, packed.encoding) if packed is not None else x

    async def order(self, **mode: int) -> None:
        """Give a command, once the vectors before it were taken."""
        await self.bench.until(lambda: self.x.done)
        words = COMMAND.pack(**{name: [value] for name, value in mode.items()})
        self.command.payloads = [*self.command.payloads, *words]
        await self.bench.until(lambda: self.command.done)


globals().update(products.tests(Unit))


def mode_of(acts: int, packed, used: int, rounds: bool) -> dict[str, int]:
    """Return the command of a precision."""
    return {
        "encoding": bitplanes.ENCODINGS.index(packed.encoding),
        "act_planes": acts,
        "weight_planes": packed.cfg.weight_planes,
        "planes_used": used,
        "round": int(rounds),
    }


def precisions(cfg, rng, count: int):
    """Yield narrower arrays, tiles of theirs, vectors, planes used and rounding: corners, random.

    The tile has the planes that its array has, so it may be of fewer words.
    """
    for number in range(count):
        encoding = cfg.encodings[number % len(cfg.encodings)]
        full = number < 2 * len(cfg.encodings)
        least = number // len(cfg.encodings) == 2
        acts = cfg.act_planes if full else 1 if least else int(rng.integers(1, cfg.act_planes + 1))
        planes = cfg.weight_planes if full or least else int(rng.integers(1, cfg.weight_planes + 1))
        used = planes if number < len(cfg.encodings) else int(rng.integers(1, planes + 1))
        rounds = cfg.rounding and encoding == "and" and bool(number % 4 != 1)
        narrow = cfg.replace(act_planes=acts, weight_planes=planes)
        made = bitplanes.stimuli(narrow, rng, 5, encoding)
        yield narrow, made["packed"], made["x"], used, rounds


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def precisions_give_their_sums(dut, source, sink):
    """Both encodings, all precisions, planes used, rounding; cycles and clips as the model says."""
    unit = Unit(dut, source, sink)
    cfg, rng, done, clips = unit.cfg, unit.bench.numpy_rng, 0, 0
    await unit.bench.reset()
    for narrow, packed, x, used, rounds in precisions(cfg, rng, 12):
        await unit.order(**mode_of(narrow.act_planes, packed, used, rounds))
        # A narrow slice's words have the array's width: the array packs them.
        wide = bitplanes.Packed(cfg, packed.encoding, packed.codes)
        slices = -(-packed.cfg.weight_planes // cfg.slice_planes)
        words = [w & ~(1 << (unit.words.width - 1)) for w in unit.tile_words(wide)]
        words = words[: slices * cfg.chunks]
        words[-1] |= 1 << (unit.words.width - 1)
        await unit.load(None, words)
        first = len(unit.x.sent)
        for vector in x:
            levels = bitplanes.act_codes(narrow, vector, packed.encoding)
            if packed.encoding == "and" and cfg.act_signed:
                sign = 1 << (narrow.act_planes - 1)
                levels = (levels ^ sign) - sign
            unit.offer(unit.vector_words(None, levels))
        y, clipped = bitplanes.model(narrow, packed, x, used, rounds, with_clips=True)
        got = (await unit.take(done + len(x)))[done:]
        assert_equal(got, y, f"y of {packed.encoding}, {used} of {packed.cfg.weight_planes} planes")
        done, clips = done + len(x), clips + clipped
        if source == sink == "never":
            cycles = unit.y.cycles[-1] - unit.x.sent[first] + 1
            expected = bitplanes.cycles(cfg, packed, x, used, narrow.act_planes)
            assert_equal(cycles, expected, "cycles")
    unit.check_errors()
    assert_equal(bits(dut.masked), 0, "masked")
    assert_equal(bits(dut.clips), clips % (1 << 32), "clips")


@cocotb.test()
async def precisions_that_there_are_not(dut):
    """Planes of none, or more than there are: E_MODE and no sums; then all is well."""
    unit = Unit(dut)
    cfg = unit.cfg
    packed, x = await unit.begin(3)
    await unit.load(packed)
    good, done = mode_of(cfg.act_planes, packed, cfg.weight_planes, False), 0
    wrong = [
        {"act_planes": 0},
        {"act_planes": cfg.act_planes + 1},
        {"weight_planes": 0},
        {"weight_planes": cfg.weight_planes + 1},
        {"planes_used": 0},
        {"planes_used": cfg.weight_planes + 1},
        {"weight_planes": cfg.weight_planes - 1},
        {"round": 1, "encoding": 1},
    ]
    if len(cfg.encodings) == 1:
        wrong.append({"encoding": 1 - good["encoding"]})
    for change in wrong:
        if "weight_planes" in change and change["weight_planes"] == cfg.weight_planes - 1:
            change["planes_used"] = cfg.weight_planes
        await unit.order(**(good | change))
        unit.offer(unit.vector_words(packed, x[0]))
        await unit.settle()
        unit.check_errors("E_MODE")
        await unit.order(**good)
        unit.offer(unit.vector_words(packed, x[1]))
        y = await unit.take(done + 1)
        assert_equal(y[-1], bitplanes.model(cfg, packed, x[1:2])[0], "y behind a wrong mode")
        done += 1
    # A tile of one slice has fewer planes than the mode, unless there is one slice in all.
    if cfg.slices > 1:
        words = unit.tile_words(packed)[: cfg.chunks]
        words[-1] |= 1 << (unit.words.width - 1)
        await unit.load(packed, words)
        unit.offer(unit.vector_words(packed, x[0]))
        await unit.settle()
        assert bit(dut.loaded), "a tile of one slice is not loaded"
        await unit.take(done)
        unit.check_errors("E_MODE")


@cocotb.test()
async def commands_inside_a_vector_wait(dut):
    """Flag a command inside a vector, E_COMMAND; it holds for the next one."""
    unit = Unit(dut)
    cfg = unit.cfg
    packed, x = await unit.begin(2)
    await unit.load(packed)
    words = unit.vector_words(packed, x[0])
    unit.offer(words)
    await unit.bench.until(lambda: len(unit.x.sent) > 0)
    mode = mode_of(cfg.act_planes, packed, 1, False)
    unit.command.payloads = COMMAND.pack(**{name: [value] for name, value in mode.items()})
    await unit.take(1)
    # The command is there two cycles after the first beat, where a short vector has ended.
    unit.check_errors(*(("E_COMMAND",) if cfg.interval > 2 else ()))
    unit.offer(unit.vector_words(packed, x[1]))
    y = await unit.take(2)
    assert_equal(y[0], bitplanes.model(cfg, packed, x[:1])[0], "y of the vector under way")
    assert_equal(y[1], bitplanes.model(cfg, packed, x[1:], 1)[0], "y of the next one")


@cocotb.test()
async def codes_above_the_precision_are_masked(dut):
    """Bits above A are left out of the sum; activations that have some are counted and flagged."""
    unit = Unit(dut)
    cfg, rng = unit.cfg, unit.bench.numpy_rng
    await unit.bench.reset()
    narrow = cfg.replace(act_planes=max(1, cfg.act_planes - 2))
    made = bitplanes.stimuli(narrow, rng, 4)
    packed, x = made["packed"], made["x"]
    await unit.order(**mode_of(narrow.act_planes, packed, cfg.weight_planes, False))
    await unit.load(bitplanes.Packed(cfg, packed.encoding, packed.codes))
    noise = rng.integers(0, 1 << cfg.act_planes, x.shape) >> narrow.act_planes
    codes = bitplanes.act_codes(narrow, x, packed.encoding)
    for vector in codes | noise << narrow.act_planes:
        unit.offer(unit.vector_words(None, vector))
    assert_equal(await unit.take(len(x)), bitplanes.model(narrow, packed, x), "y")
    signed = cfg.act_signed and packed.encoding == "and"
    ones = (1 << (cfg.act_planes - narrow.act_planes)) - 1
    sign = (codes >> (narrow.act_planes - 1)) & 1
    count = int((noise != (sign * ones if signed else 0)).sum())
    assert_equal(bits(dut.masked), count if cfg.checks else 0, "masked")
    unit.check_errors(*(("E_RANGE",) if count and cfg.checks else ()))
