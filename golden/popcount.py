"""Population count: how many bits of a word are one."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints, integers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a population count.

    Parameters
    ----------
    width
        Bits to count, 1..4096.
    """

    block_name: ClassVar[str] = "popcount"

    width: int = 64

    presets: ClassVar[dict[str, dict[str, Any]]] = {"small": {"width": 7}, "wide": {"width": 64}}

    def validate(self) -> None:
        """Check the range."""
        self.check_range("width", 1, 4096)

    @property
    def count_bits(self) -> int:
        """Bits of the count 0 .. width."""
        return self.width.bit_length()


def ideal(x: ArrayLike) -> NDArray[np.float64]:
    """Return the sum of the bits x[n, width] along the last axis."""
    return np.asarray(x, dtype=np.float64).sum(axis=-1)


def model(cfg: Config, x: ArrayLike) -> Ints:
    """Return the counts int64[n] of bits x[n, width], each 0 or 1."""
    x = integers("x", x)
    if x.ndim != 2 or x.shape[1] != cfg.width:
        raise ValueError(f"x must be of shape [n, {cfg.width}], not {list(x.shape)}")
    return x.sum(axis=1)


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 200) -> dict[str, Ints]:
    """Return words ``x`` of every density, int64[n, width]: none, all, and n - 2 at random."""
    density = np.linspace(0, 1, n)[:, None]
    return {"x": (rng.random((n, cfg.width)) < density).astype(np.int64)}
