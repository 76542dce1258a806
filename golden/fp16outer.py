"""Outer product by FP16 multipliers, one per weight: what ESSOP's array would replace.

Operands come as for :mod:`nomul.golden.essop`, are converted to binary16 without rounding, and are
multiplied as :mod:`nomul.golden.fp16mul` does. Same streams and same array, so that either unit can
stand in the other's place.
"""

import dataclasses
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import bitstream, essop, fp16mul
from nomul.golden.arrays import Ints


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(essop.Config):
    """Parameters of the unit; array and width are ESSOP's.

    Parameters
    ----------
    mode
        ``ieee`` for gradual underflow, ``ftz`` for flush to zero.
    stream_bits
        4: cycles of a pair, in which its product goes through the multiplier's stages.
    source
        Nothing is random here; the default has no register. With one, ``seed`` is there as in the
        other units.
    """

    block_name: ClassVar[str] = "fp16outer"

    mode: fp16mul.Mode = "ieee"
    stream_bits: int = 4
    source: bitstream.Source = "vdc"
    cell: Literal["fp16"] = "fp16"  # type: ignore[assignment]  # none of ESSOP's

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "ieee": {"rows": 4, "cols": 4},
        "ftz": {"rows": 4, "cols": 4, "mode": "ftz"},
    }

    def validate(self) -> None:
        """Check what differs from ESSOP."""
        super().validate()
        self.check_choice("mode")
        self.check_range("width", 2, fp16mul.FRACTION)
        self.check("stream_bits", self.stream_bits == 4, "4: cycles of a multiplication")
        self.check("bits_per_cycle", self.bits_per_cycle == 1, "1: nothing is drawn")
        self.check("row_levels", self.row_levels is None, "absent: nothing is drawn")
        self.check("sng", self.sng == "comparator", "comparator: nothing is drawn")
        self.check("share", self.share == "pair", "pair: nothing is drawn")
        self.check("accumulate", self.accumulate is None, "absent: products are floating-point")

    @property
    def lane_bits(self) -> int:
        """Bits that a lane sends to its cells: a binary16 magnitude."""
        return 15

    @property
    def count_bits(self) -> int:
        """Bits of a product's magnitude."""
        return 15

    @property
    def y_bits(self) -> int:
        """Bits of a product, sign included."""
        return 16


def encoded(cfg: Config, operand: ArrayLike) -> NDArray[np.uint16]:
    """Return the binary16 patterns of magnitudes: X stands for X 2**(1-W), which is exact."""
    magnitude = np.minimum(np.asarray(operand, dtype=np.int64), 1 << cfg.width)
    return np.ldexp(magnitude.astype(np.float16), 1 - cfg.width).view(np.uint16)


def ideal(x: ArrayLike, d: ArrayLike) -> NDArray[np.float64]:
    """Return the exact outer product x d^T, float64[M, N]."""
    return essop.ideal(x, d)


def model(
    cfg: Config,
    x: ArrayLike,
    sx: ArrayLike,
    d: ArrayLike,
    sd: ArrayLike,
    n_vectors_before: int = 0,
    *,
    e_x: ArrayLike | None = None,
    e_d: ArrayLike | None = None,
) -> Ints:
    """Return the products of V pairs; arguments as for :func:`nomul.golden.essop.model`.

    Products are binary16 patterns read as signed integers of 16 bits; :func:`values` tells what
    they stand for, in units of 2**(e_x + e_d - 2) as a count of four bits has. Zero has the sign of
    its product, as IEEE 754 says. ``n_vectors_before`` changes nothing.

    Returns
    -------
    int64[V, M, N]
    """
    x, sx = essop.operand("x", x, "sx", sx, cfg.rows)
    d, sd = essop.operand("d", d, "sd", sd, cfg.cols)
    a = encoded(cfg, x) | (sx << 15).astype(np.uint16)
    b = encoded(cfg, d) | (sd << 15).astype(np.uint16)
    y = fp16mul.model(fp16mul.Config(mode=cfg.mode), a[:, :, None], b[:, None, :])
    return y.view(np.int16).astype(np.int64)


def values(y: ArrayLike) -> NDArray[np.float64]:
    """Return the values of results, in units of 2**(e_x + e_d - 2)."""
    return fp16mul.decode(np.asarray(y, dtype=np.int64).astype(np.uint16))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return the stimuli of ESSOP, and last a pair of small operands: subnormal if W allows it."""
    pairs = essop.stimuli(cfg, rng, n_vectors)
    pairs["x"][-1], pairs["d"][-1] = 1 + np.arange(cfg.rows) % 3, 1 + np.arange(cfg.cols) % 3
    return pairs
