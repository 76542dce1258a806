"""Parameters of bitstream sources, and the two sides that they serve."""

import dataclasses
import enum
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np

from nomul.golden import config, lfsr

Source = Literal["lfsr", "lfsr_shared", "vdc_xor", "sobol_xor", "vdc", "sobol"]
SOURCES: tuple[Source, ...] = get_args(Source)
Share = Literal["pair", "rotate", "lane"]
SHARES: tuple[Share, ...] = get_args(Share)
Permutation = Literal["reverse", "rotate"]
Generator = Literal["comparator", "wbg"]
GENERATORS: tuple[Generator, ...] = get_args(Generator)

DEFAULT_SEEDS = (0xACE1, 0x1D0F)


class Side(enum.IntEnum):
    """A side of an outer product: its rows, which x feeds, or its columns, which d feeds.

    As a number it says which of two things, or which of two registers, belongs to the side.

    Attributes
    ----------
    vector, signs, words, bits
        Names of its vector (x or d), of the vector's signs (sx or sd), of the words drawn for it
        (r or s), and of the bits that its lanes send (a or b), which is that of its register too.
    """

    words: str
    bits: str

    X = 0, "r", "a"
    D = 1, "s", "b"

    def __new__(cls, number: int, words: str, bits: str) -> Self:
        """Return the side of a number, with its names."""
        side = int.__new__(cls, number)
        side._value_ = number
        side.words, side.bits = words, bits
        return side

    @property
    def vector(self) -> str:
        """Name of the side's vector."""
        return self.name.lower()

    @property
    def signs(self) -> str:
        """Name of the vector's signs."""
        return f"s{self.vector}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources(config.Config):
    """Parameters of a pair of word sources, one for the rows and one for the columns.

    Parameters
    ----------
    rows, cols
        Lanes on either side, 1..4096.
    width
        W, bits of a word, 1..16.
    source
        ``lfsr``: two free-running registers. ``lfsr_shared``: one register, the columns read its
        bits permuted. ``vdc``, ``sobol``: a fixed low-discrepancy sequence. ``vdc_xor``,
        ``sobol_xor``: the same, scrambled by one random word per side and vector.
    permute
        How ``lfsr_shared`` permutes: ``reverse`` the register, or ``rotate`` it by half its length.
    share
        ``pair``: one word per side for all lanes. ``rotate``: lane i rotates the word by i mod W
        and XORs (i div W) * 0x9D. ``lane``: a register per lane.
    lfsr_width
        L, more than W, for the scrambled sources at least 2W; 3..32.
    leap
        Register steps per word of ``lfsr`` and ``lfsr_shared``; W if absent.
    seeds
        First states of the two registers, not 0. The default is reduced to L bits.
    """

    rows: int = 16
    cols: int = 16
    width: int = 8
    source: Source = "vdc_xor"
    permute: Permutation = "reverse"
    share: Share = "pair"
    lfsr_width: int = 16
    leap: int | None = None
    seeds: tuple[int, int] = DEFAULT_SEEDS

    def validate(self) -> None:
        """Check ranges, fill in the leap and fit the default seeds to the register."""
        self.check_range("rows", 1, 4096)
        self.check_range("cols", 1, 4096)
        self.check_range("width", 1, 16)
        self.check_choice("source")
        self.check_choice("permute")
        self.check_choice("share")
        self.check_range("lfsr_width", 3, 32)
        if self.source.startswith("sobol"):
            self.check("width", self.width <= 8, "at most 8 for a sobol source")
        if self.registers == 0:
            rule = f"pair or rotate for source {self.source!r}, which has no register"
            self.check("share", self.share != "lane", rule)
        elif self.scrambled:
            rule = f"at least 2 * width = {2 * self.width} for source {self.source!r}"
            self.check("lfsr_width", self.lfsr_width >= 2 * self.width, rule)
        else:
            # A register as wide as the word never shows 0, which would bias every comparison.
            rule = f"more than width = {self.width} for source {self.source!r}"
            self.check("lfsr_width", self.lfsr_width > self.width, rule)
        if self.leap is None:
            object.__setattr__(self, "leap", self.width)
        self.check_range("leap", 1, 4096)
        if self.seeds == DEFAULT_SEEDS:
            mask = (1 << self.lfsr_width) - 1
            object.__setattr__(self, "seeds", tuple(seed & mask for seed in self.seeds))
        fits = all(0 < seed < 1 << self.lfsr_width for seed in self.seeds)
        self.check("seeds", fits, f"in 1..{(1 << self.lfsr_width) - 1}")

    @property
    def scrambled(self) -> bool:
        """Whether one random word per side and vector is XORed onto a fixed sequence."""
        return self.source.endswith("_xor")

    @property
    def counted(self) -> bool:
        """Whether the words come from a counter that starts at 0 for each vector."""
        return not self.source.startswith("lfsr")

    @property
    def registers(self) -> int:
        """Number of sides that have LFSRs of their own: 0, 1 or 2."""
        if not self.counted:
            return 2 if self.source == "lfsr" else 1
        if not self.scrambled:
            return 0
        return 2 if self.share == "lane" else 1

    @property
    def step(self) -> int:
        """Register steps from one use of its state to the next.

        Per word ``leap``. Per vector, for the scrambled sources, 2W, or the next larger number that
        shares no factor with the period 2**L - 1, so that every state is used.
        """
        if not self.scrambled:
            assert self.leap is not None
            return self.leap
        leap = 2 * self.width
        while np.gcd(leap, (1 << self.lfsr_width) - 1) != 1:
            leap += 1
        return leap

    def taps(self, side: int) -> tuple[int, ...]:
        """Feedback taps of a side's register: two different primitive polynomials."""
        return lfsr.second_taps(self.lfsr_width) if side else lfsr.TAPS[self.lfsr_width]

    def register(self, side: int) -> int:
        """Which register a side reads: its own where there are two."""
        return side if self.registers == 2 else 0

    def lanes(self, side: int) -> int:
        """Words that a side needs at a time: one per lane unless all lanes share it."""
        return 1 if self.share == "pair" else (self.rows, self.cols)[side]

    def lane_seeds(self, side: int) -> list[int]:
        """First states of the registers that a side reads, one per register.

        Under ``lane``, lane i starts at the i-th state (from 0) of a walk of W-step leaps from the
        side's seed.
        """
        count = self.lanes(side) if self.share == "lane" else 1
        register = self.register(side)
        seed, taps = self.seeds[register], self.taps(register)
        walk = lfsr.sequence(self.lfsr_width, taps, seed, count, self.width)
        return [int(state) for state in walk]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Streams(Sources):
    """Parameters of a pair of word sources, and of the streams that their words make.

    Parameters
    ----------
    stream_bits
        BL, words per vector, a power of two in 1..256.
    bits_per_cycle
        U, words per cycle and side, a power of two that divides BL.
    row_levels
        R, for counted sources: the rows' sequence is cut to R values, so that each of them serves
        BL / R columns' words. A power of two up to BL; BL, so nothing is cut, if absent.
    """

    stream_bits: int = 16
    bits_per_cycle: int = 1
    row_levels: int | None = None

    def validate(self) -> None:
        """Check the streams after the sources."""
        super().validate()
        self.check("stream_bits", _power_of_two(self.stream_bits, 256), "a power of two in 1..256")
        most = f"a power of two in 1..{self.stream_bits}"
        divides = _power_of_two(self.bits_per_cycle, self.stream_bits)
        self.check("bits_per_cycle", divides, most)
        if self.row_levels is not None:
            self.check("row_levels", self.counted, f"absent for source {self.source!r}")
            self.check("row_levels", _power_of_two(self.row_levels, self.stream_bits), most)
        if self.counted:
            rule = f"at most 2**width = {1 << self.width} for source {self.source!r}"
            self.check("stream_bits", self.stream_bits <= 1 << self.width, rule)

    @property
    def beats(self) -> int:
        """Cycles that one vector's words take, BL / U."""
        return self.stream_bits // self.bits_per_cycle

    @property
    def stream_log2(self) -> int:
        """Binary logarithm k of the stream length."""
        return self.stream_bits.bit_length() - 1

    @property
    def repeats_log2(self) -> int:
        """Binary logarithm of BL / R: so many of the columns' words share a word of the rows."""
        return self.stream_log2 + 1 - (self.row_levels or self.stream_bits).bit_length()

    @property
    def row_low(self) -> int:
        """Bits of a rows' word below its counted part, W - log2 R: they are the scramble's own."""
        return self.width - self.stream_log2 + self.repeats_log2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Streams, config.Pipelined):
    """Parameters of the block that sends the words of both sides."""

    block_name: ClassVar[str] = "bitstream"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "lfsr": {"source": "lfsr", "bits_per_cycle": 4},
        "sobol": {"source": "sobol_xor", "bits_per_cycle": 2},
    }

    @property
    def latency(self) -> int:
        """Cycles from ready to the words of a beat: none, they follow from held state."""
        return 0

    def cycles(self, n: int) -> int:
        """Cycles in which the words of ``n`` vectors leave, without stalls."""
        return n * self.beats


def _power_of_two(value: int, most: int) -> bool:
    return 1 <= value <= most and value & (value - 1) == 0
