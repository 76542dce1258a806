"""Layers of both kinds to try: typical ones, and corners."""

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.sonic.config import Config


def legal_shapes(
    cfg: Config, kernels: tuple[int, int, int, int], image: tuple[int, int, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return shapes of kernels and of an image, made smaller as far as the unit counts."""
    most, places = (1 << cfg.address_bits) - 1, 1 << cfg.address_bits
    (number, channels, high, wide), (_, rows, columns) = kernels, image
    while (
        channels * high * wide > cfg.max_length
        or channels * rows * columns > places
        or rows * columns > most
    ):
        if channels > 1:
            channels -= 1
        elif high * wide > cfg.max_length:
            high, wide = (high - 1, wide) if high >= wide else (high, wide - 1)
        else:
            rows, columns = (rows - 1, columns) if rows > columns else (rows, columns - 1)
            high, wide = min(high, rows), min(wide, columns)
    return (min(number, most), channels, high, wide), (channels, rows, columns)


def legal_rows(cfg: Config, number: int) -> int:
    """Return a number of rows, made smaller as far as the unit counts."""
    return min(number, (1 << cfg.address_bits) - 1)


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
    length, least = min(cfg.max_length, 4 * m + 1), min(cfg.max_length, m)
    nine, five = min(cfg.max_length, 9), min(cfg.max_length, 5)
    dense = [
        (sparse((legal_rows(cfg, 2 * k + 1), length), codes, 0.4), sparse((length,), top, 0.5)),
        (sparse((legal_rows(cfg, k), least), codes, 0.3), sparse((least,), top, 0.0)),
        (sparse((legal_rows(cfg, k + 1), nine), codes, 0.5), np.zeros(nine, dtype=np.int64)),
        (np.zeros((1, five), dtype=np.int64), sparse((five,), top, 0.2)),
        (np.full((1, 1), codes - 1), np.full(1, -top - 1)),
        (np.full((legal_rows(cfg, 2), length), codes - 1), np.full(length, top)),
    ]
    side = 6 if cfg.conv_units < 30 else 11
    shape, image = legal_shapes(cfg, (4, 2, 3, 3), (2, side, side + 1))
    kernels = sparse(shape, codes, 0.5)
    kernels[1:3] = 0
    kernels[2:3, -1, -1, -1] = 1
    images = [(kernels, sparse(image, top, 0.4))]
    shape, image = legal_shapes(cfg, (2, 1, 2, 2), (1, 5, 4))
    images.append((sparse(shape, codes, 0.0), sparse(image, top, 0.3)))
    shape, image = legal_shapes(cfg, (1, 1, 1, 1), (1, 2, 3))
    images.append((sparse(shape, codes, 0.0), np.zeros(image, dtype=np.int64)))
    shape, image = legal_shapes(cfg, (1, 1, 3, 2), (1, 4, 4))
    images.append((np.full(shape, codes - 1), np.full(image, top)))
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
