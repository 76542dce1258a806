"""Parameters of the accelerator for sparse vector dot products."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import compactor, config


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of the accelerator.

    Parameters
    ----------
    act_bits, level_bits, code_bits
        Bits of a signed activation, of a signed level of the codebook, and of a weight's code.
    conv_lanes, fc_lanes
        n and m, elements per dot product of a CONV and of an FC unit.
    conv_units, fc_units
        N and K, units of each kind.
    compactor_width
        P, elements per beat into the zero compactors.
    adc_bits, adc_shift
        Partial sums are rounded to even to a multiple of 2**adc_shift and saturate at adc_bits;
        None is exact.
    conv_resolution, fc_resolution
        Bits of an operand that wavelength crosstalk leaves; None: all of them.
    batchnorm_bits
        Bits of a signed batch-norm scale.
    max_length
        Longest vector or unrolled kernel.
    acc_bits
        Bits of the accumulators; None takes what ``max_length`` needs.
    address_bits
        Bits of an image address and of the counts of rows, kernels and windows of a task.
    """

    block_name: ClassVar[str] = "sonic"

    act_bits: int = 16
    level_bits: int = 16
    code_bits: int = 6
    conv_lanes: int = 5
    fc_lanes: int = 50
    conv_units: int = 50
    fc_units: int = 10
    compactor_width: int = 8
    adc_bits: int | None = None
    adc_shift: int = 0
    conv_resolution: int | None = None
    fc_resolution: int | None = None
    batchnorm_bits: int = 16
    max_length: int = 4096
    acc_bits: int | None = None
    address_bits: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {
            "act_bits": 8,
            "level_bits": 8,
            "code_bits": 4,
            "conv_lanes": 3,
            "fc_lanes": 6,
            "conv_units": 4,
            "fc_units": 3,
            "compactor_width": 4,
            "batchnorm_bits": 8,
            "max_length": 128,
            "address_bits": 10,
        },
        "paper": {},
    }

    def validate(self) -> None:
        """Check the ranges, and that no accumulator can wrap."""
        for name, most in (("act_bits", 16), ("level_bits", 16), ("batchnorm_bits", 18)):
            self.check_range(name, 2, most)
        self.check_range("code_bits", 1, 10)
        self.check(
            "code_bits", self.code_bits <= self.level_bits, f"at most level_bits {self.level_bits}"
        )
        for name in ("conv_lanes", "fc_lanes", "conv_units", "fc_units"):
            self.check_range(name, 1, 256)
        self.check_range("compactor_width", 1, 64)
        if self.adc_bits is not None:
            self.check_range("adc_bits", 2, 24)
        self.check_range("adc_shift", 0, 40)
        for name in ("conv_resolution", "fc_resolution"):
            if getattr(self, name) is not None:
                self.check_range(name, 2, 16)
        self.check_range("max_length", 1, 65536)
        self.check_range("address_bits", 1, 24)
        if self.acc_bits is not None:
            self.check_range("acc_bits", self.needed_bits, 48)
        self.check(
            "batchnorm_bits",
            self.sum_bits + self.batchnorm_bits <= 62,
            f"at most 62 less the accumulator's {self.sum_bits} bits",
        )

    @property
    def needed_bits(self) -> int:
        """Bits of an accumulator that holds the sum of ``max_length`` products, whatever they are.

        With an ADC, that of as many conversions as the unit with fewer lanes needs.
        """
        if self.adc_bits is None:
            return self.act_bits + self.level_bits + (self.max_length - 1).bit_length()
        passes = -(-self.max_length // min(self.conv_lanes, self.fc_lanes))
        return self.adc_bits + (passes - 1).bit_length()

    @property
    def sum_bits(self) -> int:
        """Bits of an accumulator."""
        return self.acc_bits or self.needed_bits

    @property
    def bias_bits(self) -> int:
        """Bits of a batch-norm bias, which is added to y times scale."""
        return self.sum_bits + self.batchnorm_bits

    def lanes(self, kind: str) -> int:
        """Return n or m, for ``conv`` or ``fc``."""
        return {"conv": self.conv_lanes, "fc": self.fc_lanes}[kind]

    def units(self, kind: str) -> int:
        """Return N or K, for ``conv`` or ``fc``."""
        return {"conv": self.conv_units, "fc": self.fc_units}[kind]

    def resolution(self, kind: str) -> int | None:
        """Return the bits of an operand that crosstalk leaves, for ``conv`` or ``fc``."""
        return {"conv": self.conv_resolution, "fc": self.fc_resolution}[kind]

    @property
    def latency(self) -> int:
        """Cycles beside compaction and rounds, with a memory that answers in the next cycle.

        Two in the compactor, one to store the last chunk, one to start, one to fetch, and six in
        the units: operands, products, sum, conversion, batch norm, pooling.
        """
        return 11

    @property
    def interval(self) -> int:
        """II, cycles between two rounds."""
        return 1

    def cycles(self, n: int, beats: int = 1, vectors: int = 1) -> int:
        """Cycles of a task: from the first beat of its first vector to its last result, inclusive.

        Without stalls, and with a memory that answers in the cycle after it was asked.

        Parameters
        ----------
        n
            Rounds; an all-zero vector takes as many as one with a single chunk.
        beats
            Beats in of all vectors, ceil(J / P) each, and the waits of the compactor: see
            :meth:`beats`.
        vectors
            Kernels of a convolution; 1 for a fully connected layer.
        """
        between = self.latency - 6  # the units empty while the next kernel comes in
        return beats + n * self.interval + (vectors - 1) * between + self.latency

    def beats(self, kind: str, vectors: ArrayLike) -> int:
        """Return the cycles that compaction of vectors [V, J] (activations, or levels) takes.

        ceil(J / P) each where L is at least P and the last beat does not fill two chunks.
        """
        packer = compactor.Config(
            width=self.compactor_width,
            lanes=self.lanes(kind),
            max_length=self.max_length,
        )
        return sum(compactor.slots(packer, vector != 0) for vector in np.atleast_2d(vectors))
