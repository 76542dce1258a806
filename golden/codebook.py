"""Codebook: short codes stand for levels; entry 0 is zero and cannot be written."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints, int64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a codebook.

    Parameters
    ----------
    code_bits
        Bits of a code, 1..10 and not above ``level_bits``.
    level_bits
        Bits of a signed level, 1..32.
    """

    block_name: ClassVar[str] = "codebook"

    code_bits: int = 6
    level_bits: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "small": {"code_bits": 3, "level_bits": 8},
        "paper": {"code_bits": 6, "level_bits": 16},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("level_bits", 1, 32)
        self.check_range("code_bits", 1, 10)
        self.check(
            "code_bits", self.code_bits <= self.level_bits, f"at most level_bits {self.level_bits}"
        )

    @property
    def entries(self) -> int:
        """Number of codes, zero among them."""
        return 1 << self.code_bits


class Levels(NamedTuple):
    """Levels of codes, 0 where a code was not loaded, and which those are; both of their shape."""

    level: Ints
    unloaded: NDArray[np.bool_]


def ideal(levels: ArrayLike, codes: ArrayLike) -> NDArray[np.float64]:
    """Return ``levels[codes]``."""
    return np.asarray(levels, dtype=np.float64)[np.asarray(codes)]


def model(cfg: Config, levels: ArrayLike, codes: ArrayLike) -> Levels:
    """Return the levels that codes stand for; codes beyond those loaded stand for 0.

    Parameters
    ----------
    levels
        int[1 .. entries], of codes 0, 1, ...; the first is 0.
    codes
        int of any shape.

    Raises
    ------
    ValueError
        ``levels[0]`` is not 0, there are too many levels, or a value does not fit its bits.
    """
    levels, codes = integers("codebook", levels), integers("codes", codes)
    if levels.ndim != 1 or not 1 <= len(levels) <= cfg.entries:
        raise ValueError(
            f"codebook must hold 1..{cfg.entries} levels, not one of shape {list(levels.shape)}"
        )
    if levels[0] != 0:
        raise ValueError(f"codebook[0] must be 0, not {int(levels[0])}")
    fits("codebook", levels, cfg.level_bits)
    if codes.size and not 0 <= codes.min() <= codes.max() < cfg.entries:
        wrong = int(codes.min() if codes.min() < 0 else codes.max())
        raise ValueError(f"codes must be in 0..{cfg.entries - 1}, not {wrong}")
    table = np.zeros(cfg.entries, dtype=np.int64)
    table[: len(levels)] = levels
    return Levels(table[codes], codes >= len(levels))


def integers(name: str, values: ArrayLike) -> Ints:
    """Return values as int64; a fraction or another kind is refused by name."""
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} must be integers, not {array.dtype}")
    return int64(name, array)


def fits(name: str, values: Ints, bits: int) -> None:
    """Raise ValueError unless all values are signed integers of so many bits."""
    high = (1 << (bits - 1)) - 1
    outside = values[(values > high) | (values < -high - 1)]
    if outside.size:
        raise ValueError(f"{name} must fit {bits} signed bits, not {int(outside[0])}")


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 100) -> dict[str, Ints]:
    """Return ``levels``, the last few of many codes left out, and ``codes`` of all kinds."""
    loaded = max(2, cfg.entries - max(1, cfg.entries // 8))
    high = 1 << (cfg.level_bits - 1)
    levels = rng.integers(-high, high, loaded)
    levels[0] = 0
    return {"levels": levels, "codes": rng.integers(0, cfg.entries, n)}
