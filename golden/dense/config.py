"""Parameters of the dense array: how many multipliers, and of what kind."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from nomul.golden.products import config

Array = Literal["multiplier", "bitserial"]
ARRAYS: tuple[Array, ...] = get_args(Array)
Multiplier = Literal["smallest", "operator", "booth", "crossed"]
MULTIPLIERS: tuple[Multiplier, ...] = get_args(Multiplier)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Grouped):
    """Parameters of the dense array.

    Parameters
    ----------
    products
        P, multipliers: as many weights meet an activation in a step. What the work does not need
        idles.
    array
        ``multiplier``: a step takes one cycle. ``bitserial``: activations come bit by bit, and a
        step takes ``act_bits`` cycles of AND-and-add.
    multiplier
        Of ``multiplier``: ``operator`` leaves ``a * b + acc`` to the synthesizer, which knows an
        FPGA's DSP blocks; ``booth`` is radix 4, whose digits all columns share, with all partial
        products and the accumulator in one tree; ``crossed`` has ANDs of all bits in that tree.
        ``smallest`` is the smaller of these two, see :attr:`way`.
    load
        Words of the store, a step's weights each, that a beat of ``weight`` brings: a power of two.
    """

    block_name: ClassVar[str] = "dense"

    products: int = 16
    array: Array = "multiplier"
    multiplier: Multiplier = "smallest"
    load: int = 1

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 8, "outputs": 4, "products": 8},
        "dsp": {"inputs": 8, "outputs": 4, "products": 4, "multiplier": "operator"},
        "bitserial": {"inputs": 8, "outputs": 4, "products": 16, "array": "bitserial"},
    }

    def validate(self) -> None:
        """Check the ranges."""
        super().validate()
        self.check_range("products", 1, 65536)
        self.check_choice("array")
        self.check_choice("multiplier")
        self.check_range("load", 1, 4096)
        self.check("load", self.load & (self.load - 1) == 0, "a power of two")
        narrow = self.load > 1 and self.step_bits <= config.PORT_BITS
        name = "load" if narrow else "products"
        self.check_port(name, self.word_bits, "small enough for a word of weights")

    @property
    def way(self) -> Multiplier:
        """The kind of multiplier, chosen: ANDs where an operand has at most two bits, or Booth's.

        That is what was measured to be smaller, see the page.
        """
        if self.multiplier != "smallest":
            return self.multiplier
        return "crossed" if min(self.weight_bits, self.act_bits) <= 2 else "booth"

    @property
    def columns(self) -> int:
        """Columns at work at the same time."""
        return min(self.products, self.outputs)

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``: they meet all columns at work at once."""
        return max(1, min(self.products // self.columns, self.inputs))

    @property
    def planes(self) -> int:
        """Cycles of a step."""
        return self.act_bits if self.array == "bitserial" else 1

    @property
    def steps(self) -> int:
        """Steps of a tile: the weights of a group and a chunk each."""
        return self.groups * self.chunks

    @property
    def step_bits(self) -> int:
        """Bits of the weights of a step."""
        return self.lanes * self.columns * self.weight_bits

    @property
    def depth(self) -> int:
        """Words of a tile, of ``load`` steps each."""
        return -(-self.steps // self.load)

    @property
    def word_bits(self) -> int:
        """Bits of a word."""
        return self.load * self.step_bits

    @property
    def group_interval(self) -> int:
        """Cycles between the sums of two groups of columns."""
        return self.planes * self.chunks

    @property
    def latency(self) -> int:
        """Cycles from a vector's last step to its first sums: operands, accumulator."""
        return 2
