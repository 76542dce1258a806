"""Parameters of the array for product quantisation, and what follows from them."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.products import config
from nomul.golden.spimc.config import bits_for

Metric = Literal["l1", "l2", "tree"]
METRICS: tuple[Metric, ...] = get_args(Metric)

LEVELS = 4  # comparisons of a tree
LEAVES = 1 << LEVELS
WRAPS = 16  # bits of the released kernel's accumulator


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Coded):
    """Parameters of the array.

    Parameters
    ----------
    length
        V, activations of a subvector; the last one of a vector may have fewer.
    prototypes
        Np, prototypes of a subvector; 16 of a tree.
    metric
        The nearest prototype by ``l1``, absolute differences; by ``l2``, squares, which are
        products; or the leaf of a ``tree`` of four comparisons.
    shared
        Whether all subvectors have the same prototypes.
    compat
        Whether sums wrap at 16 bits, as the released kernel's do, which shares its prototypes, has
        entries and activations of up to 16 bits, 128 prototypes, and distances of 32 bits.
    table_bits
        Bits of a two's complement entry of the tables, 2..32.
    table_shift
        Entries and sums are in units of 2^table_shift.
    units
        Elements of a subvector, prototypes, and outputs that are worked on in a cycle.
    groups
        Subvectors that are worked on at once; more than there are idle.
    """

    block_name: ClassVar[str] = "pq"

    length: int = 4
    prototypes: int = 16
    metric: Metric = "l1"
    shared: bool = False
    compat: bool = False
    table_bits: int = 8
    table_shift: int = 0
    units: tuple[int, int, int] = (4, 4, 4)
    groups: int = 1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "inputs": 11,
            "outputs": 6,
            "length": 3,
            "prototypes": 5,
            "units": (2, 2, 4),
            "groups": 2,
            "table_shift": 8,
        },
        "compat": {
            "inputs": 12,
            "outputs": 4,
            "length": 3,
            "prototypes": 4,
            "shared": True,
            "compat": True,
            "table_bits": 16,
            "units": (3, 4, 2),
        },
        "tree": {"inputs": 10, "outputs": 5, "metric": "tree", "groups": 2, "table_shift": 8},
    }

    def validate(self) -> None:
        """Check the ranges, and what a tree and the released kernel need."""
        self.check_range("length", 1, 4096)
        self.check_range("prototypes", 1, 4096)
        self.check_choice("metric")
        tree = self.metric == "tree"
        self.check("prototypes", not tree or self.prototypes == LEAVES, f"{LEAVES} of a tree")
        self.check("shared", not (tree and self.shared), "false of a tree")
        self.check("shared", self.shared or not self.compat, "true with compat")
        self.check_range("table_bits", 2, 32)
        if self.compat:
            self._check_compat()
        self.check_range("table_shift", 0, 62)
        self.check("units", min(self.units) >= 1, "three numbers of at least 1")
        self.check_range("groups", 1, 4096)
        super().validate()
        rule = f"such that distances of {self.distance_bits} bits fit 62"
        self.check("act_bits", self.distance_bits <= 62, rule)
        self.check_port("units", self.word_bits, "small enough for a word")
        self.check_port("groups", self.width * self.act_bits, "small enough for a beat of x")
        self.check_port("groups", self.y_lanes * self.y_bits, "small enough for a beat of sums")

    def _check_compat(self) -> None:
        """Check the widths of the released kernel's types."""
        self.check("table_bits", self.table_bits <= WRAPS, f"at most {WRAPS} with compat")
        self.check("act_bits", self.act_bits <= WRAPS, f"at most {WRAPS} with compat")
        self.check("prototypes", self.prototypes <= 128, "at most 128 with compat")
        rule = "such that distances fit 32 bits with compat"
        self.check("length", self.distance_bits < 32, rule)

    @property
    def exact(self) -> bool:
        """Whether y is W^T x: it is not, by design."""
        return False

    @property
    def y_bits(self) -> int:
        """Bits of a signed sum of entries."""
        return WRAPS if self.compat else self.table_bits + bits_for(self.subvectors)

    @property
    def subvectors(self) -> int:
        """Ns, ceil(inputs / length)."""
        return -(-self.inputs // self.length)

    @property
    def at_once(self) -> int:
        """Subvectors that are worked on at once: those of a beat."""
        return min(self.groups, self.subvectors)

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``."""
        return self.at_once * self.length

    @property
    def beats(self) -> int:
        """Beats of a vector."""
        return -(-self.subvectors // self.at_once)

    @property
    def elements(self) -> int:
        """Elements that are compared in a cycle."""
        return min(self.units[0], self.length)

    @property
    def compared(self) -> int:
        """Prototypes that are compared in a cycle."""
        return min(self.units[1], self.prototypes)

    @property
    def columns(self) -> int:
        """Outputs that are looked up in a cycle."""
        return min(self.units[2], self.outputs)

    @property
    def element_steps(self) -> int:
        """Cycles of a distance."""
        return -(-self.length // self.elements)

    @property
    def prototype_steps(self) -> int:
        """Groups of prototypes that are compared one after the other."""
        return -(-self.prototypes // self.compared)

    @property
    def encoding(self) -> int:
        """Cycles that find a beat's indices: of a tree one for each comparison."""
        tree = self.metric == "tree"
        return LEVELS if tree else self.element_steps * self.prototype_steps

    @property
    def looking_up(self) -> int:
        """Cycles that add up a beat's entries."""
        return -(-self.outputs // self.columns)

    @property
    def distance_bits(self) -> int:
        """Bits of the greatest distance."""
        most = (1 << self.act_bits) - 1
        return int(self.length * (most * most if self.metric == "l2" else most)).bit_length()

    @property
    def dim_bits(self) -> int:
        """Bits that say which element a tree compares."""
        return bits_for(self.length)

    @property
    def code_words(self) -> int:
        """Words of prototypes, or of a tree's thresholds."""
        if self.metric == "tree":
            return self.beats
        return self.encoding * (1 if self.shared else self.beats)

    @property
    def code_bits(self) -> int:
        """Bits of such a word."""
        if self.metric == "tree":
            return self.at_once * (LEVELS * self.dim_bits + (LEAVES - 1) * self.act_bits)
        sides = 1 if self.shared else self.at_once
        return sides * self.compared * self.elements * self.act_bits

    @property
    def table_words(self) -> int:
        """Words of tables."""
        return self.beats * self.prototypes * self.looking_up

    @property
    def depth(self) -> int:
        """Words of a tile."""
        return self.code_words + self.table_words

    @property
    def word_bits(self) -> int:
        """Bits of a word."""
        return max(self.code_bits, self.at_once * self.columns * self.table_bits)

    @property
    def latency(self) -> int:
        """Cycles of one beat's shorter part, and from the last entries to the first sums."""
        return min(self.encoding, self.looking_up) + 6

    @property
    def interval(self) -> int:
        """Cycles between two vectors: beats are encoded while the ones before are looked up."""
        return self.beats * max(self.encoding, self.looking_up)
