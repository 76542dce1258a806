"""What the members' configurations have in common: sizes, widths, and what follows from them."""

import dataclasses
from typing import Literal, get_args

from nomul.golden import config
from nomul.golden.products.contract import sum_bits

# How a product is made: in one cycle, or bit by bit of the activation, by AND-and-add.
Product = Literal["multiplier", "bitserial"]
PRODUCTS: tuple[Product, ...] = get_args(Product)

PORT_BITS = 65_000  # Amaranth refuses ports of more than 65,536


@dataclasses.dataclass(frozen=True, kw_only=True)
class Member(config.Config):
    """Parameters of a tile of a member, whatever it calls the widths of weights and activations.

    A member has ``weight_bits``, ``act_bits`` and ``lanes`` as fields or as properties.

    Parameters
    ----------
    inputs, outputs
        K rows of a tile and C columns.
    act_signed
        Whether activations are two's complement.
    """

    inputs: int = 64
    outputs: int = 16
    act_signed: bool = True

    def validate(self) -> None:
        """Check the sizes, and that sums fit 62 bits."""
        self.check_range("inputs", 1, 65536)
        self.check_range("outputs", 1, 4096)
        self.check("inputs", self.y_bits <= 62, f"such that sums of {self.y_bits} bits fit 62")

    @property
    def weight_bits(self) -> int:
        """Bits of a weight."""
        raise NotImplementedError

    @property
    def act_bits(self) -> int:
        """Bits of an activation."""
        raise NotImplementedError

    @property
    def lanes(self) -> int:
        """Activations of a beat of ``x``, those that no vector needs included."""
        raise NotImplementedError

    def check_port(self, name: str, bits: int, rule: str) -> None:
        """Require that so many bits, which the parameter decides on, are one port in Amaranth."""
        self.check(name, bits <= PORT_BITS, f"{rule} to be a port")

    @property
    def exact(self) -> bool:
        """Whether y is W^T x: unless a member says otherwise, it is."""
        return True

    @property
    def y_bits(self) -> int:
        """Bits of a signed sum."""
        return sum_bits(self.inputs, self.weight_bits, self.act_bits)

    @property
    def width(self) -> int:
        """Activations of a beat that are there."""
        return min(self.lanes, self.inputs)

    @property
    def chunks(self) -> int:
        """Beats of a vector."""
        return -(-self.inputs // self.width)

    @property
    def latency(self) -> int:
        """Cycles from a vector's last step to its first sums, and of the first one those before."""
        raise NotImplementedError

    @property
    def interval(self) -> int:
        """Cycles between two vectors."""
        raise NotImplementedError

    def cycles(self, n: int) -> int:
        """Cycles from the first activation of ``n`` vectors to the last sum, inclusive."""
        return n * self.interval + self.latency + self.y_beats - 1

    @property
    def y_lanes(self) -> int:
        """Sums of a beat of ``y``: as few as are no slower than a vector."""
        return lanes_for(self.outputs, self.interval)

    @property
    def y_beats(self) -> int:
        """Beats of ``y`` of a vector."""
        return self.outputs // self.y_lanes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coded(Member):
    """Parameters of a member whose weights and activations are plain codes.

    Parameters
    ----------
    weight_bits
        Bits of a two's complement weight, 1..17.
    act_bits
        Bits of an activation, 1..32.
    """

    weight_bits: int = 8
    act_bits: int = 8

    def validate(self) -> None:
        """Check the widths too."""
        self.check_range("weight_bits", 1, 17)
        self.check_range("act_bits", 1, 32)
        super().validate()

    @property
    def stored_bits(self) -> int:
        """Bits of what is stored of a weight: itself, unless a member says otherwise."""
        return self.weight_bits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grouped(Coded):
    """Parameters of a member that makes the sums of some columns at once, group after group."""

    @property
    def columns(self) -> int:
        """Sums that are made at once."""
        raise NotImplementedError

    @property
    def group_interval(self) -> int:
        """Cycles between the sums of two groups."""
        raise NotImplementedError

    @property
    def groups(self) -> int:
        """Groups of columns that are worked on one after the other."""
        return -(-self.outputs // self.columns)

    @property
    def interval(self) -> int:
        """Cycles between two vectors."""
        return self.groups * self.group_interval

    @property
    def y_lanes(self) -> int:
        """Sums of a beat of ``y``: as few as leave no slower than a group's sums are made."""
        return lanes_for(self.columns, self.group_interval)

    @property
    def y_beats(self) -> int:
        """Beats of ``y`` of the last group, whose columns may be fewer."""
        return -(-(self.outputs - (self.groups - 1) * self.columns) // self.y_lanes)


def lanes_for(columns: int, room: int) -> int:
    """Return the fewest sums of a beat, a divisor of all, that leave within so many cycles."""
    return next(n for n in divisors(columns) if columns // n <= room)


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, ascending."""
    return [n for n in range(1, number + 1) if number % n == 0]
