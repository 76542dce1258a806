"""Bitstream sources: the words that stochastic number generators compare their operands with.

One file, since sources, sharing and seeds of both sides are one definition, and each is read with
the others.
"""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from nomul.golden import config, lfsr
from nomul.golden.arrays import Ints

Source = Literal["lfsr", "lfsr_shared", "vdc_xor", "sobol_xor", "vdc", "sobol"]
SOURCES: tuple[Source, ...] = get_args(Source)
Share = Literal["pair", "rotate", "lane"]
SHARES: tuple[Share, ...] = get_args(Share)
Permutation = Literal["reverse", "rotate"]
Generator = Literal["comparator", "wbg"]
GENERATORS: tuple[Generator, ...] = get_args(Generator)

DEFAULT_SEEDS = (0xACE1, 0x1D0F)

# Direction numbers of the second dimension of Sobol's sequence (Joe and Kuo 2008, m_k of x + 1).
SOBOL_M = (1, 3, 5, 15, 17, 51, 85, 255)

# Under `rotate`, lanes beyond the word's own rotations differ by multiples of this constant.
LANE_STEP = 0x9D


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a pair of word sources, one for the rows and one for the columns.

    Parameters
    ----------
    rows, cols
        Lanes on either side, 1..4096.
    width
        W, bits of a word, 1..16.
    stream_bits
        BL, words per vector, a power of two in 1..256.
    bits_per_cycle
        U, words per cycle and side, a power of two that divides BL.
    row_levels
        R, for counted sources: the rows' sequence is cut to R values, so that each of them serves
        BL / R columns' words. A power of two up to BL; BL, so nothing is cut, if absent.
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

    block_name: ClassVar[str] = "bitstream"

    rows: int = 16
    cols: int = 16
    width: int = 8
    stream_bits: int = 16
    bits_per_cycle: int = 1
    row_levels: int | None = None
    source: Source = "vdc_xor"
    permute: Permutation = "reverse"
    share: Share = "pair"
    lfsr_width: int = 16
    leap: int | None = None
    seeds: tuple[int, int] = DEFAULT_SEEDS

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "lfsr": {"source": "lfsr", "bits_per_cycle": 4},
        "sobol": {"source": "sobol_xor", "bits_per_cycle": 2},
    }

    def validate(self) -> None:
        """Check ranges, fill in the leap and fit the default seeds to the register."""
        self.check_range("rows", 1, 4096)
        self.check_range("cols", 1, 4096)
        self.check_range("width", 1, 16)
        self.check("stream_bits", _power_of_two(self.stream_bits, 256), "a power of two in 1..256")
        divides = _power_of_two(self.bits_per_cycle, self.stream_bits)
        self.check("bits_per_cycle", divides, f"a power of two in 1..{self.stream_bits}")
        self.check_choice("source")
        self.check_choice("permute")
        self.check_choice("share")
        self.check_range("lfsr_width", 3, 32)
        if self.row_levels is not None:
            self.check("row_levels", self.counted, f"absent for source {self.source!r}")
            fits = _power_of_two(self.row_levels, self.stream_bits)
            self.check("row_levels", fits, f"a power of two in 1..{self.stream_bits}")
        if self.counted:
            rule = f"at most 2**width = {1 << self.width} for source {self.source!r}"
            self.check("stream_bits", self.stream_bits <= 1 << self.width, rule)
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
    def ordered(self) -> bool:
        """Whether the words of a vector come in ascending order of the rows' words.

        The set of pairs is the same, so no count changes, but every row's bits are then a run of
        ones followed by zeros.
        """
        return False

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

    @property
    def latency(self) -> int:
        """Cycles from ready to the words of a beat: none, they follow from held state."""
        return 0

    @property
    def interval(self) -> int:
        """Cycles between two beats."""
        return 1

    def cycles(self, n: int) -> int:
        """Cycles in which the words of ``n`` vectors leave, without stalls."""
        return n * self.beats

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


def _power_of_two(value: int, most: int) -> bool:
    return 1 <= value <= most and value & (value - 1) == 0


def ones(sng: str, word: Any, operand: Any, width: int) -> Any:
    """Return the bits that a stochastic number generator makes of words and operands.

    Over all words 0 .. 2**W - 1 an operand X in 0 .. 2**W gets X ones either way. The comparator
    gives one for the words below X. The weighted binary generator (Gupta and Kumaresan 1988) picks
    the operand's bit at the place of the word's leading one, which is k with probability
    2**(k - W); its lanes share the search for that place.

    Parameters
    ----------
    sng
        ``comparator`` or ``wbg``.
    word, operand
        Arrays of integers whose shapes broadcast; at most 2**W for operands.
    width
        W.
    """
    if sng == "comparator":
        return word < operand
    places = leading_one(width).astype(word.dtype) | (1 << width)
    return (operand & places[word]) != 0


def leading_one(width: int) -> Ints:
    """Return for each word of ``width`` bits its leading one alone, 0 for 0: int64[2**W]."""
    exponent = np.frexp(np.arange(1 << width))[1].astype(np.int64)
    return (1 << exponent) >> 1


def reverse(word: Any, width: int) -> Any:
    """Return ``word`` (an integer or an array of them) with its ``width`` bits in reverse order."""
    result = word * 0
    for j in range(width):
        result |= ((word >> j) & 1) << (width - 1 - j)
    return result


def rotate_left(word: Any, by: int, width: int) -> Any:
    """Return ``word`` rotated towards its most significant bit."""
    by %= width
    return ((word << by) | (word >> (width - by))) & ((1 << width) - 1)


def points(cfg: Config) -> tuple[Ints, Ints]:
    """Return the fixed sequences of a counted source, before any scramble.

    Van der Corput: the rows count evenly through 0 .. 2**W - 1, the columns count in reversed
    bits. Sobol: both sides by Gray code from 0, so that point n is the XOR of the direction
    numbers at the ones of n XOR (n >> 1). Both are linear over GF(2) in n, which the hardware uses.
    The rows keep their log2 R leading bits, which is linear too.

    Returns
    -------
    (int64[BL], int64[BL])
    """
    rows, cols = _whole_points(cfg)
    return rows >> cfg.row_low << cfg.row_low, cols


def _whole_points(cfg: Config) -> tuple[Ints, Ints]:
    """Return the sequences of both sides before the rows' is cut."""
    width, n = cfg.width, np.arange(cfg.stream_bits)
    if cfg.source.startswith("vdc"):
        return (n << width) // cfg.stream_bits, reverse(n, width)
    gray = n ^ (n >> 1)
    rows, cols = np.zeros_like(n), np.zeros_like(n)
    for k in range(min(width, cfg.stream_log2)):
        bit = (gray >> k) & 1
        rows ^= bit << (width - 1 - k)
        cols ^= bit * (SOBOL_M[k] << (width - 1 - k))
    return rows, cols


def ordered_points(cfg: Config) -> Ints:
    """Return the columns' words in ascending order of the rows' words, before any scramble.

    Word m belongs to the point whose row word, uncut, is m 2**W / BL. As a composition of linear
    maps it is linear in m too, and a scramble P of the rows permutes m by its top bits alone: the
    columns' word is then point(m XOR P_top) XOR Q = point(m) XOR point(P_top) XOR Q. Among words
    of the rows that are equal the order does not matter.

    Returns
    -------
    int64[BL]
    """
    rows, cols = _whole_points(cfg)
    return cols[np.argsort(rows)]


def words(cfg: Config, n_vectors: int, n_vectors_before: int = 0) -> tuple[Ints, Ints]:
    """Return the words of both sides for ``n_vectors`` vectors.

    Parameters
    ----------
    n_vectors
        V, vectors to generate.
    n_vectors_before
        Vectors that the free-running registers have already served.

    Returns
    -------
    r, s
        int64[V, BL] under ``pair``, else int64[V, BL, rows] and int64[V, BL, cols]; each word in
        0 .. 2**W - 1.
    """
    r, s = (_side(cfg, side, n_vectors, n_vectors_before) for side in (0, 1))
    return r, s


def _side(cfg: Config, side: int, n_vectors: int, before: int) -> Ints:
    shared = _register_words(cfg, side, n_vectors, before)  # [V, BL, registers]
    if cfg.share == "pair":
        return shared[:, :, 0]
    if cfg.share == "lane":
        return shared
    lanes = [
        rotate_left(shared[:, :, 0], lane, cfg.width) ^ lane_mask(cfg, lane)
        for lane in range(cfg.lanes(side))
    ]
    return np.stack(lanes, axis=2)


def lane_mask(cfg: Config, lane: int) -> int:
    """Return what lane ``lane`` XORs onto its rotation of the word under ``rotate``."""
    return (lane // cfg.width) * LANE_STEP % (1 << cfg.width)


def _register_words(cfg: Config, side: int, n_vectors: int, before: int) -> Ints:
    """Return int64[V, BL, registers]: the words before they are spread over the lanes."""
    if cfg.counted:
        fixed = points(cfg)[side]
        if not cfg.scrambled:
            return np.broadcast_to(fixed[None, :, None], (n_vectors, cfg.stream_bits, 1))
        states = _states(cfg, side, n_vectors, before)
        return fixed[None, :, None] ^ take(cfg, side, states)[:, None, :]
    states = _states(cfg, side, n_vectors * cfg.stream_bits, before * cfg.stream_bits)
    return take(cfg, side, states).reshape(n_vectors, cfg.stream_bits, -1)


def _states(cfg: Config, side: int, n: int, before: int) -> Ints:
    """Return int64[n, registers]: the states that a side's registers pass through."""
    step = lfsr.leap_matrix(cfg.lfsr_width, cfg.taps(cfg.register(side)), cfg.step)
    seeds = np.array(cfg.lane_seeds(side), dtype=np.int64)
    return lfsr.walk(step, lfsr.jump(step, before, seeds), n)


def take(cfg: Config, side: int, state: Any) -> Any:
    """Return the word that a side reads from a register: W bits of the state.

    The top W bits; for the columns of a scrambled source the next W; for the columns of
    ``lfsr_shared`` the top W of the permuted state.
    """
    length, width = cfg.lfsr_width, cfg.width
    if side and cfg.source == "lfsr_shared":
        state = (
            reverse(state, length)
            if cfg.permute == "reverse"
            else rotate_left(state, length // 2, length)
        )
    skipped = width if side and cfg.scrambled else 0
    return (state >> (length - width - skipped)) & ((1 << width) - 1)


def ideal(cfg: Config, rng: np.random.Generator, n_vectors: int) -> tuple[Ints, Ints]:
    """Return independent uniform words for every lane: what the sources stand in for."""
    high, shape = 1 << cfg.width, (n_vectors, cfg.stream_bits)
    r = rng.integers(0, high, (*shape, cfg.rows))
    s = rng.integers(0, high, (*shape, cfg.cols))
    return r, s


def model(cfg: Config, n: int) -> tuple[Ints, Ints]:
    """Return the words of ``n`` beats as the hardware sends them: [n, U * lanes] per side.

    Within a beat the words of one lane are neighbours, in the order of their use.
    """
    vectors = -(-n // cfg.beats)
    sides = []
    for side, array in enumerate(words(cfg, vectors)):
        lanes = cfg.lanes(side)
        beat = array.reshape(vectors * cfg.beats, cfg.bits_per_cycle, lanes)[:n]
        sides.append(beat.transpose(0, 2, 1).reshape(n, -1))
    return sides[0], sides[1]


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, int]:
    """Return how many beats to ask for: those of a few vectors and one of the next."""
    return {"n": cfg.beats * int(rng.integers(2, 20)) + 1}
