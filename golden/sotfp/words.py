"""Operands of the array: bit patterns of one width, checked."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.sotfp.config import Config


def words(cfg: Config, name: str, x: ArrayLike) -> Any:
    """Return words of the format, or raise ValueError that names the operand."""
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {list(x.shape)}")
    if x.dtype.kind not in "iu" and x.size:
        raise ValueError(f"{name} must hold bit patterns (integers), not {x.dtype}")
    if x.size and (int(x.min()) < 0 or int(x.max()) >> cfg.width):
        raise ValueError(f"{name} must hold words of {cfg.width} bits")
    return x


def pair(cfg: Config, a: ArrayLike, b: ArrayLike) -> tuple[Any, Any]:
    """Return two operands of as many words each."""
    x, y = words(cfg, "a", a), words(cfg, "b", b)
    if len(x) != len(y):
        raise ValueError(f"a holds {len(x)} words and b holds {len(y)}")
    return x, y
