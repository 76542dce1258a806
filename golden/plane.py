"""Plane: all M x N products of a pair of vectors at once, without read-out.

What area and energy per product are compared on: an outer-product unit whose products leave
together, lanes and random sources included, with nothing around it that the candidates share.
"""

import dataclasses
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from nomul.golden import bitstream, config, essop, intouter, outer
from nomul.golden.arrays import Ints

Hold = Literal["gates", "enable"]
Product = Literal["popcount", "snapshot", "prefix", "multiply"]


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
        ``popcount``: U ANDs, an adder tree and a counter per cell. ``snapshot``: the columns count,
        a cell keeps its column's count when its row's ones end. ``prefix``: the columns' running
        counts, selected by the rows. ``multiply``: integers of ``bits`` bits, rounded at random.
    stream_bits
        BL; not of ``multiply``.
    bits_per_cycle
        U of ``popcount``; BL if absent. ``snapshot`` takes one bit per cycle, ``prefix`` all.
    row_levels
        R, see :class:`nomul.golden.bitstream.Config`: it makes the cells of ``prefix`` smaller.
    sng
        ``comparator`` or ``wbg``, of ``popcount``.
    bits
        k, of ``multiply``.
    rounding
        ``stochastic`` or ``nearest``, of ``multiply``.
    source
        Of the random words; ``snapshot`` and ``prefix`` need a counted one.
    registered
        Products leave from registers; else from the gates behind the lanes' registers.
    hold
        How registered products stay until they are taken: ``gates`` in front of the registers, or
        an ``enable``, which is smaller where clocks are gated.
    """

    block_name: ClassVar[str] = "plane"

    rows: int = 32
    cols: int = 32
    width: int = 8
    product: Product = "prefix"
    stream_bits: int = 8
    bits_per_cycle: int | None = None
    row_levels: int | None = None
    sng: bitstream.Generator = "comparator"
    bits: int = 4
    rounding: intouter.Rounding = "stochastic"
    source: str = "vdc_xor"
    registered: bool = True
    hold: Hold = "gates"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"rows": 4, "cols": 4},
        "repeated": {"rows": 4, "cols": 4, "row_levels": 4},
        "popcount": {"rows": 4, "cols": 4, "product": "popcount"},
        "serial": {"rows": 4, "cols": 4, "product": "popcount", "bits_per_cycle": 1},
        "snapshot": {"rows": 4, "cols": 4, "product": "snapshot"},
        "int4": {"rows": 4, "cols": 4, "product": "multiply", "source": "lfsr"},
        "paper": {"rows": 32, "cols": 32, "row_levels": 4},
    }

    def validate(self) -> None:
        """Check what the units do not check themselves."""
        self.check_choice("product")
        self.check_choice("sng")
        self.check_choice("hold")
        if self.product != "popcount":
            rule = f"absent for product {self.product!r}"
            self.check("bits_per_cycle", self.bits_per_cycle is None, rule)
            rule = f"comparator for product {self.product!r}"
            self.check("sng", self.sng == "comparator", rule)
        if self.product == "multiply":
            self.check("row_levels", self.row_levels is None, "absent for product 'multiply'")
        unit = self.unit  # raises for what a unit cannot do
        if self.product == "prefix":
            self.check("source", unit.counted, "a counted one for product 'prefix'")
        self.check("registered", self.registered or unit.array.beats == 1, "true where cells count")
        size = self.rows * self.cols * unit.array.count_bits
        self.check("rows", size <= 65_000, "small enough for all products to leave as one word")

    @cached_property
    def unit(self) -> essop.Config | intouter.Config:
        """Configuration of the unit that computes the same products, row by row."""
        if self.product == "multiply":
            return intouter.Config(**self._shape, bits=self.bits, rounding=self.rounding)
        streams = self._shape | {"stream_bits": self.stream_bits, "row_levels": self.row_levels}
        if self.product == "snapshot":
            return essop.Config(**streams, cell="snapshot")
        draws = self.bits_per_cycle or self.stream_bits
        return essop.Config(**streams, bits_per_cycle=draws, cell="popcount", sng=self.sng)

    @property
    def array(self) -> outer.Array:
        """Sources, lanes and cells of that unit."""
        return self.unit.array

    @property
    def _shape(self) -> dict[str, Any]:
        names = ("rows", "cols", "width", "source")
        return {name: getattr(self, name) for name in names}

    @property
    def latency(self) -> int:
        """Cycles from a pair's first to its products: its beats, and one for each register."""
        return self.array.beats + int(self.registered)

    @property
    def interval(self) -> int:
        """Cycles between two pairs."""
        return self.array.beats

    def cycles(self, n: int) -> int:
        """Cycles from the first of ``n`` pairs to the last products, inclusive, without stalls.

        A pair is taken in the last of its cycles.
        """
        return (n - 1) * self.interval + self.latency - self.array.beats + 2


ideal = outer.ideal


@outer.Model
def model(cfg: Config, x: Ints, sx: Ints, d: Ints, sd: Ints, n_vectors_before: int) -> Ints:
    """Return the signed products int64[V, M, N]; see the unit's own model."""
    if isinstance(cfg.unit, intouter.Config):
        return intouter.model(cfg.unit, x, sx, d, sd, n_vectors_before)
    return essop.model(cfg.unit, x, sx, d, sd, n_vectors_before)


def full_scale(cfg: Config) -> int:
    """Return the product of two operands at full scale: BL, or levels**2."""
    return cfg.unit.full_scale


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
    """Return the stimuli of all outer-product units."""
    return outer.stimuli(cfg.unit, rng, n_vectors)
