"""What the configurations of outer-product units have in common."""

import dataclasses
from functools import cached_property

from nomul.golden import config
from nomul.golden.outer.array import Accumulators, Array, Rounding


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unit(config.Config):
    """Base of the ``Config`` of an outer-product unit, which says what its array is."""

    @cached_property
    def array(self) -> Array:
        """Sources, lanes, cells and read-out."""
        raise NotImplementedError

    @property
    def beats(self) -> int:
        """Cycles that a pair takes the lanes."""
        return self.array.beats

    @property
    def lane_bits(self) -> int:
        """Bits that a lane sends to its cells in a cycle."""
        return self.array.lane_bits

    @property
    def count_bits(self) -> int:
        """Bits of a product's magnitude."""
        return self.array.count_bits

    @property
    def y_bits(self) -> int:
        """Bits of a signed result, or of an accumulator."""
        return self.array.y_bits

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a pair to its first row on ``y``."""
        return self.array.latency

    @property
    def interval(self) -> int:
        """Cycles between two pairs, without stalls; see :attr:`Array.interval`."""
        return self.array.interval

    def cycles(self, n: int) -> int:
        """Cycles of ``n`` pairs to the last row, without stalls; see :meth:`Array.cycles`."""
        return self.array.cycles(n)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accumulating(Unit):
    """Base of the ``Config`` of a unit that can have accumulators.

    Parameters
    ----------
    accumulate
        AW, bits of an accumulator per cell, 2..48; None: every pair is read out.
    acc_exponent
        Binary exponent of the accumulators' unit, -64..64.
    acc_rounding
        ``floor`` or ``stochastic``, for pairs whose unit is smaller than the accumulators'.
    """

    accumulate: int | None = None
    acc_exponent: int = 0
    acc_rounding: Rounding = "floor"

    def validate(self) -> None:
        """Check the accumulators after whatever else the unit has."""
        super().validate()
        if self.accumulate is not None:
            self.check_range("accumulate", 2, 48)
        self.check_range("acc_exponent", -64, 64)
        self.check_choice("acc_rounding")

    @property
    def accumulators(self) -> Accumulators | None:
        """The accumulators, if there are any."""
        if self.accumulate is None:
            return None
        return Accumulators(
            width=self.accumulate, exponent=self.acc_exponent, rounding=self.acc_rounding
        )
