"""Plane: all M x N products of a pair of vectors in every cycle, without read-out.

What area and energy per product are compared on: an outer-product unit at one product per cell and
cycle, lanes and random sources included, with nothing around it that the candidates share.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import config, essop, intouter
from nomul.golden.essop import Ints

PRODUCTS = ("popcount", "prefix", "multiply")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a plane.

    Parameters
    ----------
    rows, cols
        M and N; all products leave as one word, so M N bits-of-a-product is at most 65,000.
    width
        W, bits of an operand's magnitude.
    product
        ``popcount``: U = BL ANDs and an adder tree per cell. ``prefix``: the columns' running
        counts, selected by the rows. ``multiply``: integers of ``bits`` bits, rounded at random.
    stream_bits
        BL, of ``popcount`` and ``prefix``.
    bits
        k, of ``multiply``.
    source
        Of the random words; ``prefix`` needs a counted one.
    """

    rows: int = 32
    cols: int = 32
    width: int = 8
    product: str = "prefix"
    stream_bits: int = 8
    bits: int = 4
    source: str = "vdc_xor"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "popcount": {"rows": 4, "cols": 4, "product": "popcount"},
        "int4": {"rows": 4, "cols": 4, "product": "multiply", "source": "lfsr"},
    }

    def validate(self) -> None:
        """Check what the units do not check themselves."""
        self.check_choice("product", PRODUCTS)
        unit = self.unit  # raises for what a unit cannot do
        if self.product == "prefix":
            self.check("source", unit.counted, "a counted one for product 'prefix'")
        size = self.rows * self.cols * unit.count_bits
        self.check("rows", size <= 65_000, "small enough for all products to leave as one word")

    @property
    def unit(self) -> essop.Config:
        """Configuration of the unit that computes the same products, row by row."""
        shape: dict[str, Any] = {
            "rows": self.rows,
            "cols": self.cols,
            "width": self.width,
            "source": self.source,
        }
        if self.product == "multiply":
            return intouter.Config(**shape, bits=self.bits)
        shape |= {"stream_bits": self.stream_bits, "bits_per_cycle": self.stream_bits}
        return essop.Config(**shape, cell="popcount")

    @property
    def latency(self) -> int:
        """Cycles from a pair to its products."""
        return 2

    @property
    def interval(self) -> int:
        """Cycles between two pairs."""
        return 1

    def cycles(self, n: int) -> int:
        """Cycles from the first of ``n`` pairs to the last products, inclusive, without stalls."""
        return n * self.interval + self.latency


def ideal(x: ArrayLike, d: ArrayLike) -> essop.Floats:
    """Return the exact outer product x d^T, float64[M, N]."""
    return essop.ideal(x, d)


def model(
    cfg: Config,
    x: ArrayLike,
    sx: ArrayLike,
    d: ArrayLike,
    sd: ArrayLike,
    n_vectors_before: int = 0,
) -> Ints:
    """Return the signed products int64[V, M, N]; see the unit's own model."""
    unit = cfg.unit
    if isinstance(unit, intouter.Config):
        return intouter.model(unit, x, sx, d, sd, n_vectors_before)
    return essop.model(unit, x, sx, d, sd, n_vectors_before)


def full_scale(cfg: Config) -> int:
    """Return the product of two operands at full scale: BL, or levels**2."""
    unit = cfg.unit
    return unit.levels**2 if isinstance(unit, intouter.Config) else unit.stream_bits


def relative_error(cfg: Config, pairs: dict[str, Ints]) -> float:
    """Return the pooled relative RMSE of the products of V pairs.

    sqrt(sum (y / full scale - t)^2 / sum t^2), t the product of the signed magnitudes / 4**W.
    """
    y = model(cfg, pairs["x"], pairs["sx"], pairs["d"], pairs["sd"]) / full_scale(cfg)
    left = pairs["x"] * (1 - 2 * pairs["sx"]) / 2**cfg.width
    right = pairs["d"] * (1 - 2 * pairs["sd"]) / 2**cfg.width
    exact = left[:, :, None] * right[:, None, :]
    return float(np.sqrt(((y - exact) ** 2).sum() / (exact**2).sum()))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return the stimuli of ESSOP."""
    return essop.stimuli(cfg.unit, rng, n_vectors)
