"""Linear-feedback shift register: tap table, leap-forward matrices, sequences."""

import dataclasses
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints, count

# One primitive polynomial per width: x^t summed over the taps t, plus 1. Each is proved primitive
# by the order of x in tests/test_lfsr.py. Widths 3..32, after the table in Xilinx XAPP 052 and
# independent search where that table has no entry of at most four taps.
TAPS: dict[int, tuple[int, ...]] = {
    3: (3, 2),
    4: (4, 3),
    5: (5, 3),
    6: (6, 5),
    7: (7, 6),
    8: (8, 6, 5, 4),
    9: (9, 5),
    10: (10, 7),
    11: (11, 9),
    12: (12, 6, 4, 1),
    13: (13, 4, 3, 1),
    14: (14, 5, 3, 1),
    15: (15, 14),
    16: (16, 15, 13, 4),
    17: (17, 14),
    18: (18, 11),
    19: (19, 6, 2, 1),
    20: (20, 17),
    21: (21, 19),
    22: (22, 21),
    23: (23, 18),
    24: (24, 23, 22, 17),
    25: (25, 22),
    26: (26, 6, 2, 1),
    27: (27, 5, 2, 1),
    28: (28, 25),
    29: (29, 27),
    30: (30, 6, 4, 1),
    31: (31, 28),
    32: (32, 22, 2, 1),
}


def second_taps(width: int) -> tuple[int, ...]:
    """Return a primitive polynomial of the same width that differs from ``TAPS[width]``.

    The reciprocal polynomial (taps t become ``width - t``), except at 16 where 16,14,13,11 is
    customary.
    """
    if width == 16:
        return (16, 14, 13, 11)
    return (width, *sorted((width - t for t in TAPS[width] if t != width), reverse=True))


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Linear map on ``width``-bit words over GF(2).

    ``columns[j]`` is the image of bit j; the image of a word is the XOR of the columns of its ones.
    """

    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of bits of the word."""
        return len(self.columns)

    def rows(self) -> list[int]:
        """Return one mask per output bit: the input bits whose XOR it is."""
        return [
            sum(((column >> i) & 1) << j for j, column in enumerate(self.columns))
            for i in range(self.width)
        ]

    def __matmul__(self, other: "Matrix") -> "Matrix":
        return Matrix(tuple(self.apply(column) for column in other.columns))

    def __pow__(self, exponent: int) -> "Matrix":
        result, square = identity(self.width), self
        while exponent:
            if exponent & 1:
                result = square @ result
            square, exponent = squared(square), exponent >> 1
        return result

    def apply(self, state: int) -> int:
        """Return the image of one word."""
        image = 0
        for j, column in enumerate(self.columns):
            if (state >> j) & 1:
                image ^= column
        return image

    def apply_all(self, states: Ints) -> Ints:
        """Return the images of an array of words, of the same shape.

        One look-up per eight bits: the image of a word is the XOR of the images of its bytes.
        """
        images = np.zeros_like(states)
        for number, table in enumerate(self._tables):
            images ^= table[(states >> (8 * number)) & (len(table) - 1)]
        return images

    @cached_property
    def _tables(self) -> list[Ints]:
        tables = []
        for low in range(0, self.width, 8):
            table = np.zeros(1, dtype=np.int64)
            for column in self.columns[low : low + 8]:
                table = np.concatenate([table, table ^ column])
            tables.append(table)
        return tables


@cache
def squared(matrix: Matrix) -> Matrix:
    """Return ``matrix @ matrix``, computed once: every jump goes through the same squares."""
    return matrix @ matrix


def jump(step: Matrix, n: int, states: Ints) -> Ints:
    """Return the states ``n`` applications of ``step`` after ``states``, of the same shape."""
    while n:
        if n & 1:
            states = step.apply_all(states)
        step, n = squared(step), n >> 1
    return states


def identity(width: int) -> Matrix:
    """Return the map that changes nothing."""
    return Matrix(tuple(1 << j for j in range(width)))


def step_matrix(width: int, taps: tuple[int, ...]) -> Matrix:
    """Return one step of the Fibonacci register.

    The feedback bit is the XOR of bits t-1 over the taps t; the register shifts towards its most
    significant bit and takes the feedback bit in at bit 0.
    """
    columns = [(1 << (j + 1)) & ((1 << width) - 1) for j in range(width)]
    for tap in taps:
        columns[tap - 1] ^= 1
    return Matrix(tuple(columns))


@cache
def leap_matrix(width: int, taps: tuple[int, ...], leap: int) -> Matrix:
    """Return ``leap`` steps of the register as one map."""
    return step_matrix(width, taps) ** leap


def sequence(width: int, taps: tuple[int, ...], seed: int, n: int, leap: int = 1) -> Ints:
    """Return ``n`` states, the seed first, ``leap`` register steps apart.

    Parameters
    ----------
    width, taps
        Length of the register and its feedback taps, 1-based.
    seed
        First state, 1 .. 2**width - 1.
    n
        Number of states.
    leap
        Steps of the register between two of them.

    Returns
    -------
    int64[n]

    Raises
    ------
    ValueError
        The seed is zero (the register would stay there) or wider than the register.
    """
    if not 0 < seed < 1 << width:
        raise ValueError(f"lfsr.seed must be in 1..{(1 << width) - 1}, not {seed!r}")
    step = leap_matrix(width, taps, leap)
    return walk(step, np.array([seed], dtype=np.int64), n)[:, 0]


def walk(step: Matrix, first: Ints, n: int) -> Ints:
    """Return ``n`` states of several registers side by side, ``first`` first: int64[n, registers].

    The filled part is doubled with ever higher powers of ``step``, so the work is n times the
    register's width in vector operations.
    """
    states = np.empty((max(n, 1), len(first)), dtype=np.int64)
    states[0], filled = first, 1
    while filled < n:
        block = min(filled, n - filled)
        states[filled : filled + block] = step.apply_all(states[:block])
        step, filled = squared(step), filled + block
    return states[:n]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a leap-forward LFSR.

    Parameters
    ----------
    width
        Length of the register, 3..32.
    taps
        Feedback taps, 1-based; empty takes the primitive polynomial of :data:`TAPS`.
    seed
        State after reset, not 0.
    leap
        Register steps per output, 1..4096.
    """

    block_name: ClassVar[str] = "lfsr"

    width: int = 16
    taps: tuple[int, ...] = ()
    seed: int = 0xACE1
    leap: int = 1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"width": 8, "seed": 1},
        "leap": {"width": 16, "leap": 8},
    }

    def validate(self) -> None:
        """Check the ranges, and fill in the default taps."""
        self.check_range("width", 3, 32)
        if not self.taps:
            object.__setattr__(self, "taps", TAPS[self.width])
        legal = len(set(self.taps)) == len(self.taps) and self.width in self.taps
        self.check(
            "taps",
            legal and all(1 <= tap <= self.width for tap in self.taps),
            f"distinct, in 1..{self.width} and include {self.width}",
        )
        self.check_range("seed", 1, (1 << self.width) - 1)
        self.check_range("leap", 1, 4096)

    @property
    def latency(self) -> int:
        """Cycles from ready to the state: none, the state is held in the register."""
        return 0


def ideal(cfg: Config, n: int) -> NDArray[np.float64]:
    """Return the mean of ``n`` states as fractions of 2**L: one half, exactly.

    Over a period the register visits 1 .. 2**L - 1 once each, whose mean is 2**(L-1).
    """
    return np.full(n, 0.5)


def model(cfg: Config, n: int, before: int = 0) -> Ints:
    """Return the states ``before`` .. ``before + n - 1`` of the register, int64[n]."""
    n, before = count("n", n), count("before", before)
    step = leap_matrix(cfg.width, cfg.taps, cfg.leap)
    return walk(step, jump(step, before, np.array([cfg.seed])), n)[:, 0]


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, int]:
    """Return how many states to ask for: more than a period, if that is short."""
    return {"n": min(int(rng.integers(250, 350)), (1 << cfg.width) + 10)}
