"""Parameters of a core with matrix-vector units."""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar

from nomul.golden import bitplanes, config

POINT = 12  # bits behind the point of a word of 16
FETCH = 2  # cycles from an instruction's address to its work
ADDRESS_BITS = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a core: matrix-vector units, registers, memories of data and of program.

    Parameters
    ----------
    inputs, outputs
        Rows and columns of a unit's matrix, 1..128 each.
    weight_bits, act_bits
        Bits of a weight and of an activation, 2..16; weights are stored with 2^(bits-1) added.
    slice_bits
        Bits of a weight that a cell holds, read at once, 1..8.
    adc_bits
        A column's read is clipped at 2^adc - 1; None never clips.
    units
        Matrices that the core holds, 1..8.
    registers
        General registers, 1..4096, behind a unit's inputs and outputs.
    words, program_words
        Words of the memories of data and of program, 1..65536 and 1..4096.
    """

    block_name: ClassVar[str] = "mvmu"

    inputs: int = 128
    outputs: int = 128
    weight_bits: int = 16
    act_bits: int = 16
    slice_bits: int = 2
    adc_bits: int | None = None
    units: int = 2
    registers: int = 128
    words: int = 1024
    program_words: int = 64

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "inputs": 6,
            "outputs": 4,
            "registers": 12,
            "words": 64,
            "adc_bits": 4,
        },
        "digits": {"inputs": 64, "outputs": 16, "units": 3, "registers": 32},
        "paper": {},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("inputs", 1, 128)
        self.check_range("outputs", 1, 128)
        self.check_range("weight_bits", 2, 16)
        self.check_range("act_bits", 2, 16)
        self.check_range("slice_bits", 1, 8)
        if self.adc_bits is not None:
            self.check_range("adc_bits", 1, 16)
        self.check_range("units", 1, 8)
        self.check_range("registers", 1, 4096)
        self.check_range("words", 1, 1 << 16)
        self.check_range("program_words", 1, 4096)

    @cached_property
    def unit(self) -> bitplanes.Config:
        """What a unit computes: bit planes of unsigned weights, all rows at once."""
        return bitplanes.Config(
            inputs=self.inputs,
            outputs=self.outputs,
            lanes=self.inputs,
            act_planes=self.act_bits,
            weight_planes=self.weight_bits,
            weight_signed=False,
            slice_bits=self.slice_bits,
            adc_bits=self.adc_bits,
            encodings=("and",),
            rounding=False,
            checks=False,
        )

    @property
    def every_register(self) -> int:
        """Registers of all kinds: a unit's inputs, its outputs, general ones."""
        return self.inputs + self.outputs + self.registers

    @property
    def out(self) -> int:
        """Number of the first register with a unit's outputs."""
        return self.inputs

    @property
    def general(self) -> int:
        """Number of the first general register."""
        return self.inputs + self.outputs

    @property
    def product_cycles(self) -> int:
        """Cycles of a product: its inputs are gathered, multiplied, and its outputs written."""
        first = self.unit.cycles(1) - (self.unit.y_beats - 1)
        return self.inputs + 1 + first + self.outputs - 1

    @property
    def latency(self) -> int:
        """Cycles from a request to its answer while no program runs."""
        return 2

    @property
    def interval(self) -> int:
        """Cycles from one product to the next."""
        return FETCH + self.product_cycles

    def cycles(self, n: int) -> int:
        """Cycles of a program of n products alone, and its halt."""
        return n * self.interval + FETCH + 1
