"""Power-of-two operand scaler: integers in, W-bit magnitudes and a block exponent out.

The front end of ESSOP (arXiv 2003.11256): its abstract replaces floating-point scaling by bit
shifts; this two-pass organisation is our reconstruction.
"""

import dataclasses
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config, lfsr
from nomul.golden.arrays import Ints, integers

Rounding = Literal["floor", "stochastic"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

# The register of stochastic truncation: one state per element, enough bits for any shift.
LFSR_WIDTH = 32
SEED = 0x1D0F_ACE1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of the scaler.

    Parameters
    ----------
    bits
        B, bits of a two's-complement input, 2..32.
    width
        W, bits of a magnitude, 1..16.
    length
        Longest vector, 2..4096.
    rounding
        ``floor``, or ``stochastic``: add a random number below one unit before the right shift.
    """

    block_name: ClassVar[str] = "pow2"

    bits: int = 16
    width: int = 8
    length: int = 64
    rounding: Rounding = "floor"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"length": 8},
        "stochastic": {"length": 16, "rounding": "stochastic"},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("bits", 2, 32)
        self.check_range("width", 1, 16)
        self.check_range("length", 2, 4096)
        self.check_choice("rounding")

    @property
    def exponent_bits(self) -> int:
        """Bits of an exponent 0 .. B."""
        return self.bits.bit_length()

    @property
    def latency(self) -> int:
        """Cycles from a vector's last element to its first magnitude."""
        return 2

    def cycles(self, n: int) -> int:
        """Cycles from the first element in to the last magnitude out, inclusive, without stalls.

        ``n`` elements in all, however they are cut into vectors: each is read, then sent.
        """
        return 2 * n * self.interval + self.latency - 1


class Scaled(NamedTuple):
    """Magnitudes int64[V, n] below 2**W, signs int64[V, n], exponents int64[V]."""

    magnitude: Ints
    sign: Ints
    exponent: Ints


def ideal(v: ArrayLike) -> NDArray[np.float64]:
    """Return v 2**-e in (-1, 1], e the block exponent of each row of v[V, n]."""
    v = np.asarray(v, dtype=np.float64)
    return np.ldexp(v, -exponents(np.abs(v).astype(np.int64))[:, None])


def exponents(magnitude: Ints) -> Ints:
    """Return e = msb + 1 of the OR of each row's magnitudes, 0 for a row of zeros: int64[V]."""
    joined = np.bitwise_or.reduce(magnitude, axis=1)
    _, exponent = np.frexp(joined.astype(np.float64))
    return exponent.astype(np.int64)


def model(cfg: Config, v: ArrayLike, elements_before: int = 0) -> Scaled:
    """Return what the hardware makes of vectors v[V, n] of B-bit integers.

    m = |v| >> (e - W), or << where e < W; stochastic truncation adds rho in [0, 2**(e - W)) first
    and clips at 2**W - 1.

    Raises
    ------
    ValueError
        A value does not fit B bits, or a vector is longer than ``length``.
    """
    v = integers("v", v)
    if v.ndim != 2 or not 1 <= v.shape[1] <= cfg.length:
        raise ValueError(f"v must be of shape [V, 1..{cfg.length}], not {list(v.shape)}")
    half = 1 << (cfg.bits - 1)
    if ((v < -half) | (v >= half)).any():
        raise ValueError(f"v must hold integers of {cfg.bits} bits")
    magnitude = np.abs(v)
    exponent = exponents(magnitude)
    right = np.maximum(exponent - cfg.width, 0)[:, None]
    left = np.maximum(cfg.width - exponent, 0)[:, None]
    rho = np.zeros_like(v)
    if cfg.rounding == "stochastic":
        words = rounding_words(v.size, elements_before).reshape(v.shape)
        rho = words & ((1 << right) - 1)
    scaled = np.minimum(((magnitude + rho) >> right) << left, (1 << cfg.width) - 1)
    return Scaled(scaled, (v < 0).astype(np.int64), exponent)


def rounding_words(n: int, before: int = 0) -> Ints:
    """Return the words of stochastic truncation, one per element sent, int64[n]."""
    cfg = lfsr.Config(width=LFSR_WIDTH, seed=SEED, leap=LFSR_WIDTH - 1)
    return lfsr.model(cfg, n, before)


def vectors(cfg: Config, rng: np.random.Generator) -> list[Ints]:
    """Return vectors of various lengths: zeros, extremes, single bits, every block exponent."""
    half = 1 << (cfg.bits - 1)
    some = [
        np.zeros(cfg.length, dtype=np.int64),
        np.array([-half]),
        np.array([half - 1, -half + 1])[: cfg.length],
        np.array([1]),
    ]
    for bit in range(cfg.bits):
        n = int(rng.integers(1, cfg.length + 1))
        some.append(rng.integers(-(1 << bit), max(1, (1 << bit) - 1), n))
    return some


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, Ints]:
    """Return ``v`` int64[V, length]: :func:`vectors`, the short ones filled up with zeros."""
    some = vectors(cfg, rng)
    v = np.zeros((len(some), cfg.length), dtype=np.int64)
    for row, vector in zip(v, some, strict=True):
        row[: len(vector)] = vector
    return {"v": v}
