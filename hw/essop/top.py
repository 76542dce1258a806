"""ESSOP, the stochastic outer product: an array of counters behind generators of bits."""

from nomul.golden.essop import Cell, Config
from nomul.hw.essop.cells import Counter, Popcount, Snapshot
from nomul.hw.essop.draws import GENERATORS
from nomul.hw.essop.prefix import Prefix
from nomul.hw.outer import Cells, Grid, Unit

# By the name that ``cell`` has in the configuration.
CELLS: dict[Cell, Cells] = {
    "counter": Grid(Counter()),
    "popcount": Grid(Popcount()),
    "snapshot": Grid(Snapshot()),
    "prefix": Prefix(),
}


class Top(Unit):
    """Computes outer products of pairs of vectors by counting the ANDs of random bits.

    Every row compares its operand with one random word, every column with another; cell (i, j)
    counts how often both bits are one, so E[c_ij] = BL p_i q_j (steps 2 to 4 of
    :func:`nomul.golden.essop.model`). Latency is ``cfg.beats`` + 2 cycles from a pair to its first
    row, one more with accumulators; a pair every ``cfg.interval`` cycles. The next pair is taken
    in the cycle that draws the last bits of the one before.

    Members
    -------
    As for :class:`nomul.hw.outer.Unit`; ``y`` carries counts, equal to
    :func:`nomul.golden.essop.model`, or accumulators.
    """

    def __init__(self, cfg: Config):
        super().__init__(cfg, GENERATORS[cfg.sng], CELLS[cfg.cell])
