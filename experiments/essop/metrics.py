"""What a sweep shows of an ESSOP configuration without any hardware."""

from typing import Any

from nomul.experiments.essop import errors
from nomul.golden import essop

MOST_CELLS = 1 << 22  # products of all vectors, so that large arrays take seconds too


def metrics(cfg: essop.Config) -> dict[str, Any]:
    """Return ``error``, the pooled relative RMSE of a product, and ``products_per_cycle``.

    The error is that of docs/essop.md, sqrt(sum (y / BL - t)^2 / sum t^2) over rectified normal x
    and Laplace d, on arrays of the configuration's own size and width: 1,000 pairs of vectors, or
    as many as give four million products.
    """
    count = max(1, min(errors.VECTORS, MOST_CELLS // (cfg.rows * cfg.cols)))
    pairs = errors.network_pairs(count, cfg.rows, cfg.cols, cfg.width)
    x, d = errors.signed(pairs, cfg.width)
    exact = x[:, :, None] * d[:, None, :]
    got = errors.products(cfg, pairs)
    error = errors.rms(got - exact, exact) if exact.any() else 0.0
    return {
        "error": round(error, 4),
        "products_per_cycle": round(cfg.rows * cfg.cols / cfg.interval, 3),
    }
