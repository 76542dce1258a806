"""The exact outer product, and pairs of vectors as a network has them."""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints
from nomul.golden.essop.config import Config
from nomul.golden.essop.counts import quantise


def ideal(x: ArrayLike, d: ArrayLike) -> Floats:
    """Return the exact outer product x d^T, float64[M, N]."""
    return np.outer(np.asarray(x, dtype=np.float64), np.asarray(d, dtype=np.float64))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 64) -> dict[str, Ints]:
    """Return pairs as a network has them, and corners: zero, full scale, one lane, alternating.

    Rectified normal activations and Laplace gradients, block-scaled to the whole range.
    """
    top = 1 << cfg.width
    real_x = np.maximum(rng.normal(size=(n_vectors, cfg.rows)), 0)
    x, sx, e_x = quantise(real_x, cfg.width)
    d, sd, e_d = quantise(rng.laplace(size=(n_vectors, cfg.cols)), cfg.width)
    corners = [(0, 0), (top, top), (top, 1), (1, top), (0, top), (top - 1, top - 1)]
    for row, (left, right) in enumerate(corners[:n_vectors]):
        x[row], d[row] = left, right
        sx[row], sd[row] = rng.integers(0, 2, cfg.rows), rng.integers(0, 2, cfg.cols)
    e_x += rng.integers(-3, 4, n_vectors)
    return {"x": x, "sx": sx, "d": d, "sd": sd, "e_x": e_x, "e_d": e_d}
