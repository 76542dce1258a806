"""Lanes of the plane: what rows and columns send their cells for a pair of operands."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data

from nomul.golden import bitstream, intouter
from nomul.golden.bitstream import Side
from nomul.golden.plane import Config
from nomul.hw.essop.draws import GENERATORS
from nomul.hw.essop.prefix import run_of
from nomul.hw.intouter import Rounded
from nomul.hw.once import Once
from nomul.hw.outer import Draw
from nomul.hw.popcount import popcount


def levels(cfg: Config) -> int:
    """Return R, the number of different runs of ones that a row can have, besides none."""
    return cfg.row_levels or cfg.stream_bits


def count_width(cfg: Config, level: int) -> int:
    """Return the bits of a column's count at a row's level 1 .. R."""
    return (level * cfg.stream_bits // levels(cfg)).bit_length()


def lane_bits(cfg: Config) -> tuple[int, int]:
    """Return the bits that a row, and a column, sends to its cells."""
    if cfg.product == "prefix":
        return levels(cfg), sum(count_width(cfg, t) for t in range(1, levels(cfg) + 1))
    bits = cfg.array.lane_bits
    return bits, cfg.array.count_bits if cfg.product == "snapshot" else bits


def draw(cfg: Config) -> Draw:
    """Return what the lanes send, but for those of ``prefix``: the same as in the unit."""
    return Rounded(cfg.unit) if isinstance(cfg.unit, intouter.Config) else GENERATORS[cfg.sng]


def lanes(cfg: Config, m: Module, source: Once, pair: data.View) -> tuple[list[Value], list[Value]]:
    """Return what rows and columns draw for a pair in this beat.

    U bits; or a rounded magnitude; or for ``prefix`` a row's level one-hot and a column's counts.
    The column of ``snapshot`` draws its bit, which it counts.
    """
    if cfg.product == "prefix":
        return _prefix(cfg, m, source, pair)
    strategy = draw(cfg)
    sides = []
    for side, words, operands in ((Side.X, source.r, pair.x), (Side.D, source.s, pair.d)):
        prepared = strategy.prepare(m, list(words), side)
        sides.append([strategy.send(prepared, operand) for operand in operands])
    return sides[0], sides[1]


def _prefix(
    cfg: Config, m: Module, source: Once, pair: data.View
) -> tuple[list[Value], list[Value]]:
    """Return each row's level one-hot, and each column's counts of its first bits.

    In ascending order of the rows' words, those of the columns are a permutation of the multiples
    of 2**W / BL above the scramble's low bits. So a column needs one full comparison, for the
    length L of its own run; its count over a block of words then follows from L alone.
    """
    drawn = cfg.array.words
    low = drawn.width - drawn.stream_log2
    p, z = _scrambles(m, source, drawn)
    rows, cols = list[Value](), list[Value]()
    for i, operand in enumerate(pair.x):
        level = Signal(levels(cfg).bit_length(), name=f"level{i}")
        m.d.comb += level.eq(run_of(operand, p, drawn.row_low, levels(cfg)))
        rows.append(Cat(level == t for t in range(1, levels(cfg) + 1)))
    step = cfg.stream_bits // levels(cfg)
    blocks = _Blocks(m, drawn, z[low:])
    for j, operand in enumerate(pair.d):
        length = Signal(cfg.array.count_bits, name=f"length{j}")
        m.d.comb += length.eq(run_of(operand, z, low, drawn.stream_bits))
        counts: dict[int, Value] = {}
        for t in range(step, cfg.stream_bits + 1, step):
            # The block that ends at t and is as long as the lowest one of t.
            size = t & -t
            count = Signal(t.bit_length(), name=f"count{j}_{t}")
            rest = counts.get(t - size, 0)
            m.d.comb += count.eq(rest + blocks.count(t - size, size, length, f"{j}_{t}"))
            counts[t] = count
        cols.append(Cat(counts.values()))
    return rows, cols


class _Blocks:
    """Counts of the columns' words that are below L in blocks of consecutive words.

    In units of 2**W / BL the words of a block of 2**a, aligned, are its first word XOR a linear
    span. For van der Corput's sequence the span is all numbers of a bits, above k - a zeros: a
    lattice, and of rho + i 2**(k - a) with i = 0 .. 2**a - 1 there are
    (L + 2**(k - a) - 1 - rho) >> (k - a) below L. Other sequences count word by word.
    """

    def __init__(self, m: Module, drawn: bitstream.Config, scramble: Value):
        self.m, self.bits = m, drawn.stream_log2
        low = drawn.width - drawn.stream_log2
        self.points = [int(point) >> low for point in bitstream.ordered_points(drawn)]
        self.words = []
        for index, point in enumerate(self.points):
            word = Signal(max(1, self.bits), name=f"word{index}")
            m.d.comb += word.eq(scramble ^ point)
            self.words.append(word)

    def count(self, start: int, size: int, length: Value, name: str) -> Value:
        """Return how many of ``size`` words from ``start`` on are below ``length``."""
        free = self.bits - (size.bit_length() - 1)
        if all(point % (1 << free) == 0 for point in self.points[:size]):
            above = ~self.words[start][:free]
            return (length + above)[free:]
        return popcount(self.m, [word < length for word in self.words[start : start + size]])


def _scrambles(m: Module, source: Once, drawn: bitstream.Config) -> tuple[Value, Value]:
    """Return the scrambles of ascending order: of the rows, and of the columns behind them.

    The rows' words are m 2**W / R above P's low bits; the columns' are point(m) XOR z with
    z = point(P_top) XOR Q. Both P and Q are the words of the vector's first draw, whose points
    are zero.
    """
    low, repeats = drawn.row_low, drawn.repeats_log2
    p, q = source.r[0], source.s[0]
    points = [int(point) for point in bitstream.ordered_points(drawn)]
    z: Value = q
    for bit in range(repeats, drawn.stream_log2):
        z = z ^ (p[low + bit - repeats].replicate(drawn.width) & points[1 << bit])
    scramble = Signal(drawn.width, name="scramble")
    m.d.comb += scramble.eq(z)
    return p, scramble
