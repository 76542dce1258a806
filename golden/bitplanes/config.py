"""Parameters of the bit-plane array, and what follows from them."""

import dataclasses
from typing import Any, ClassVar

from nomul.golden.products import config, contract
from nomul.golden.products.contract import sum_bits

ENCODINGS = ("and", "xnor")

# Bits of the sticky error register, and what each says: the family's come first.
RULES = {
    **contract.RULES,
    "E_MODE": "A precision was asked for that the array or its tile does not have.",
    "E_COMMAND": "A command came inside a vector.",
    "E_RANGE": "Activations had bits above the precision.",
}
FLAGS = tuple(RULES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Member):
    """Parameters of the array.

    Parameters
    ----------
    lanes
        Rows that a step counts in all columns at once; more than there are idle.
    act_planes, weight_planes
        A, 1..32, and B, 1..17: most digits of an activation and of a weight.
    act_signed, weight_signed
        Whether codes of the encoding ``and`` are two's complement.
    pairs
        Activation planes that meet a weight plane in one step; more than A idle.
    slice_bits
        c, weight planes that are read together, as by an analog array whose cells hold c bits. The
        sign plane is read alone.
    adc_bits
        A column's read is clipped at 2^adc - 1; None never clips.
    tree_regs
        Registers behind the trees that count, 0 or 1.
    encodings
        Those that the hardware computes: ``and`` for binary codes, ``xnor`` for digits of +-1.
    rounding
        Whether vectors may ask for ``round``, which needs the sum of their activations.
    checks
        Count activations whose bits above the precision are no continuation of their sign. They
        are left out of sums in any case.
    """

    block_name: ClassVar[str] = "bitplanes"

    lanes: int = 64
    act_planes: int = 8
    weight_planes: int = 8
    weight_signed: bool = True
    pairs: int = 1
    slice_bits: int = 1
    adc_bits: int | None = None
    tree_regs: int = 0
    encodings: tuple[str, ...] = ENCODINGS
    rounding: bool = True
    checks: bool = True

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 10, "outputs": 4, "lanes": 4, "act_planes": 4, "weight_planes": 4},
        "pairs": {
            "inputs": 8,
            "outputs": 4,
            "lanes": 8,
            "act_planes": 4,
            "weight_planes": 4,
            "pairs": 4,
            "encodings": ("and",),
            "rounding": False,
            "checks": False,
        },
        "slices": {
            "inputs": 9,
            "outputs": 3,
            "lanes": 5,
            "act_planes": 4,
            "weight_planes": 5,
            "slice_bits": 2,
            "adc_bits": 3,
            "tree_regs": 1,
        },
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("lanes", 1, 65536)
        self.check_range("act_planes", 1, 32)
        self.check_range("weight_planes", 1, 17)
        self.check_range("pairs", 1, 32)
        self.check_range("slice_bits", 1, 17)
        if self.adc_bits is not None:
            self.check_range("adc_bits", 1, 32)
        self.check_range("tree_regs", 0, 1)
        known = set(self.encodings) <= set(ENCODINGS) and len(self.encodings) > 0
        distinct = len(set(self.encodings)) == len(self.encodings)
        self.check("encodings", known and distinct, f"distinct, some of {', '.join(ENCODINGS)}")
        super().validate()
        self.check_port("outputs", self.word_bits, "small enough for a word of weights")

    @property
    def weight_bits(self) -> int:
        """B, bits of a weight's code."""
        return self.weight_planes

    @property
    def act_bits(self) -> int:
        """A, bits of an activation's code."""
        return self.act_planes

    @property
    def exact(self) -> bool:
        """Whether y is W^T x: unless a converter clips, it is."""
        return self.adc_bits is None

    @property
    def y_bits(self) -> int:
        """Bits of a signed sum: what the worst encoding needs that the hardware has."""
        signed = self.act_signed or self.weight_signed
        return max(
            sum_bits(self.inputs, self.weight_planes, self.act_planes, signed and encoding == "and")
            for encoding in self.encodings
        )

    @property
    def at_once(self) -> int:
        """Activation planes of a step."""
        return min(self.pairs, self.act_planes)

    @property
    def slice_planes(self) -> int:
        """Weight planes of a step."""
        return min(self.slice_bits, self.weight_planes)

    @property
    def slices(self) -> int:
        """Words of a chunk's weights, the lowest planes first."""
        return -(-self.weight_planes // self.slice_planes)

    @property
    def depth(self) -> int:
        """Words of a tile of full precision."""
        return self.slices * self.chunks

    @property
    def word_bits(self) -> int:
        """Bits of a word of weights."""
        return self.outputs * self.slice_planes * self.width

    def reads(self, planes: int, used: int, encoding: str = "and") -> tuple[tuple[int, ...], ...]:
        """Return the weight planes of each read of a column, the first read first.

        The top ``used`` of ``planes`` planes, those of one slice together, the highest slice first;
        a sign plane is a read of its own.
        """
        left = list(range(planes - used, planes))
        done: list[tuple[int, ...]] = []
        if encoding == "and" and self.weight_signed:
            done.append((left.pop(),))
        size = self.slice_planes
        for number in sorted({plane // size for plane in left}, reverse=True):
            done.append(tuple(plane for plane in left if plane // size == number))
        return tuple(done)

    def steps(self, acts: int, planes: int, used: int, encoding: str = "and") -> int:
        """Return the steps of a vector of ``acts`` digits, and the top ``used`` planes of weights.

        Without slices that is used * ceil(A / pairs) * ceil(inputs / lanes).
        """
        return len(self.reads(planes, used, encoding)) * -(-acts // self.at_once) * self.chunks

    @property
    def latency(self) -> int:
        """Cycles from a vector's last step to its first sums: operands, trees, accumulator."""
        return 2 + self.tree_regs

    @property
    def interval(self) -> int:
        """Cycles between two vectors of full precision, in the first of the encodings."""
        full = self.weight_planes
        return self.steps(self.act_planes, full, full, self.encodings[0])

    def cycles(self, n: int) -> int:
        """Cycles from the first activation of ``n`` vectors of full precision to the last sum."""
        return self.cycles_of(n, self.interval)

    def cycles_of(self, n: int, steps: int) -> int:
        """Return the same for vectors of ``steps`` steps, which may be made faster than they leave.

        The first sums leave when the first vector is done, the others' as fast as both allow.
        """
        return steps + (n - 1) * max(steps, self.y_beats) + self.latency + self.y_beats - 1
