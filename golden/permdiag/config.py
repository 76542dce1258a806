"""Parameters of the permuted-diagonal array, and what follows from them."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.products import config, contract
from nomul.golden.spimc.config import bits_for

Product = Literal["multiplier", "bitserial", "pow2"]
PRODUCTS: tuple[Product, ...] = get_args(Product)

# Bits of the sticky error register, and what each says: the family's come first.
RULES = {**contract.RULES, "E_SHIFT": "A tile had a shift of p or more, which counts as zero."}
FLAGS = tuple(RULES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Coded):
    """Parameters of the array.

    Parameters
    ----------
    inputs, outputs
        The paper's n and m. Where p does not divide them, blocks at the border are cut.
    p
        Side of a block, of whose p^2 weights p are kept; need not be a power of two.
    k
        How far each block's diagonal is shifted: ``natural`` is l mod p for block l, row-major; or
        0..p-1 for each block, constants of the hardware; or they are ``loaded`` with the tile.
    pes, muls
        Processing elements, and multipliers in each; what the work does not need idles.
    product
        ``multiplier``: a step takes one cycle. ``bitserial``: an activation is worked on bit by
        bit, by AND-and-add, and a step takes ``act_bits`` cycles. ``pow2``: weights are zero or
        plus or minus a power of two, and shift the activation.
    lanes
        Activations of a beat of ``x``; more than there are inputs idle.
    weight_bits
        Bits of a two's complement weight, 1..17; of powers of two the greatest is that of so many
        bits and a sign, and there are 2 at least.
    """

    block_name: ClassVar[str] = "permdiag"

    p: int = 4
    k: Literal["natural", "loaded"] | tuple[int, ...] = "natural"
    pes: int = 2
    muls: int = 2
    product: Product = "multiplier"
    lanes: int = 8

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 10, "outputs": 8, "p": 3, "pes": 1, "lanes": 4},
        "bitserial": {
            "inputs": 8,
            "outputs": 8,
            "p": 4,
            "k": (0, 3, 1, 2),
            "pes": 1,
            "product": "bitserial",
            "lanes": 4,
            "act_bits": 4,
        },
        "pow2": {"inputs": 9, "outputs": 7, "p": 3, "product": "pow2", "lanes": 3},
        "loaded": {"inputs": 10, "outputs": 8, "p": 3, "k": "loaded", "pes": 1, "lanes": 4},
    }

    def validate(self) -> None:
        """Check the ranges, and the shifts."""
        super().validate()
        self.check_range("p", 1, 4096)
        self.check_range("pes", 1, 1024)
        self.check_range("muls", 1, 1024)
        self.check_range("lanes", 1, 1024)
        self.check_choice("product")
        self.check_range("weight_bits", 2 if self.product == "pow2" else 1, 17)
        if isinstance(self.k, str):
            self.check_choice("k")
        else:
            blocks = self.block_rows * self.block_columns
            least, most = min(self.k, default=0), max(self.k, default=0)
            legal = len(self.k) == blocks and least >= 0 and most < self.p
            self.check("k", legal, f"natural, loaded, or {blocks} shifts in 0..{self.p - 1}")
        self.check_port("pes", self.word_bits, "small enough for a word of weights")
        self.check_port("lanes", self.y_lanes * self.y_bits, "large enough for a beat of sums")

    @property
    def block_rows(self) -> int:
        """Blocks above one another, ceil(m / p): each input meets one weight of each."""
        return -(-self.outputs // self.p)

    @property
    def block_columns(self) -> int:
        """Blocks side by side, ceil(n / p)."""
        return -(-self.inputs // self.p)

    @property
    def shift_bits(self) -> int:
        """Bits of a stored shift; none are stored of natural ones."""
        least = 1 if self.k == "loaded" else 0
        return 0 if self.k == "natural" else max(least, bits_for(self.p))

    @property
    def stored_bits(self) -> int:
        """Bits of a stored weight: of a power of two a sign, and an exponent or none."""
        return 1 + bits_for(self.weight_bits) if self.product == "pow2" else self.weight_bits

    @property
    def units(self) -> int:
        """Multipliers at work: one for each block row of a step."""
        return min(self.pes * self.muls, self.block_rows)

    @property
    def steps(self) -> int:
        """Steps of an input that is not zero."""
        return -(-self.block_rows // self.units)

    @property
    def planes(self) -> int:
        """Cycles of a step."""
        return self.act_bits if self.product == "bitserial" else 1

    @property
    def shift_words(self) -> int:
        """Words of a tile that are shifts: those of a step's block rows in a block column."""
        return self.steps * self.block_columns if self.k == "loaded" else 0

    @property
    def weight_words(self) -> int:
        """Words of a tile that are weights: what an input meets in a step."""
        return self.steps * self.inputs

    @property
    def depth(self) -> int:
        """Words of a tile: shifts, if they are loaded, and weights."""
        return self.shift_words + self.weight_words

    @property
    def field_bits(self) -> int:
        """Bits that a word has for each unit: for a weight, or for a shift."""
        return max(self.stored_bits, self.shift_bits if self.k == "loaded" else 0)

    @property
    def word_bits(self) -> int:
        """Bits of a word."""
        return self.units * self.field_bits

    @property
    def y_lanes(self) -> int:
        """Sums of a beat of ``y``: as few as are no slower than a vector of zeros."""
        return config.lanes_for(self.outputs, self.chunks)

    @property
    def latency(self) -> int:
        """Cycles from a vector's last step to its first sums: operands, accumulators, sums."""
        return 3

    @property
    def interval(self) -> int:
        """Cycles between two vectors without zeros."""
        return self.inputs * self.steps * self.planes

    def cycles(self, n: int) -> int:
        """Cycles from the first activation of ``n`` vectors without zeros to the last sum."""
        return self.cycles_of(n * self.interval)

    def cycles_of(self, work: int) -> int:
        """Return the same for vectors that keep the array at work for so many cycles."""
        return 1 + work + self.latency + self.y_beats - 1
