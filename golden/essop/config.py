"""Parameters of the stochastic outer-product unit."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden import bitstream

Cell = Literal["counter", "popcount", "snapshot", "prefix"]
CELLS: tuple[Cell, ...] = get_args(Cell)
ORDERED_CELLS = ("snapshot", "prefix")
Rounding = Literal["floor", "stochastic"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
EXPONENT_BITS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(bitstream.Config):
    """Parameters of the outer-product unit; those of its sources are inherited.

    Parameters
    ----------
    cell
        ``counter``: an AND and a counter, U bits added one by one. ``popcount``: U bits added by a
        tree. ``snapshot``: a counter per column, whose value each cell keeps when its row's ones
        end. ``prefix``: the column's counts in a table, read once per row. The last two go through
        the words in ascending order, so they need a counted source under ``pair`` and U = 1.
    sng
        How lanes make bits of words, see :func:`nomul.golden.bitstream.ones`: ``comparator``, or
        ``wbg``, the weighted binary generator. Ordered cells need comparators.
    early_stop
        Ordered cells only: go on to the next pair once every row's ones have ended.
    accumulate
        AW, bits of an accumulator per cell, 2..48; None: every pair is read out.
    acc_exponent
        Binary exponent of the accumulators' unit, -64..64.
    acc_rounding
        ``floor`` or ``stochastic``, for pairs whose unit is smaller than the accumulators'.
    """

    block_name: ClassVar[str] = "essop"

    cell: Cell = "counter"
    sng: bitstream.Generator = "comparator"
    early_stop: bool = False
    accumulate: int | None = None
    acc_exponent: int = 0
    acc_rounding: Rounding = "floor"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "paper": {"rows": 16, "cols": 16},
    }

    def validate(self) -> None:
        """Check the array's own parameters after those of the sources."""
        super().validate()
        self.check_choice("cell")
        self.check_choice("sng")
        if self.accumulate is not None:
            self.check_range("accumulate", 2, 48)
        self.check_range("acc_exponent", -64, 64)
        self.check_choice("acc_rounding")
        if self.ordered:
            self.check("source", self.counted, f"a counted one for cell {self.cell!r}")
            self.check("share", self.share == "pair", f"pair for cell {self.cell!r}")
            self.check("bits_per_cycle", self.bits_per_cycle == 1, f"1 for cell {self.cell!r}")
            self.check("sng", self.sng == "comparator", f"comparator for cell {self.cell!r}")
        else:
            self.check("early_stop", not self.early_stop, f"false for cell {self.cell!r}")
        if self.cell == "prefix":
            self.check("accumulate", self.accumulate is None, "absent for cell 'prefix'")

    @property
    def ordered(self) -> bool:
        """Whether the cell needs the words of a vector in ascending order."""
        return self.cell in ORDERED_CELLS

    @property
    def lane_bits(self) -> int:
        """Bits that a lane sends to its cells in a cycle."""
        return self.bits_per_cycle

    @property
    def count_bits(self) -> int:
        """Bits of a count 0 .. BL: k + 1."""
        return self.stream_log2 + 1

    @property
    def y_bits(self) -> int:
        """Bits of a signed result: k + 2, or the accumulator's width."""
        return self.accumulate or self.stream_log2 + 2

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a pair to its first row on ``y``."""
        return self.beats + (3 if self.accumulate else 2)

    @property
    def interval(self) -> int:
        """Cycles between two pairs, without stalls.

        The larger of BL / U and the M cycles of read-out; BL / U where results stay in the
        accumulators.
        """
        return self.beats if self.accumulate else max(self.beats, self.rows)

    def cycles(self, n: int) -> int:
        """Cycles from the transfer of the first of ``n`` pairs to that of the last row, inclusive.

        Without stalls, and with one read-out at the end where results accumulate. With early stop
        this is the most; :func:`cycles` knows the operands.
        """
        return self.latency + self.rows + (n - 1) * self.interval
