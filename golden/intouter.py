"""Outer product by small integer multipliers: the honest alternative to stochastic bit streams.

Operands come as for :mod:`nomul.golden.essop`, are rounded at random to k bits, and are multiplied.
Same streams, same sources, same array, so either unit can stand in the other's place.
"""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import bitstream, outer
from nomul.golden.arrays import Ints

Rounding = Literal["stochastic", "nearest"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(outer.Accumulating, bitstream.Sources):
    """Parameters of the unit: its sources, of which a pair takes one word per side, and its cells.

    Parameters
    ----------
    bits
        k, bits of a rounded operand with its sign, 2..9. With 2 bits an operand is a sign and one
        random bit, which is ESSOP with streams of a single bit.
    rounding
        ``stochastic``: a random word per side and vector decides. ``nearest``: half up.
    """

    block_name: ClassVar[str] = "intouter"

    bits: int = 4
    rounding: Rounding = "stochastic"
    source: bitstream.Source = "lfsr"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "int2": {"rows": 4, "cols": 4, "bits": 2},
        "int3": {"rows": 4, "cols": 4, "bits": 3},
        "int4": {"rows": 4, "cols": 4, "bits": 4},
        "int8": {"rows": 4, "cols": 4, "bits": 8, "rounding": "nearest"},
    }

    def validate(self) -> None:
        """Check the multipliers after sources and accumulators."""
        super().validate()
        self.check_range("bits", 2, 9)
        self.check_choice("rounding")

    @property
    def levels(self) -> int:
        """Largest magnitude of a rounded operand, 2**(k-1) - 1."""
        return (1 << (self.bits - 1)) - 1

    @property
    def full_scale(self) -> int:
        """Product of two operands at full scale, levels**2."""
        return self.levels**2

    @cached_property
    def array(self) -> outer.Array:
        """The unit's array: a lane sends a rounded magnitude, a cell multiplies two of them."""
        return outer.Array(
            words=self.part(bitstream.Config, stream_bits=1),
            lane_bits=self.bits - 1,
            count_bits=self.full_scale.bit_length(),
            accumulators=self.accumulators,
        )


ideal = outer.ideal
stimuli = outer.stimuli


def rounded(cfg: Config, operand: ArrayLike, word: ArrayLike) -> Ints:
    """Return (X levels + r) >> W: X levels / 2**W rounded down after adding a random fraction.

    With r uniform in 0 .. 2**W - 1 the mean is X levels / 2**W exactly, for every X in 0 .. 2**W.
    """
    operand = np.minimum(np.asarray(operand, dtype=np.int64), 1 << cfg.width)
    return (operand * cfg.levels + np.asarray(word, dtype=np.int64)) >> cfg.width


def words(cfg: Config, n_vectors: int, before: int = 0) -> tuple[Ints, Ints]:
    """Return the words that round rows and columns: int64[V, 1], or int64[V, lanes]."""
    if cfg.rounding == "nearest":
        half = np.full((n_vectors, 1), 1 << (cfg.width - 1), dtype=np.int64)
        return half, half
    r, s = bitstream.words(cfg.array.words, n_vectors, before)
    return r[:, 0].reshape(n_vectors, -1), s[:, 0].reshape(n_vectors, -1)


@outer.Model
def model(cfg: Config, x: Ints, sx: Ints, d: Ints, sd: Ints, n_vectors_before: int) -> Ints:
    """Return the signed products of V pairs; arguments as for :func:`nomul.golden.essop.model`.

    A product y stands for y / levels**2 of the operands' full scale.

    Returns
    -------
    int64[V, M, N], each in -levels**2 .. levels**2
    """
    r, s = words(cfg, len(x), n_vectors_before)
    left = rounded(cfg, x, r) * (1 - 2 * sx)
    right = rounded(cfg, d, s) * (1 - 2 * sd)
    return left[:, :, None] * right[:, None, :]
