"""Parameters of the stochastic outer-product unit."""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

from nomul.golden import bitstream, outer

Cell = Literal["counter", "popcount", "snapshot", "prefix"]
CELLS: tuple[Cell, ...] = get_args(Cell)
ORDERED_CELLS = ("snapshot", "prefix")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(outer.Accumulating, bitstream.Streams):
    """Parameters of the outer-product unit: its sources, streams, cells and accumulators.

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
    """

    block_name: ClassVar[str] = "essop"

    cell: Cell = "counter"
    sng: bitstream.Generator = "comparator"
    early_stop: bool = False

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "serial16": {"rows": 16, "cols": 16},
    }
    renamed: ClassVar[dict[str, str]] = {
        "paper": "the serial array of 16 x 16 is 'serial16', and what the paper's claim is "
        "measured on is the preset 'paper' of plane",
    }

    def validate(self) -> None:
        """Check the cells after sources, streams and accumulators."""
        super().validate()
        self.check_choice("cell")
        self.check_choice("sng")
        if self.cell in ORDERED_CELLS:
            self.check("source", self.counted, f"a counted one for cell {self.cell!r}")
            self.check("share", self.share == "pair", f"pair for cell {self.cell!r}")
            self.check("bits_per_cycle", self.bits_per_cycle == 1, f"1 for cell {self.cell!r}")
            self.check("sng", self.sng == "comparator", f"comparator for cell {self.cell!r}")
        else:
            self.check("early_stop", not self.early_stop, f"false for cell {self.cell!r}")
        if self.cell == "prefix":
            self.check("accumulate", self.accumulate is None, "absent for cell 'prefix'")

    @cached_property
    def array(self) -> outer.Array:
        """The unit's array: a lane sends U bits, a cell counts 0 .. BL, which takes k + 1 bits."""
        return outer.Array(
            words=self.part(bitstream.Config),
            lane_bits=self.bits_per_cycle,
            count_bits=self.stream_log2 + 1,
            ordered=self.cell in ORDERED_CELLS,
            early_stop=self.early_stop,
            accumulators=self.accumulators,
        )

    @property
    def full_scale(self) -> int:
        """Count of two operands at full scale, BL."""
        return self.stream_bits
