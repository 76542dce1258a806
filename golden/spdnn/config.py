"""Parameters of a machine for the Sparse DNN Graph Challenge."""

import dataclasses
from typing import Any, ClassVar, Literal, NamedTuple

from nomul.golden import config

FAN_IN = 32
MEMBERS = 16  # neurons of a class
GROUP = 6  # layers that share one map of neurons to classes
CEILING = 32
LARGEST_SHIFT = 7  # of a weight of 2^shift sixteenths, which the general engine takes
DRAIN = 5  # cycles from the last addition of a pass to the first one of the next
# What is subtracted after every layer, by the number of neurons, from the challenge's description.
BIASES: dict[int, float] = {1024: 0.3, 4096: 0.35, 16384: 0.4, 65536: 0.45}

Engine = Literal["edge", "class", "general"]


class Memories(NamedTuple):
    """Memories of one kind: how many, of how many words, of how many bits each."""

    number: int
    words: int
    bits: int


def offset(neurons: int, fraction: int) -> int:
    """Return what is subtracted after every layer, in units of 2^-fraction.

    Networks smaller than the challenge's smallest take its bias.
    """
    return round(BIASES.get(neurons, BIASES[1024]) * (1 << fraction))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a machine that runs all layers for several images at once.

    Parameters
    ----------
    neurons
        N, neurons of every layer, a power of two in 64..65536.
    layers
        Layers of the network, 1..1920.
    engine
        ``edge``: one addition per edge, the edges made from tables of the classes' members.
        ``class``: the neurons of a class are added once, and every column is two classes.
        ``general``: one addition per edge of any layer, the edges brought by a stream.
    adders
        Lanes, 1..64: images that are computed side by side, one addition per cycle each.
    fraction
        F, bits behind the point of an activation, 4..20.
    """

    block_name: ClassVar[str] = "spdnn"

    neurons: int = 1024
    layers: int = 120
    engine: Engine = "edge"
    adders: int = 8
    fraction: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"neurons": 64, "layers": 3, "adders": 2, "fraction": 8},
        "class": {"neurons": 128, "layers": 7, "adders": 2, "fraction": 8, "engine": "class"},
        "general": {"neurons": 64, "layers": 3, "adders": 1, "fraction": 8, "engine": "general"},
        "challenge": {"adders": 16},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("neurons", 64, 1 << 16)
        self.check("neurons", self.neurons & (self.neurons - 1) == 0, "a power of two")
        self.check_range("layers", 1, 1920)
        self.check_choice("engine")
        self.check_range("adders", 1, 64)
        self.check_range("fraction", 4, 20)

    @property
    def classes(self) -> int:
        """P, classes of 16 neurons each."""
        return self.neurons // MEMBERS

    @property
    def groups(self) -> int:
        """Maps of neurons to classes: one per six layers."""
        return -(-self.layers // GROUP)

    @property
    def address_bits(self) -> int:
        """Bits of the number of a neuron."""
        return (self.neurons - 1).bit_length()

    @property
    def y_bits(self) -> int:
        """Bits of an activation, 0 to 32 inclusive."""
        return self.fraction + CEILING.bit_length()

    @property
    def bias(self) -> int:
        """What is subtracted after every layer, in units of 2^-fraction."""
        return offset(self.neurons, self.fraction)

    @property
    def class_bits(self) -> int:
        """Bits of the number of a class."""
        return (self.classes - 1).bit_length()

    @property
    def table_words(self) -> int:
        """Neurons in the table of members: all of them for every map."""
        return self.groups * self.neurons

    @property
    def shift_bits(self) -> int:
        """Bits of the power of two that a weight of engine ``general`` is."""
        return LARGEST_SHIFT.bit_length()

    @property
    def sum_bits(self) -> int:
        """Bits of a sum over the edges of a column, in sixteenths, two's complement."""
        if self.engine == "general":
            return self.y_bits + LARGEST_SHIFT + self.address_bits + 1
        return self.y_bits + FAN_IN.bit_length()

    @property
    def memories(self) -> dict[str, Memories]:
        """What is stored: a lane's two banks of activations and its classes' sums, and the table.

        Each memory is read at one place and written at another one in the same cycle.
        """
        kinds = {"activations": Memories(self.adders, 2 * self.neurons, self.y_bits)}
        if self.engine == "class":
            kinds["sums"] = Memories(self.adders, self.classes, self.sum_bits - 1)
        if self.engine != "general":
            kinds["table"] = Memories(1, self.table_words, self.address_bits)
        return kinds

    @property
    def additions(self) -> int:
        """Cycles in which a layer adds: one per edge, or per member of a class and column's class.

        Of engine ``general``, for as many edges as the challenge has.
        """
        if self.engine == "class":
            return self.neurons + 2 * self.classes
        return FAN_IN * self.neurons

    @property
    def passes(self) -> int:
        """Passes of a layer, each followed by five cycles until its last sum can be read."""
        return 2 if self.engine == "class" else 1

    def batch(self, additions: int) -> int:
        """Cycles from a batch's first word to the next one's, for so many additions in all."""
        drained = DRAIN * self.passes * self.layers
        return 2 * self.neurons + additions + drained + 1

    @property
    def latency(self) -> int:
        """Cycles from a batch's first word to the last one out: a network's work."""
        return self.interval

    @property
    def interval(self) -> int:
        """Cycles from a batch to the next."""
        return self.batch(self.layers * self.additions)

    def cycles(self, n: int) -> int:
        """Cycles from the first word in to the last one out for n images, without stalls."""
        return -(-n // self.adders) * self.interval + 1
