"""IEEE 754 binary16 multiplication, to the bit, with gradual or flushed underflow."""

import dataclasses
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints

FRACTION = 10  # stored bits of the significand
BIAS = 15
SPECIAL = 31  # exponent field of infinities and NaNs
INFINITY = SPECIAL << FRACTION
QUIET_NAN = INFINITY | 1 << (FRACTION - 1)
SMALLEST_NORMAL = 1 << FRACTION

# Bit 0 of a product weighs 2**(exponents - 50): 2**-24 where the exponents add up to this.
LEAST = 2 * (BIAS + FRACTION) - 24


class Underflow(Protocol):
    """What happens below the smallest normal number, on the way in and on the way out."""

    def significand(self, exponent: Ints, fraction: Ints) -> Ints:
        """Return the integer significand of finite operands from their two fields."""
        ...

    def dropped(self, length: Ints, exponents: Ints) -> Ints:
        """Return how many low bits rounding drops from a product (negative: bits it gains).

        ``length`` is the product's bit length; ``exponents`` the sum of the operands' exponent
        fields, those of subnormal operands counted as 1. Bit 0 weighs ``2**(exponents - 50)``.
        """
        ...

    def deliver(self, magnitude: Ints) -> Ints:
        """Return the exponent and fraction fields that stand for a rounded magnitude."""
        ...


class Gradual:
    """IEEE 754: subnormal numbers are numbers; no bit below 2**-24 is kept."""

    def significand(self, exponent: Ints, fraction: Ints) -> Ints:
        """Return the fraction with its hidden bit, which subnormal numbers do not have."""
        return fraction | (exponent > 0).astype(np.int64) << FRACTION

    def dropped(self, length: Ints, exponents: Ints) -> Ints:
        """Keep 11 bits, or fewer where they would weigh less than 2**-24."""
        return np.maximum(length - (FRACTION + 1), LEAST - exponents)

    def deliver(self, magnitude: Ints) -> Ints:
        """Change nothing."""
        return magnitude


class Flush:
    """Flush to zero: subnormal operands read as zero, subnormal results become zero.

    Underflow is decided after rounding: the product is rounded to 11 bits as if the exponent had
    no lower bound, and flushed if it is then below 2**-14.
    """

    def significand(self, exponent: Ints, fraction: Ints) -> Ints:
        """Return the fraction with its hidden bit, or zero."""
        return np.where(exponent > 0, fraction | 1 << FRACTION, 0)

    def dropped(self, length: Ints, exponents: Ints) -> Ints:
        """Keep 11 bits."""
        return length - (FRACTION + 1)

    def deliver(self, magnitude: Ints) -> Ints:
        """Replace what is below the smallest normal number by zero."""
        return np.where(magnitude < SMALLEST_NORMAL, 0, magnitude)


Mode = Literal["ieee", "ftz"]
UNDERFLOW: dict[Mode, Underflow] = {"ieee": Gradual(), "ftz": Flush()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of the FP16 multiplier.

    Parameters
    ----------
    mode
        ``ieee`` for gradual underflow, ``ftz`` for flush to zero (:class:`Flush`).
    """

    block_name: ClassVar[str] = "fp16mul"

    mode: Mode = "ieee"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "ieee": {"mode": "ieee"},
        "ftz": {"mode": "ftz"},
    }

    def validate(self) -> None:
        """Check the mode."""
        self.check_choice("mode")

    @property
    def stages(self) -> int:
        """Register stages between operands and product."""
        return 3

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a pair to the first cycle its product is offered."""
        return self.stages

    def cycles(self, n: int) -> int:
        """Cycles from the first pair's transfer to the last product's, both included."""
        return self.latency + n * self.interval if n else 0


def ideal(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the exact products of binary16 patterns; 22 bits fit in float64 without rounding."""
    with np.errstate(invalid="ignore"):
        return decode(a) * decode(b)


def model(cfg: Config, a: ArrayLike, b: ArrayLike) -> NDArray[np.uint16]:
    """Return the products of binary16 patterns, rounded to nearest even.

    Every NaN that comes out is ``0x7E00``.

    Parameters
    ----------
    cfg
        Of its fields, ``mode`` decides what subnormal operands and results are.
    a, b
        Bit patterns, integers in 0..65535, of shapes that broadcast together.

    Returns
    -------
    uint16, of the common shape

    Raises
    ------
    TypeError
        An operand is not an array of integers (decode floats with ``.view(np.uint16)``).
    ValueError
        An operand does not fit in 16 bits.
    """
    underflow = UNDERFLOW[cfg.mode]
    a, b = np.broadcast_arrays(_patterns("a", a), _patterns("b", b))
    exponent_a, fraction_a = a >> FRACTION & SPECIAL, a & (1 << FRACTION) - 1
    exponent_b, fraction_b = b >> FRACTION & SPECIAL, b & (1 << FRACTION) - 1
    significand_a = underflow.significand(exponent_a, fraction_a)
    significand_b = underflow.significand(exponent_b, fraction_b)

    product = significand_a * significand_b
    exponents = np.maximum(exponent_a, 1) + np.maximum(exponent_b, 1)
    dropped = underflow.dropped(_bit_length(product), exponents)
    # The hidden bit, where there is one, adds the last 1 to the exponent field.
    above = dropped + exponents - LEAST
    magnitude = (above << FRACTION) + _round_to_even(product, dropped)
    magnitude = np.where(product == 0, 0, underflow.deliver(np.minimum(magnitude, INFINITY)))

    infinite = (exponent_a == SPECIAL) | (exponent_b == SPECIAL)
    magnitude = np.where(infinite, INFINITY, magnitude)
    not_a_number = (
        (exponent_a == SPECIAL) & (fraction_a != 0)
        | (exponent_b == SPECIAL) & (fraction_b != 0)
        | infinite & (product == 0)
    )
    signed = (a ^ b) & 0x8000 | magnitude
    return np.where(not_a_number, QUIET_NAN, signed).astype(np.uint16)


def decode(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return the values of binary16 patterns."""
    return np.asarray(patterns, dtype=np.uint16).view(np.float16).astype(np.float64)


# Magnitudes on both sides of every boundary: zero, subnormal, normal, about one, largest,
# infinite, NaN (signalling and quiet).
_CORNERS = (
    *(0x0000, 0x0001, 0x0002, 0x0003, 0x0155, 0x01FF, 0x0200, 0x03FE, 0x03FF),
    *(0x0400, 0x0401, 0x07FF, 0x0800, 0x13FF, 0x1400, 0x1401, 0x37FF, 0x3800, 0x3801),
    *(0x3BFF, 0x3C00, 0x3C01, 0x3DA8, 0x3FFF, 0x4000, 0x7800, 0x7BFE, 0x7BFF),
    *(0x7C00, 0x7C01, 0x7E00, 0x7FFF),
)


def corners() -> NDArray[np.uint16]:
    """Return the corner patterns of either sign, uint16[64]."""
    magnitudes = np.array(_CORNERS, dtype=np.uint16)
    return np.concatenate([magnitudes, magnitudes | np.uint16(0x8000)])


def stimuli(
    cfg: Config, rng: np.random.Generator, n: int = 20_000
) -> dict[str, NDArray[np.uint16]]:
    """Return at least ``n`` pairs ``a``, ``b``, every corner times every corner first.

    Half of the rest are uniform patterns; of the other half the product lies near the smallest
    normal number, where rounding, underflow and the exponent meet.
    """
    edge = corners()
    a, b = (side.ravel() for side in np.meshgrid(edge, edge, indexing="ij"))
    count = max(n - a.size + 1, 2) // 2
    uniform = rng.integers(0, 1 << 16, (2, count), dtype=np.uint16)
    exponent = rng.integers(0, 31, count)
    other = np.clip(BIAS + rng.integers(-12, 3, count) - exponent, 0, 30)
    low = rng.integers(0, 1 << FRACTION, (2, count)) | rng.integers(0, 2, (2, count)) << 15
    near = (np.stack([exponent, other]) << FRACTION | low).astype(np.uint16)
    left, right = ((a, uniform[0], near[0]), (b, uniform[1], near[1]))
    return {"a": np.concatenate(left), "b": np.concatenate(right)}


def _patterns(name: str, values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"fp16mul.{name} must be bit patterns, integers, not {array.dtype}")
    if array.size and not (0 <= array.min() and array.max() <= 0xFFFF):
        raise ValueError(
            f"fp16mul.{name} must be in 0..65535, not {array.min()!s}..{array.max()!s}"
        )
    return array.astype(np.int64)


def _bit_length(values: Ints) -> Ints:
    """Return the position above the leading one of values below 2**22; 0 for zero."""
    return np.searchsorted(1 << np.arange(2 * FRACTION + 2), values, side="right")


def _round_to_even(values: Ints, dropped: Ints) -> Ints:
    """Return ``values / 2**dropped``, for ``dropped > -12``, rounded to nearest, ties to even."""
    guard = FRACTION + 2
    scaled, shift = values << guard, dropped + guard
    floor, rest = scaled >> shift, scaled & (1 << shift) - 1
    return floor + (2 * rest + (floor & 1) > 1 << shift)
