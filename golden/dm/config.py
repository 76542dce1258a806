"""Parameters of a layer whose weights are drawn anew for every sample."""

import dataclasses
import math
from functools import cached_property
from typing import Any, ClassVar, Literal

from nomul.golden import config, lfsr

Noise = Literal["popcount", "sign"]
Method = Literal["memorised", "direct"]
ROOTS = {4: 2, 16: 4}  # of the numbers of bits that noise of two points takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a Bayesian layer: W = mu + sigma H, with H drawn for every weight and sample.

    Parameters
    ----------
    inputs, outputs
        K and C, size of the layer, 1..1024 each.
    samples
        T, samples of every vector's result, 0..1024; with 0 a vector gives only its end.
    noise
        ``popcount``: H is the number of ones among n bits, less n / 2, added bit by bit.
        ``sign``: H is +-sqrt(n) / 2, of the same mean and variance, added at once.
    bits
        n, bits of a number H, 1..32; 4 or 16 with ``sign``.
    seed
        State of the shift register after reset, not 0.
    lfsr_width
        Bits of the shift register, 8..32, at least n.
    leap
        Steps of the register from one number to the next, at least n, so that none is seen twice;
        0 for n. At most 4096.
    mu_bits, sigma_bits, act_bits
        Bits of a mean, two's complement, of a standard deviation, unsigned, and of an activation,
        two's complement; 1..16 each. The deviation of a weight is sigma sqrt(n) / 2.
    result_bits
        Bits of a result, in halves, two's complement; larger ones are cut and counted. 0 for as
        many as the largest needs.
    method
        ``memorised``: products of mu and of sigma with a vector are kept for all samples.
        ``direct``: every sample draws weights and multiplies them, the baseline.
    """

    block_name: ClassVar[str] = "dm"

    inputs: int = 8
    outputs: int = 4
    samples: int = 4
    noise: Noise = "popcount"
    bits: int = 16
    seed: int = 1
    lfsr_width: int = 32
    leap: int = 0
    mu_bits: int = 8
    sigma_bits: int = 4
    act_bits: int = 8
    result_bits: int = 0
    method: Method = "memorised"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"inputs": 5, "outputs": 3, "samples": 3, "bits": 4, "lfsr_width": 16},
        "sign": {"noise": "sign", "samples": 8},
        "direct": {"noise": "sign", "samples": 8, "method": "direct"},
        "cut": {"inputs": 6, "outputs": 2, "bits": 8, "result_bits": 10},
    }

    def validate(self) -> None:
        """Check the ranges, and fill in the leap."""
        self.check_range("inputs", 1, 1024)
        self.check_range("outputs", 1, 1024)
        self.check_range("samples", 0, 1024)
        self.check_choice("noise")
        self.check_choice("method")
        self.check_range("bits", 1, 32)
        if self.noise == "sign":
            self.check("bits", self.bits in ROOTS, "4 or 16 with noise 'sign'")
        self.check_range("lfsr_width", max(8, self.bits), 32)
        self.check_range("seed", 1, (1 << self.lfsr_width) - 1)
        if not self.leap:
            object.__setattr__(self, "leap", self.bits)
        self.check_range("leap", self.bits, 4096)
        for name in ("mu_bits", "sigma_bits", "act_bits"):
            self.check_range(name, 1, 16)
        self.check(
            "result_bits", self.result_bits == 0 or 2 <= self.result_bits <= 63, "0 or 2..63"
        )

    @cached_property
    def step(self) -> lfsr.Matrix:
        """From one number's state to the next."""
        return lfsr.leap_matrix(self.lfsr_width, lfsr.TAPS[self.lfsr_width], self.leap)

    @property
    def passes(self) -> int:
        """Additions of one number H: n of single bits, or one."""
        return self.bits if self.noise == "popcount" else 1

    @property
    def largest_noise(self) -> int:
        """Largest magnitude of 2 H."""
        return self.bits if self.noise == "popcount" else ROOTS[self.bits]

    @property
    def beta_bits(self) -> int:
        """Bits of beta = sigma x, two's complement."""
        return self.sigma_bits + self.act_bits

    @property
    def sum_bits(self) -> int:
        """Bits of 2 y before it is cut, two's complement."""
        act = 1 << (self.act_bits - 1)
        mean = 2 * act << (self.mu_bits - 1)
        drawn = self.largest_noise * act * ((1 << self.sigma_bits) - 1)
        return math.ceil(math.log2(self.inputs * (mean + drawn) + 1)) + 1

    @property
    def y_bits(self) -> int:
        """Bits of 2 y as it leaves, two's complement."""
        return self.result_bits or self.sum_bits

    @property
    def weights(self) -> int:
        """Weights of the layer."""
        return self.inputs * self.outputs

    @property
    def multiplications(self) -> float:
        """Multiplications per weight and vector: of mu, sigma and H, or directly 2 T."""
        return 2.0 * self.samples if self.method == "direct" else self.samples + 2.0

    @property
    def drain(self) -> int:
        """Cycles from the last addition, or draw, to the last sample."""
        if not self.samples:
            return 1
        return 5 if self.method == "direct" else 3

    @property
    def latency(self) -> int:
        """Cycles from a vector's first activation to its last result."""
        return self.interval + self.drain

    @property
    def interval(self) -> int:
        """Cycles from a vector to the next."""
        if not self.samples:
            return self.inputs + 1
        row = self.samples * self.inputs
        if self.method == "memorised":
            row = self.inputs + 2 + row * self.passes
        return self.inputs + self.outputs * row

    def cycles(self, n: int) -> int:
        """Cycles for n vectors, first activation in to last result out, both included."""
        return n * self.interval + self.drain
