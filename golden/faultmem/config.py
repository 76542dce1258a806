"""Parameters of a memory whose writes fail."""

import dataclasses
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from nomul.golden import config, lfsr
from nomul.golden.arrays import Ints

WIDTH = 32  # of the registers that draw
SPACING = 1 << 26  # outputs between the registers of two banks, and between the seed and the first
GAP_DRAW = 24  # bits of a number that decides on a bit of a gap

Drawing = Literal["word", "gap"]


def gap_thresholds(chance: int, resolution: int) -> tuple[int, ...]:
    """Return how often each bit of a gap is 1, the lowest first, in units of 2^-24.

    A gap is how many bits draw well before one fails, and geometric: P(g) = (1 - p)^g p. Written in
    binary the power falls apart into one factor per bit, so the bits of g are independent, and bit
    i is 1 with chance q / (1 + q), where q = (1 - p)^(2^i). Bits whose chance rounds to 0 are left
    out, which is where no more gaps are than 2^-24.

    Parameters
    ----------
    chance, resolution
        p, in units of 2^-resolution, below 1.

    Raises
    ------
    ValueError
        The chance is below 0, or is 1 or more.
    """
    if not 0 <= chance < 1 << max(resolution, 0):
        raise ValueError(f"chance must be in 0..{(1 << max(resolution, 0)) - 1}, not {chance}")
    if chance == 0:
        return ()
    found = []
    with localcontext() as context:  # 1 - p differs from 1 by less than a float64 can say
        context.prec = 60
        power = 1 - Decimal(chance) / (1 << resolution)
        while threshold := round(power / (1 + power) * (1 << GAP_DRAW)):
            found.append(threshold)
            power *= power
    return tuple(found)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a memory in which a bit that is to change may keep its old value.

    Parameters
    ----------
    words
        Words of the memory, 1..65536.
    bits
        Bits of a word, 1..32.
    p01, p10
        Chance that a write of 0 to 1, or of 1 to 0, fails, in units of 2^-resolution: one for all
        bits, or one for each, lowest first; less than 2^resolution.
    resolution
        R, bits of a random number and of the thresholds it is compared with, 1..30; with ``gap``
        only the unit of chances, 1..60.
    seed
        Where the random numbers begin, 1 .. 2^32 - 1.
    bank_bits
        Bits of a word that share a register and draw one after the other, 1..32; with 1 a write
        takes one cycle whatever changes.
    drawing
        ``word``: a random number for each bit that is to change. ``gap``: a counter per bank of the
        bits that change until the next one fails, drawn anew after a failure; for small chances,
        one for all bits of a bank and both directions.
    """

    block_name: ClassVar[str] = "faultmem"

    words: int = 16
    bits: int = 8
    p01: int | tuple[int, ...] = 655
    p10: int | tuple[int, ...] = 655
    resolution: int = 16
    seed: int = 1
    bank_bits: int = 4
    drawing: Drawing = "word"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"p01": 12000, "p10": 4000},
        "graded": {
            "bank_bits": 1,
            "resolution": 8,
            "p01": (128, 64, 32, 16, 8, 4, 2, 0),
            "p10": (64, 32, 16, 8, 4, 2, 1, 0),
        },
        "perfect": {"p01": 0, "p10": 0},
        "gap": {"drawing": "gap", "resolution": 40, "p01": 1 << 34, "p10": 1 << 34},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("words", 1, 1 << 16)
        self.check_range("bits", 1, 32)
        self.check_choice("drawing")
        self.check_range("resolution", 1, 60 if self.drawing == "gap" else 30)
        self.check_range("seed", 1, (1 << WIDTH) - 1)
        self.check_range("bank_bits", 1, 32)
        for name in ("p01", "p10"):
            chances = getattr(self, name)
            if isinstance(chances, tuple):
                self.check(name, len(chances) == self.bits, f"one, or one for each of {self.bits}")
            rule = f"in 0..{(1 << self.resolution) - 1}, of {self.resolution} bits"
            every = chances if isinstance(chances, tuple) else (chances,)
            self.check(name, all(0 <= p < 1 << self.resolution for p in every), rule)
        for low, end in self.banks if self.drawing == "gap" else ():
            chances = {int(p) for name in ("p01", "p10") for p in self.chances(name)[low:end]}
            self.check("p01", len(chances) == 1, f"one, and p10 too, for bits {low}..{end - 1}")

    def chances(self, name: str) -> Ints:
        """Return ``p01`` or ``p10`` for each bit, int64[bits]."""
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=np.int64), self.bits)

    @property
    def perfect(self) -> bool:
        """Whether no write can fail: the bare memory."""
        return not (self.chances("p01").any() or self.chances("p10").any())

    @property
    def banks(self) -> tuple[tuple[int, int], ...]:
        """First bit and end of each bank."""
        size = self.bank_bits
        return tuple((low, min(low + size, self.bits)) for low in range(0, self.bits, size))

    @property
    def address_bits(self) -> int:
        """Bits of the address of a word."""
        return max(1, (self.words - 1).bit_length())

    @cached_property
    def step(self) -> lfsr.Matrix:
        """From one random number to the next: as many steps as it has bits, so all are fresh."""
        return lfsr.leap_matrix(WIDTH, lfsr.TAPS[WIDTH], self.draw_bits)

    @property
    def draw_bits(self) -> int:
        """Bits of a random number."""
        return GAP_DRAW if self.drawing == "gap" else self.resolution

    @cached_property
    def gaps(self) -> tuple[tuple[int, ...], ...]:
        """Thresholds of the bits of each bank's gaps; none where nothing fails, or without gaps."""
        if self.drawing != "gap":
            return ((),) * len(self.banks)
        p = self.chances("p01")
        return tuple(gap_thresholds(int(p[low]), self.resolution) for low, _ in self.banks)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """State of each bank's register after reset, far apart in one sequence."""
        seed, states = np.array([self.seed], dtype=np.int64), []
        for _ in self.banks:
            seed = lfsr.jump(self.step, SPACING, seed)
            states.append(int(seed[0]))
        return tuple(states)

    @property
    def latency(self) -> int:
        """Cycles from a request to its answer, if no bank has more than one bit to change."""
        return 2
