"""Parameters of the controller of epitomes, and what follows from them."""

import dataclasses
from typing import Any, ClassVar

from nomul.golden import dense
from nomul.golden.products import config
from nomul.golden.products.contract import sum_bits
from nomul.golden.spimc.config import bits_for

# Bits of the sticky error register, least significant first, and what each says.
RULES = {
    "E_LONG": "A table had too many entries, and is not there.",
    "E_ENTRY": "A table had an entry outside of epitome, inputs or outputs, and is not there.",
    "E_NOTLOADED": "A vector came before a table or before weights.",
    "E_XSHORT": "A vector had too few activations, and gave no sums.",
    "E_XLONG": "A vector had too many activations, and gave no sums.",
    "E_GAP": "An output was reached by no entry, and is zero.",
}
FLAGS = tuple(RULES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Coded):
    """Parameters of the controller, and of the array that it drives.

    Parameters
    ----------
    inputs, outputs
        K and C of the layer, which is larger than the epitome.
    rows, cols
        Rows and columns of the epitome E: cells that hold weights.
    entries
        Patches that the table holds.
    """

    block_name: ClassVar[str] = "epitome"

    rows: int = 16
    cols: int = 8
    entries: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 12, "outputs": 8, "rows": 6, "cols": 4, "entries": 8},
        "wide": {"inputs": 6, "outputs": 9, "rows": 3, "cols": 5, "entries": 6, "act_bits": 4},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("rows", 1, 65536)
        self.check_range("cols", 1, 1024)
        self.check_range("entries", 1, 65536)
        super().validate()
        self.check_port("cols", self.table_bits, "small enough for an entry")

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``."""
        return 1

    @property
    def array(self) -> dense.Config:
        """The array that holds the epitome: as many products as columns."""
        return dense.Config(
            inputs=self.rows,
            outputs=self.cols,
            products=self.cols,
            weight_bits=self.weight_bits,
            act_bits=self.act_bits,
            act_signed=self.act_signed,
        )

    @property
    def y_bits(self) -> int:
        """Bits of a signed sum: of so many rounds as there may be entries."""
        return sum_bits(self.rows, self.weight_bits, self.act_bits) + bits_for(self.entries)

    @property
    def y_lanes(self) -> int:
        """Sums of a beat of ``y``."""
        return 1

    @property
    def table_bits(self) -> int:
        """Bits of an entry: input offset, row, output offset, rows less one, column mask."""
        rows = bits_for(self.rows)
        return bits_for(self.inputs) + rows + bits_for(self.outputs) + rows + self.cols

    @property
    def round_cycles(self) -> int:
        """Cycles of a round: rows are driven, and columns come back."""
        return self.array.cycles(1)

    @property
    def latency(self) -> int:
        """Cycles from a vector's last activation to its first sum, of an entry with all columns."""
        return self.round_cycles + 1 + self.cols

    @property
    def interval(self) -> int:
        """Cycles between two vectors of a full table, each of whose entries has a round."""
        return self.inputs + self.entries * self.latency + self.outputs

    def cycles(self, n: int) -> int:
        """Cycles from the first activation of ``n`` vectors to the last sum, of such a table."""
        return n * self.interval
