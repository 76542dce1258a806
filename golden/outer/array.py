"""What an outer-product unit is made of, in numbers: sources, lanes, cells and read-out."""

import dataclasses
from typing import Literal, get_args

from nomul.golden import bitstream

Rounding = Literal["floor", "stochastic"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
EXPONENT_BITS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accumulators:
    """Accumulators of a unit, one per cell.

    Attributes
    ----------
    width
        AW, bits.
    exponent
        Binary exponent of their unit.
    rounding
        ``floor`` or ``stochastic``, for pairs whose unit is smaller.
    """

    width: int
    exponent: int
    rounding: Rounding


@dataclasses.dataclass(frozen=True, kw_only=True)
class Array:
    """An outer-product unit, whatever its lanes make of an operand and its cells of two.

    Ports, cycles and read-out follow from it.

    Attributes
    ----------
    words
        Sources of the random words: M, N, W, and how many words a pair of vectors takes.
    lane_bits
        Bits that a lane sends to its cells in a cycle.
    count_bits
        Bits of a product's magnitude.
    ordered
        The words of a vector come in ascending order of the rows' words. The set of pairs is the
        same, so no count changes, but every row's bits are then a run of ones followed by zeros.
    early_stop
        Of an ordered one: the next pair follows once every row's ones have ended.
    accumulators
        None: the products of every pair are read out.
    """

    words: bitstream.Config
    lane_bits: int
    count_bits: int
    ordered: bool = False
    early_stop: bool = False
    accumulators: Accumulators | None = None

    @property
    def rows(self) -> int:
        """Lanes and cells on the side of x, M."""
        return self.words.rows

    @property
    def cols(self) -> int:
        """Lanes and cells on the side of d, N."""
        return self.words.cols

    @property
    def width(self) -> int:
        """Bits of an operand's magnitude, W; 2**W itself takes one more."""
        return self.words.width

    @property
    def beats(self) -> int:
        """Cycles that the words of a pair take."""
        return self.words.beats

    @property
    def unit_log2(self) -> int:
        """Binary logarithm k of the pair's words: a product counts units of 2**(e_x + e_d - k)."""
        return self.words.stream_log2

    @property
    def y_bits(self) -> int:
        """Bits of a result that leaves: a product with its sign, or an accumulator."""
        return self.accumulators.width if self.accumulators else self.count_bits + 1

    @property
    def max_right_shift(self) -> int:
        """Right shift beyond which every product vanishes the same way."""
        return self.words.lfsr_width + self.count_bits

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a pair to its first row on ``y``."""
        return self.beats + (3 if self.accumulators else 2)

    @property
    def interval(self) -> int:
        """Cycles between two pairs, without stalls.

        The larger of a pair's beats and the M cycles of read-out; the beats where results stay in
        the accumulators.
        """
        return self.beats if self.accumulators else max(self.beats, self.rows)

    def cycles(self, n: int) -> int:
        """Cycles from the transfer of the first of ``n`` pairs to that of the last row, inclusive.

        Without stalls, and with one read-out at the end where results accumulate. With early stop
        this is the most.
        """
        return self.latency + self.rows + (n - 1) * self.interval
