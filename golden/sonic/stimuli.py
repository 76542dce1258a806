"""Layers of both kinds to try: typical ones, and corners."""

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.sonic.config import Config


def layers(cfg: Config, rng: np.random.Generator) -> dict[str, list[tuple[Ints, Ints]]]:
    """Return layers of both kinds as (codes, x), sizes that divide and that do not; and corners.

    ``fc``: typical, all activations zero, all weights zero, one element, full scale. ``conv``:
    likewise; the second kernel is all zero, the third shorter than a beat of n.
    """
    top, codes = (1 << (cfg.act_bits - 1)) - 1, 1 << cfg.code_bits

    def sparse(shape: tuple[int, ...], high: int, zero: float) -> Ints:
        low = 1 if high == codes else -high
        return np.where(rng.random(shape) < zero, 0, rng.integers(low, high, shape))

    m, k = cfg.fc_lanes, cfg.fc_units
    length = min(cfg.max_length, 4 * m + 1)
    dense = [
        (sparse((2 * k + 1, length), codes, 0.4), sparse((length,), top, 0.5)),
        (sparse((k, m), codes, 0.3), sparse((m,), top, 0.0)),
        (sparse((k + 1, 9), codes, 0.5), np.zeros(9, dtype=np.int64)),
        (np.zeros((1, 5), dtype=np.int64), sparse((5,), top, 0.2)),
        (np.full((1, 1), codes - 1), np.full(1, -top - 1)),
        (np.full((2, length), codes - 1), np.full(length, top)),
    ]
    kernels = sparse((4, 2, 3, 3), codes, 0.5)
    kernels[1] = 0
    kernels[2] = 0
    kernels[2, 1, 2, 2] = 1
    side = 6 if cfg.conv_units < 30 else 11
    images = [
        (kernels, sparse((2, side, side + 1), top, 0.4)),
        (sparse((2, 1, 2, 2), codes, 0.0), sparse((1, 5, 4), top, 0.3)),
        (sparse((1, 1, 1, 1), codes, 0.0), np.zeros((1, 2, 3), dtype=np.int64)),
        (np.full((1, 1, 3, 2), codes - 1), np.full((1, 4, 4), top)),
    ]
    return {"fc": dense, "conv": images}


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, Ints]:
    """Return ``codes`` and ``x`` of the first fully connected layer of :func:`layers`.

    With them comes the ``codebook`` of all its codes: code 0 is zero, the last is full scale.
    """
    codes, x = layers(cfg, rng)["fc"][0]
    high = 1 << (cfg.level_bits - 1)
    codebook = rng.integers(-high, high, 1 << cfg.code_bits)
    codebook[0], codebook[-1] = 0, -high
    return {"codes": codes, "codebook": codebook, "x": x}
