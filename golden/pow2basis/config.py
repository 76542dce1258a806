"""Parameters of the array of power-of-two coefficients and small bases."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.products import config, contract
from nomul.golden.products.config import Product
from nomul.golden.products.contract import sum_bits

Datapath = Literal["factor", "rebuild"]
DATAPATHS: tuple[Datapath, ...] = get_args(Datapath)

# Bits of the sticky error register, and what each says: the family's come first.
RULES = {**contract.RULES, "E_CODE": "A tile had a code of minus nothing, which counts as nothing."}
FLAGS = tuple(RULES)

# Bits of a coefficient's code: a sign, and three of an exponent.
CODE_BITS = 4
LEVELS = 7  # powers of two that a code can say: 1, 2 .. 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Coded):
    """Parameters of the array.

    Parameters
    ----------
    size
        S, side of a basis: so many inputs share one, and each weight is a sum of S of its elements,
        each times zero or plus or minus a power of two.
    datapath
        ``factor``: the basis is multiplied by activations once, and each output adds up shifted
        results. ``rebuild``: weights are added up of shifted elements, and multiplied then.
    basis_bits
        Bits of a two's complement element of a basis, 2..17.
    products
        ``multiplier``, or ``bitserial`` for AND-and-add on one bit of the activations after the
        other.
    units
        Outputs that are worked on at once; more than there are idle.
    skip
        Whether groups of outputs whose coefficients are all zero are left out, by a bitmap.
    """

    block_name: ClassVar[str] = "pow2basis"

    size: int = 3
    datapath: Datapath = "factor"
    basis_bits: int = 8
    products: Product = "multiplier"
    units: int = 4
    skip: bool = True

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 9, "outputs": 8, "units": 2},
        "rebuild": {"inputs": 8, "outputs": 7, "units": 2, "datapath": "rebuild"},
        "bitserial": {
            "inputs": 9,
            "outputs": 8,
            "units": 2,
            "products": "bitserial",
            "act_bits": 4,
        },
    }

    def validate(self) -> None:
        """Check the ranges."""
        super().validate()
        self.check_range("size", 1, 16)
        self.check_choice("datapath")
        self.check_range("basis_bits", 2, 17)
        self.check_choice("products")
        self.check_range("units", 1, 4096)
        self.check_port("units", self.word_bits, "small enough for a word")
        self.check_port("units", self.y_lanes * self.y_bits, "large enough for a beat of sums")

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``: those of a basis."""
        return self.size

    @property
    def blocks(self) -> int:
        """Bases: of ``size`` inputs each, the last one perhaps of fewer."""
        return -(-self.inputs // self.size)

    @property
    def outputs_at_once(self) -> int:
        """Outputs that are worked on at once."""
        return min(self.units, self.outputs)

    @property
    def steps(self) -> int:
        """Groups of outputs that are worked on one after the other."""
        return -(-self.outputs // self.outputs_at_once)

    @property
    def map_bits(self) -> int:
        """Bits of a block's bitmap of groups."""
        return self.steps if self.skip else 0

    @property
    def header_bits(self) -> int:
        """Bits of a block's first word: the basis, and with ``skip`` which groups follow."""
        return self.size * self.size * self.basis_bits + self.map_bits

    @property
    def codes_bits(self) -> int:
        """Bits of a group's coefficients."""
        return self.outputs_at_once * self.size * CODE_BITS

    @property
    def word_bits(self) -> int:
        """Bits of a word of weights."""
        return max(self.header_bits, self.codes_bits)

    @property
    def depth(self) -> int:
        """Words of a tile without a group that is left out."""
        return self.blocks * (1 + self.steps)

    @property
    def part_bits(self) -> int:
        """Bits of an element of basis times activations."""
        return sum_bits(self.size, self.basis_bits, self.act_bits)

    @property
    def first_cycles(self) -> int:
        """Cycles of a block before its groups: of ``factor``, the products with the basis."""
        serial = self.products == "bitserial" and self.datapath == "factor"
        return self.act_bits if serial else 1

    @property
    def group_cycles(self) -> int:
        """Cycles of a group of outputs."""
        serial = self.products == "bitserial" and self.datapath == "rebuild"
        return self.act_bits if serial else 1

    @property
    def y_lanes(self) -> int:
        """Sums of a beat of ``y``: as few as are no slower than a tile without any group."""
        return config.lanes_for(self.outputs, self.blocks * self.first_cycles)

    @property
    def latency(self) -> int:
        """Cycles of a vector that are not spent on groups: basis, codes, sums, and their start."""
        return self.first_cycles + 5

    @property
    def interval(self) -> int:
        """Cycles between two vectors where no group is left out."""
        return self.blocks * max(self.first_cycles, self.steps * self.group_cycles)

    def cycles(self, n: int) -> int:
        """Cycles from the first activation of ``n`` vectors to the last sum, nothing left out."""
        return self.cycles_of([self.steps] * self.blocks, n)

    def cycles_of(self, groups: list[int], n: int) -> int:
        """Return the same for blocks of so many groups each; a block without any takes a cycle.

        While a block's groups are worked on, the next block is multiplied by its basis.
        """
        work = [max(1, count * self.group_cycles) for count in groups]
        all_but_one = n * sum(max(self.first_cycles, cycles) for cycles in work)
        last = work[-1] - max(self.first_cycles, work[-1])
        return all_but_one + last + self.latency + self.y_beats - 1
