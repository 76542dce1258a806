"""Compressor trees: how ones are added with few look-up tables; the plan that hardware follows."""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import popcount
from nomul.golden.arrays import Floats, Ints

Adder = Literal["lut6", "carry", "plus"]
ADDERS: tuple[Adder, ...] = get_args(Adder)

# Below this many bits a carry-chain tree saves nothing over the mapper's own addition.
LEAST_FOR_CARRY = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(popcount.Config):
    """Parameters of a compressor tree.

    Parameters
    ----------
    width
        Bits to count, 1..4096.
    adder
        ``lut6``: 6:3 counters of three six-input tables each, then one carry chain. ``carry``: full
        adders up to seven bits, then carry chains whose carry-in takes a further bit. ``plus``: the
        mapper's own addition, the baseline.
    pipeline
        Registers after every so many levels of the tree; 0: none but the output's.
    """

    block_name: ClassVar[str] = "compressor"

    width: int = 64
    adder: Adder = "lut6"
    pipeline: int = 0

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"width": 13},
        "lut6": {"width": 64, "pipeline": 1},
        "carry": {"width": 100, "adder": "carry", "pipeline": 2},
        "plus": {"width": 64, "adder": "plus"},
    }

    def validate(self) -> None:
        """Check the ranges."""
        super().validate()
        self.check_choice("adder")
        self.check_range("pipeline", 0, 16)

    @property
    def levels(self) -> int:
        """Levels of the tree before the last addition."""
        return levels(self.width, self.adder)

    @property
    def latency(self) -> int:
        """Cycles from a word to its count."""
        return 1 + (self.levels // self.pipeline if self.pipeline else 0)


def counters(heights: list[int]) -> list[int]:
    """Return how many 6:3 counters a level puts on each column; none where all fit the chain."""
    if max(heights, default=0) <= 6:
        return [0] * len(heights)
    return [height // 6 for height in heights]


def compressed(heights: list[int]) -> list[int]:
    """Return the columns' heights after a level of :func:`counters`."""
    result = [0] * (len(heights) + 2)
    for weight, (height, n) in enumerate(zip(heights, counters(heights), strict=True)):
        result[weight] += height - 5 * n
        result[weight + 1] += n
        result[weight + 2] += n
    while result and result[-1] == 0:
        result.pop()
    return result


def leaves(width: int) -> list[int]:
    """Return how many bits each full-adder tree of the ``carry`` plan counts.

    Every addition of two counts takes one bit more as its carry-in, so seven-bit leaves with one
    spare bit per addition make counts of 15, 31, 63 and so on without a wider result.
    """
    n = -(-(width + 1) // 8)
    bits = width - (n - 1)
    return [bits // n + (i < bits % n) for i in range(n)]


def levels(width: int, adder: str) -> int:
    """Return the number of levels before the last addition."""
    if adder == "plus" or (adder == "carry" and width < LEAST_FOR_CARRY):
        return 0
    if adder == "carry":
        return (len(leaves(width)) - 1).bit_length()
    depth, heights = 0, [width]
    while any(counters(heights)):
        depth, heights = depth + 1, compressed(heights)
    return depth


def ideal(x: ArrayLike) -> Floats:
    """Return the sum of the bits x[n, width] along the last axis."""
    return popcount.ideal(x)


def model(cfg: Config, x: ArrayLike) -> Ints:
    """Return the counts int64[n] of bits x[n, width], each 0 or 1."""
    return popcount.model(cfg, x)


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 150) -> dict[str, Ints]:
    """Return words ``x`` of every density, int64[n, width]: none, all, and n - 2 at random."""
    return popcount.stimuli(cfg, rng, n)
