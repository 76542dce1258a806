"""Row and tile patterns: dropout of a regular shape, whose skipped work hardware can see.

After arXiv 1805.08939 and 2203.05705, reconstructed from their abstracts. A draw is a period dp
and an offset b: rows b, b + dp, b + 2 dp, ... stay.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nomul.golden import config, lfsr
from nomul.golden.arrays import Floats, Ints

WORD_BITS = 16  # of the register's 32: so many steps later all of them are new
TILE = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a source of patterns.

    Parameters
    ----------
    most
        D, largest period, 2..64.
    rate
        Share p of the rows that is dropped on average, 0 <= p < (D - 1) / D.
    rows
        Rows of which some are dropped, 1..65536.
    seed
        First state of the shift register of 32 bits, not 0.
    """

    block_name: ClassVar[str] = "pattern"

    most: int = 8
    rate: float = 0.5
    rows: int = 128
    seed: int = 0xACE1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "half": {"rate": 0.5},
        "fifth": {"rate": 0.2, "most": 4},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("most", 2, 64)
        legal = 0 <= self.rate < (self.most - 1) / self.most
        self.check("rate", legal, f"at least 0 and less than {self.most - 1}/{self.most}")
        self.check_range("rows", 1, 65536)
        self.check_range("seed", 1, (1 << 32) - 1)

    @property
    def row_bits(self) -> int:
        """Bits of the number of a row."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def period_bits(self) -> int:
        """Bits of a period."""
        return self.most.bit_length()

    @property
    def latency(self) -> int:
        """Cycles until the first row of a frame, if its first offset is taken."""
        return 2

    @property
    def interval(self) -> int:
        """Cycles of the longest frame: all rows, and the word for the period."""
        return self.rows + 1

    def cycles(self, n: int) -> int:
        """Cycles from reset to the end of the first ``n`` frames, without stalls.

        A frame takes a cycle for each of its words and each of its rows; an empty one sends one.
        """
        return sum(words + max(1, len(keep(dp, b, self.rows))) for dp, b, words in draws(self, n))

    @property
    def thresholds(self) -> Ints:
        """Ends of the periods' shares of the words, int64[D]: the last is 2^16.

        Sums of round(65536 K_d); what rounding leaves over belongs to the largest period.
        """
        words = 1 << WORD_BITS
        ends = np.cumsum(np.rint(words * distribution(self.rate, self.most))).astype(np.int64)
        ends[-1] = words
        return np.minimum(ends, words)


def distribution(p: float, d: int) -> Floats:
    """Return the probabilities of the periods 1..D that drop a share ``p`` of the rows.

    Period k keeps one row of k, so it drops (k - 1) / k. Of all distributions with that mean, the
    one of largest entropy has the closed form K_k proportional to exp(lambda (k - 1) / k); lambda
    is the root of a rising function, and bisected.

    Parameters
    ----------
    p
        0 <= p < (D - 1) / D.
    d
        D, at least 2.

    Returns
    -------
    float64[D]

    Raises
    ------
    ValueError
        The rate cannot be reached.
    """
    if d < 2 or not 0 <= p < (d - 1) / d:
        raise ValueError(f"rate must be at least 0 and less than {d - 1}/{d}, not {p!r}")
    dropped = np.arange(d) / np.arange(1, d + 1)
    if p == 0:
        return (dropped == 0).astype(np.float64)
    low, high = -1.0, 1.0
    while _softmax(low * dropped) @ dropped > p:
        low *= 2
    while _softmax(high * dropped) @ dropped < p:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        if _softmax(middle * dropped) @ dropped < p:
            low = middle
        else:
            high = middle
    return _softmax(middle * dropped)


def _softmax(exponents: Floats) -> Floats:
    weights = np.exp(exponents - exponents.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def keep(dp: int, b: int, n: int) -> Ints:
    """Return the rows that stay of ``n``: those of which (i - b) mod dp is 0, ascending.

    There are ceil((n - b) / dp) of them, none where b is not less than n.

    Raises
    ------
    ValueError
        Not 0 <= b < dp, or n is negative.
    """
    if not 0 <= b < dp:
        raise ValueError(f"b must be in 0..{dp - 1}, not {b}")
    if n < 0:
        raise ValueError(f"n must be at least 0, not {n}")
    return np.arange(b, n, dp, dtype=np.int64)


def keep_tiles(dp: int, b: int, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return which weights stay where tiles of 32 x 32 are dropped, bool[rows, columns].

    Tiles are numbered along the rows of the matrix; the last ones of a row and of a column may be
    cut off.
    """
    down, across = -(-rows // TILE), -(-columns // TILE)
    tiles = np.zeros(down * across, dtype=bool)
    tiles[keep(dp, b, down * across)] = True
    whole = tiles.reshape(down, across).repeat(TILE, axis=0).repeat(TILE, axis=1)
    return whole[:rows, :columns]


def ideal(cfg: Config, n: int) -> Floats:
    """Return the probability that a row is dropped, for each of ``n`` draws, float64[n]."""
    return np.full(n, cfg.rate)


def model(cfg: Config, n: int) -> Ints:
    """Return ``n`` draws of (dp, b), int64[n, 2].

    One word gives dp: the first period whose threshold is above it. Words follow for b, of each
    the lowest bits that hold dp - 1, until one is less than dp; for dp = 1 there is none. A word is
    the low 16 bits of a shift register of 32, which makes 16 steps from one to the next.
    """
    return np.array([(dp, b) for dp, b, _ in draws(cfg, n)], dtype=np.int64).reshape(n, 2)


def draws(cfg: Config, n: int) -> Iterator[tuple[int, int, int]]:
    """Yield ``n`` draws of dp and b as :func:`model` has them, and how many words each took."""
    words, ends = _words(cfg), cfg.thresholds
    for _ in range(n):
        dp = int(np.searchsorted(ends, next(words), side="right")) + 1
        mask = (1 << (dp - 1).bit_length()) - 1
        b, taken = next(words) & mask if mask else 0, 2 if mask else 1
        while b >= dp:
            b, taken = next(words) & mask, taken + 1
        yield dp, b, taken


def _words(cfg: Config, block: int = 4096) -> Iterator[int]:
    """Yield words without end, the seed's low half first."""
    step = lfsr.leap_matrix(32, lfsr.TAPS[32], WORD_BITS)
    state = np.array([cfg.seed], dtype=np.int64)
    while True:
        states = lfsr.walk(step, state, block + 1)
        yield from (states[:-1, 0] & ((1 << WORD_BITS) - 1)).tolist()
        state = states[-1]


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, int]:
    """Return how many draws to ask for."""
    return {"n": int(rng.integers(200, 300))}
