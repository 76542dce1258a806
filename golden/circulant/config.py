"""Parameters of the circulant array, and what follows from them."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.products import config, contract
from nomul.golden.products.config import Product

Engine = Literal["direct", "ntt"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

# Bits of the sticky error register, and what each says: the family's come first.
RULES = {**contract.RULES, "E_CODE": "A word had a code that is no residue, which counts as zero."}
FLAGS = tuple(RULES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Grouped):
    """Parameters of the array.

    Parameters
    ----------
    k
        Side of a circulant block, of whose k^2 weights k are stored. Where it does not divide
        inputs or outputs, blocks at the border are cut.
    engine
        ``direct``: a block's weights stand in a register that rotates, and k of them meet an
        activation in each cycle. ``ntt``: activations are transformed modulo a Fermat number,
        multiplied point by point by transformed weights, added up, and transformed back.
    product
        Of ``direct``: ``multiplier`` takes a cycle for an activation, ``bitserial`` one for each of
        its bits, by AND-and-add. Points of a transform are multiplied by multipliers.
    units
        Block rows that are worked on at once; more than there are idle.
    modulus_log2
        b, of the modulus 2^b + 1 of ``ntt``: 4, 8, 16 or 32. k divides 2 b, and sums stay below
        half of the modulus.
    """

    block_name: ClassVar[str] = "circulant"

    k: int = 4
    engine: Engine = "direct"
    product: Product = "multiplier"
    units: int = 1
    modulus_log2: int = 32

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 10, "outputs": 7, "k": 3, "units": 2},
        "bitserial": {
            "inputs": 8,
            "outputs": 8,
            "k": 4,
            "product": "bitserial",
            "act_bits": 4,
        },
        "ntt": {
            "inputs": 10,
            "outputs": 7,
            "k": 4,
            "engine": "ntt",
            "weight_bits": 4,
            "act_bits": 4,
            "modulus_log2": 16,
        },
    }

    def validate(self) -> None:
        """Check the ranges, and that a transform holds its sums."""
        super().validate()
        self.check_range("k", 1, 4096)
        self.check_choice("engine")
        self.check_choice("product")
        self.check_range("units", 1, 4096)
        known = self.modulus_log2 in (4, 8, 16, 32)
        self.check("modulus_log2", known, "4, 8, 16 or 32")
        if self.engine == "ntt":
            self._check_transform()
        self.check_port("units", self.word_bits, "small enough for a word")
        self.check_port("units", self.y_lanes * self.y_bits, "small enough for a beat of sums")

    def _check_transform(self) -> None:
        b, k = self.modulus_log2, self.k
        self.check("product", self.product == "multiplier", "multiplier with engine ntt")
        power = k & (k - 1) == 0
        self.check("k", power and 2 * b % k == 0, f"a power of two that divides {2 * b}")
        most = (1 << (self.act_bits - 1)) if self.act_signed else (1 << self.act_bits) - 1
        worst = self.block_columns * k * (1 << (self.weight_bits - 1)) * most
        rule = f"large enough for sums of up to {worst}, which must be below 2^(modulus_log2 - 1)"
        self.check("modulus_log2", worst < 1 << (b - 1), rule)

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``: one, or a block of them to be transformed."""
        return self.k if self.engine == "ntt" else 1

    @property
    def block_rows(self) -> int:
        """Blocks of outputs, ceil(outputs / k)."""
        return -(-self.outputs // self.k)

    @property
    def block_columns(self) -> int:
        """Blocks of inputs, ceil(inputs / k)."""
        return -(-self.inputs // self.k)

    @property
    def rows_at_once(self) -> int:
        """Block rows that are worked on at once."""
        return min(self.units, self.block_rows)

    @property
    def columns(self) -> int:
        """Sums that are made at once."""
        return self.rows_at_once * self.k

    @property
    def planes(self) -> int:
        """Passes over the activations for one group of block rows."""
        return self.act_bits if self.product == "bitserial" else 1

    @property
    def stored_bits(self) -> int:
        """Bits of what is stored of a weight: itself, or a point of a transform."""
        return self.modulus_log2 + 1 if self.engine == "ntt" else self.weight_bits

    @property
    def depth(self) -> int:
        """Words of a tile: a block's weights each, or one of its points."""
        return self.groups * self.block_columns * (self.k if self.engine == "ntt" else 1)

    @property
    def word_bits(self) -> int:
        """Bits of a word of weights."""
        each = 1 if self.engine == "ntt" else self.k
        return self.rows_at_once * each * self.stored_bits

    @property
    def group_interval(self) -> int:
        """Cycles between the sums of two groups of block rows."""
        return self.k if self.engine == "ntt" else self.planes * self.inputs

    @property
    def latency(self) -> int:
        """Cycles from a vector's last step to its first sums, and of a transform those before it.

        Operands and accumulator; of a transform k cycles of the first block, and its points, their
        operands, products, sums and inverse.
        """
        return self.k + 7 if self.engine == "ntt" else 2

    @property
    def interval(self) -> int:
        """Cycles between two vectors."""
        blocks = self.block_columns if self.engine == "ntt" else 1
        return blocks * super().interval
