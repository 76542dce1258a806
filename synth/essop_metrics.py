"""What a sweep shows of an ESSOP configuration without any hardware."""

from typing import Any

import numpy as np

from nomul.golden import essop

VECTORS = 1000
MOST_CELLS = 1 << 22  # products of all vectors, so that large arrays take seconds too


def metrics(cfg: essop.Config) -> dict[str, Any]:
    """Return ``error``, the pooled relative RMSE of a product, and ``products_per_cycle``.

    The error is that of docs/essop.md, sqrt(sum (y / BL - t)^2 / sum t^2) over rectified normal x
    and Laplace d, on arrays of the configuration's own size and width: 1,000 pairs of vectors, or
    as many as give four million products.
    """
    rng = np.random.default_rng(1)
    count = max(1, min(VECTORS, MOST_CELLS // (cfg.rows * cfg.cols)))
    real_x = np.maximum(rng.normal(size=(count, cfg.rows)), 0)
    x, sx, _ = essop.quantise(real_x, cfg.width)
    d, sd, _ = essop.quantise(rng.laplace(size=(count, cfg.cols)), cfg.width)
    got = essop.model(cfg, x, sx, d, sd) / cfg.stream_bits
    left, right = (a * (1 - 2 * sign) / 2**cfg.width for a, sign in ((x, sx), (d, sd)))
    exact = left[:, :, None] * right[:, None, :]
    error = np.sqrt(((got - exact) ** 2).sum() / (exact**2).sum()) if exact.any() else 0.0
    return {
        "error": round(float(error), 4),
        "products_per_cycle": round(cfg.rows * cfg.cols / cfg.interval, 3),
    }
