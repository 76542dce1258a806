"""Parameters of the training unit, and the passes that a step consists of."""

import dataclasses
import itertools
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, get_args

from nomul.golden import config

Rounding = Literal["floor", "zero", "rne", "stochastic"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
Phase = Literal["forward", "backward", "update"]

# What binary16 leaves of the parameters, all other choices being those of fixed point.
HALF: dict[str, Any] = {"bits": 16, "fraction": 10, "serial": 16, "rounding": "rne"}
HALF |= {"update": "exact", "residue": None}


class Shares(NamedTuple):
    """Cycles of a step's phases."""

    forward: int
    backward: int
    update: int


class Pass(NamedTuple):
    """One product of a step: of a layer's weights with a vector, or of two vectors.

    Attributes
    ----------
    phase, layer
        What is done, and for which layer, 1 .. L.
    last
        The pass gives the network's outputs, or is the last one of its phase.
    length
        Operands that are broadcast, one after the other, the last first.
    outputs
        Results, P at a time: sums, or for an update the weights of an operand.
    operands, results
        Addresses of the first operand, and of the first result; for an update ``results`` is where
        the other vector is.
    tile, stride, back
        Number of the first group's first tile; tiles from a group to the next one; tiles from one
        block of P operands to the block before.
    """

    phase: Phase
    layer: int
    last: bool
    length: int
    outputs: int
    operands: int
    results: int
    tile: int
    stride: int
    back: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the training unit.

    Parameters
    ----------
    sizes
        Inputs, neurons of the hidden layers, outputs: two sizes or more, each 1..4096.
    bits
        B, bits of every weight, activation and gradient, two's complement, 2..16.
    fraction
        F, how many of them are behind the point, below B.
    pes
        P, processing elements, 1..256.
    serial
        U, bits of the broadcast operand that an element multiplies in a cycle, 1..B.
    rounding
        Of everything that is shifted right: ``floor``, ``zero`` (toward it), ``rne`` (to the
        nearest, ties to even) or ``stochastic``.
    rate_log2
        h, the learning rate is 2^-h, 0..16.
    update
        ``exact``: products, as the other passes. ``essop``: stochastic streams, a product per
        element and cycle.
    stream_bits
        BL, bits of a stream, a power of two in 1..256 and at most 2^(B-1). Only for ``essop``.
    residue
        L, bits of a weight below its level, in which small updates add up, 1..16 and at most
        F + h; None for none.
    seed
        First state of the shift registers of 16 bits, not 0.
    numbers
        ``fixed``: integers with F bits behind the point. ``fp16``: binary16, where B and U are 16,
        F is 10, rounding ``rne``, updates are exact and there is no residue.
    """

    block_name: ClassVar[str] = "sgd"

    sizes: tuple[int, ...] = (6, 5, 3)
    bits: int = 8
    fraction: int = 6
    pes: int = 4
    serial: int = 1
    rounding: Rounding = "rne"
    rate_log2: int = 4
    update: Literal["exact", "essop"] = "exact"
    stream_bits: int = 8
    residue: int | None = 4
    seed: int = 0xACE1
    numbers: Literal["fixed", "fp16"] = "fixed"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {},
        "parallel": {"serial": 8, "residue": None, "rounding": "stochastic"},
        "essop": {"update": "essop"},
        "digits": {"sizes": (64, 32, 10), "pes": 8},
        "fp16": {"numbers": "fp16", **HALF},
    }

    def validate(self) -> None:
        """Check the ranges."""
        legal = len(self.sizes) >= 2 and all(1 <= size <= 4096 for size in self.sizes)
        self.check("sizes", legal, "two numbers or more in 1..4096")
        self.check_choice("numbers")
        if self.numbers == "fp16":
            for name, only in HALF.items():
                self.check(name, getattr(self, name) == only, f"{only!r} where numbers is 'fp16'")
        self.check_range("bits", 2, 16)
        self.check_range("fraction", 0, self.bits - 1)
        self.check_range("pes", 1, 256)
        self.check_range("serial", 1, self.bits)
        self.check_choice("rounding")
        self.check_range("rate_log2", 0, 16)
        self.check_choice("update")
        power = self.stream_bits > 0 and self.stream_bits & (self.stream_bits - 1) == 0
        self.check("stream_bits", power and self.stream_bits <= 256, "a power of two in 1..256")
        if self.update == "essop":
            rule = f"at most 2^(bits - 1) = {1 << self.width}"
            self.check("stream_bits", self.stream_bits <= 1 << self.width, rule)
        if self.residue is not None:
            self.check_range("residue", 1, 16)
            rule = f"at most fraction + rate_log2 = {self.fraction + self.rate_log2}"
            self.check("residue", self.residue <= self.fraction + self.rate_log2, rule)
        self.check_range("seed", 1, (1 << 16) - 1)

    @property
    def layers(self) -> int:
        """Layers of weights."""
        return len(self.sizes) - 1

    @property
    def low_bits(self) -> int:
        """Bits of a residue, 0 if there is none."""
        return self.residue or 0

    @property
    def weight_bits(self) -> int:
        """Bits of a weight with its residue."""
        return self.bits + self.low_bits

    @property
    def shift(self) -> int:
        """By how much an update's product is shifted right: F + h - L."""
        return self.fraction + self.rate_log2 - self.low_bits

    @property
    def width(self) -> int:
        """Bits W of a magnitude of streams, without sign: B - 1."""
        return self.bits - 1

    @property
    def slices(self) -> int:
        """Cycles of a product: ceil(B / U)."""
        return -(-self.bits // self.serial)

    @property
    def stages(self) -> int:
        """Registers between an operand and its product: none, or those of an FP16 multiplier."""
        return 3 if self.numbers == "fp16" else 0

    @property
    def sum_bits(self) -> int:
        """Bits of a sum of products: as many as hold every one, or those of a rounded number."""
        if self.numbers == "fp16":
            return self.bits
        return (max(self.sizes) << (2 * self.bits - 2)).bit_length() + 1

    @property
    def weights(self) -> int:
        """Number of weights."""
        return sum(a * b for a, b in itertools.pairwise(self.sizes))

    def groups(self, layer: int) -> int:
        """Return the groups of P that the values of a layer make; layer 0 is the input."""
        return -(-self.sizes[layer] // self.pes)

    def tile(self, layer: int) -> int:
        """Return the number of a layer's first tile of P x P weights.

        Tiles of a layer are numbered by groups of outputs, within one by groups of inputs.
        """
        return sum(self.groups(k - 1) * self.groups(k) for k in range(1, layer))

    @property
    def tiles(self) -> int:
        """Tiles of all layers: each takes P words of every bank."""
        return self.tile(self.layers + 1)

    def activation(self, layer: int) -> int:
        """Return the address of a layer's first activation; those of layer 0 are the inputs."""
        return sum(self.sizes[:layer])

    def gradient(self, layer: int) -> int:
        """Return the address of the first gradient of a layer 1 .. L; for L it is the target's."""
        return sum(self.sizes[:-1]) + sum(self.sizes[1:layer])

    @property
    def values(self) -> int:
        """Words of the memory of activations and gradients."""
        return self.gradient(self.layers + 1)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """Passes of a step in their order: all forward, the hidden gradients, all updates."""
        return (
            *(self._by_rows("forward", layer) for layer in range(1, self.layers + 1)),
            *(self._by_columns(layer) for layer in range(self.layers, 1, -1)),
            *(self._by_rows("update", layer) for layer in range(1, self.layers + 1)),
        )

    def _by_rows(self, phase: Phase, layer: int) -> Pass:
        """Return a pass over the rows of a layer's weights, one per input."""
        last, length, inward = layer == self.layers, self.sizes[layer - 1], self.groups(layer - 1)
        forward = self.gradient(layer) if last else self.activation(layer)
        return Pass(
            phase=phase,
            layer=layer,
            last=last,
            length=length,
            outputs=self.sizes[layer],
            operands=self.activation(layer - 1),
            results=forward if phase == "forward" else self.gradient(layer),
            tile=self.tile(layer) + inward - 1,
            stride=inward,
            back=1,
        )

    def _by_columns(self, layer: int) -> Pass:
        """Return the pass that gives the gradients of the layer before, a column per output."""
        inward = self.groups(layer - 1)
        return Pass(
            phase="backward",
            layer=layer,
            last=layer == 2,
            length=self.sizes[layer],
            outputs=self.sizes[layer - 1],
            operands=self.gradient(layer),
            results=self.gradient(layer - 1),
            tile=self.tile(layer) + (self.groups(layer) - 1) * inward,
            stride=1,
            back=inward,
        )

    @property
    def frame(self) -> int:
        """Words of a frame to learn from: inputs and targets."""
        return self.sizes[0] + self.sizes[-1]

    def shares(self, moves: bool = True) -> "Shares":
        """Return the cycles of a step's phases: of multiplying, and of what moves if asked for.

        Besides multiplying, a group of P results begins in one cycle, fills a pipeline of two, or
        of three stages more with FP16 multipliers, and leaves it in one; its results move one per
        cycle, or for an update the P gradients in.
        """
        total = dict.fromkeys(Shares._fields, 0)
        for one in self.passes:
            drawn = one.phase == "update" and self.update == "essop"
            groups = -(-one.outputs // self.pes)
            total[one.phase] += groups * one.length * (1 if drawn else self.slices)
            if moves:
                moved = groups * self.pes if one.phase == "update" else one.outputs
                total[one.phase] += (4 + self.stages) * groups + moved
        return Shares(**total)

    @property
    def latency(self) -> int:
        """Cycles from the first word of a frame to the last output, inclusive, without stalls."""
        return self.frame + self.shares().forward

    @property
    def interval(self) -> int:
        """Cycles between the first words of two frames, without stalls."""
        return self.frame + sum(self.shares())

    def cycles(self, n: int) -> int:
        """Cycles from the first word of ``n`` frames to the last one's last output, inclusive."""
        return (n - 1) * self.interval + self.latency
