"""Outer product by FP16 multipliers, one per weight: what ESSOP's array would replace.

Operands come as for :mod:`nomul.golden.essop`, are converted to binary16 without rounding, and are
multiplied as :mod:`nomul.golden.fp16mul` does. Same streams and same array, so that either unit can
stand in the other's place.
"""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import bitstream, fp16mul, outer
from nomul.golden.arrays import Ints

# Cycles of a pair, in which its product goes through the multiplier's three stages; a power of two.
BEATS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(outer.Unit):
    """Parameters of the unit.

    Parameters
    ----------
    rows, cols
        M and N, lanes on either side, 1..4096.
    width
        W, bits of a magnitude, 2..10.
    mode
        ``ieee`` for gradual underflow, ``ftz`` for flush to zero.
    source
        As in :class:`nomul.golden.bitstream.Sources`. Nothing is random here, and the default has
        no register. With one, ``seed`` is there as in the other units, and changes nothing.
    lfsr_width
        L, bits of a seed, where there is one.
    """

    block_name: ClassVar[str] = "fp16outer"

    rows: int = 16
    cols: int = 16
    width: int = 8
    mode: fp16mul.Mode = "ieee"
    source: bitstream.Source = "vdc"
    lfsr_width: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "ieee": {"rows": 4, "cols": 4},
        "ftz": {"rows": 4, "cols": 4, "mode": "ftz"},
    }

    def validate(self) -> None:
        """Check the multiplier's parameters; the array refuses what its sources cannot do."""
        self.check_range("width", 2, fp16mul.FRACTION)
        self.check_choice("mode")
        _ = self.array

    @cached_property
    def array(self) -> outer.Array:
        """The unit's array: a lane sends a magnitude of binary16, a cell multiplies two of them."""
        return outer.Array(
            words=self.part(bitstream.Config, stream_bits=BEATS), lane_bits=15, count_bits=15
        )


ideal = outer.ideal


def encoded(cfg: Config, operand: ArrayLike) -> NDArray[np.uint16]:
    """Return the binary16 patterns of magnitudes: X stands for X 2**(1-W), which is exact."""
    magnitude = np.minimum(np.asarray(operand, dtype=np.int64), 1 << cfg.width)
    return np.ldexp(magnitude.astype(np.float16), 1 - cfg.width).view(np.uint16)


@outer.Model
def model(cfg: Config, x: Ints, sx: Ints, d: Ints, sd: Ints, n_vectors_before: int) -> Ints:
    """Return the products of V pairs; arguments as for :func:`nomul.golden.essop.model`.

    Products are binary16 patterns read as signed integers of 16 bits; :func:`values` tells what
    they stand for, in units of 2**(e_x + e_d - 2) as a count of four bits has. Zero has the sign of
    its product, as IEEE 754 says. ``n_vectors_before`` changes nothing.

    Returns
    -------
    int64[V, M, N]
    """
    a = encoded(cfg, x) | (sx << 15).astype(np.uint16)
    b = encoded(cfg, d) | (sd << 15).astype(np.uint16)
    y = fp16mul.model(fp16mul.Config(mode=cfg.mode), a[:, :, None], b[:, None, :])
    return y.view(np.int16).astype(np.int64)


def values(y: ArrayLike) -> NDArray[np.float64]:
    """Return the values of results, in units of 2**(e_x + e_d - 2)."""
    return fp16mul.decode(np.asarray(y, dtype=np.int64).astype(np.uint16))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return the units' stimuli, and last a pair of small operands: subnormal if W allows it."""
    pairs = outer.stimuli(cfg, rng, n_vectors)
    pairs["x"][-1], pairs["d"][-1] = 1 + np.arange(cfg.rows) % 3, 1 + np.arange(cfg.cols) % 3
    return pairs
