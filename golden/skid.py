"""Stream register and skid buffer: they delay a stream and never change it."""

import dataclasses
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints, integers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a stream buffer.

    Parameters
    ----------
    width
        Bits of the payload, 1..65535.
    kind
        ``register``: one register, ready passes through combinationally. ``skid``: a second
        register catches the word in flight, so ready comes from a flip-flop.
    """

    block_name: ClassVar[str] = "skid"

    width: int = 32
    kind: Literal["register", "skid"] = "skid"

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "register": {"kind": "register"},
        "skid": {"kind": "skid"},
    }

    def validate(self) -> None:
        """Check width and kind."""
        self.check_range("width", 1, 65535)
        self.check_choice("kind")


def ideal(x: ArrayLike) -> NDArray[np.float64]:
    """Return the words as they came."""
    return np.asarray(x, dtype=np.float64)


def model(cfg: Config, x: ArrayLike) -> Ints:
    """Return the words as they came, int64[n]."""
    x = integers("x", x)
    if (x < 0).any() or (cfg.width < 63 and (x >> cfg.width).any()):
        raise ValueError(f"x must hold words of {cfg.width} bits")
    return x


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 500) -> dict[str, Ints]:
    """Return random words ``x``, int64[n]."""
    return {"x": rng.integers(0, 1 << min(cfg.width, 62), n)}
