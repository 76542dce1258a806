"""Products of gradients and activations, and what they do to weights."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import essop, lfsr
from nomul.golden.arrays import Ints
from nomul.golden.sgd.config import Config
from nomul.golden.sgd.rounding import rounded, saturated


class Counts(NamedTuple):
    """Products of an update that are not 0, and those of them that were rounded to 0."""

    products: int
    vanished: int


@cache
def pair(cfg: Config, layer: int) -> essop.Config:
    """Return the outer-product unit that a layer's stochastic update is equal to.

    Both vectors share a word of a scrambled van der Corput sequence per bit, and a step draws one
    scramble per layer from one register.
    """
    return essop.Config(
        rows=cfg.sizes[layer - 1],
        cols=cfg.sizes[layer],
        width=cfg.width,
        stream_bits=cfg.stream_bits,
        source="vdc_xor",
        share="pair",
        cell="popcount",
        lfsr_width=stream_register(cfg),
        seeds=(cfg.seed, 1),
    )


def stream_register(cfg: Config) -> int:
    """Return the bits of the streams' shift register, of which a scramble takes 2 (B - 1)."""
    return max(16, 2 * cfg.width)


def stream_state(cfg: Config, steps: int) -> int:
    """Return what the streams' register holds after so many steps."""
    unit = pair(cfg, 1)
    matrix = lfsr.leap_matrix(unit.lfsr_width, unit.taps(0), unit.step)
    seed = np.array([cfg.seed], dtype=np.int64)
    return int(lfsr.jump(matrix, steps * cfg.layers, seed)[0])


def headroom(cfg: Config, values: Ints) -> int:
    """Return by how many bits a vector's magnitudes may be shifted left, at most B - 1.

    That is ESSOP's block exponent. The magnitude 2^(B-1) is an operand of streams too.
    """
    union = int(np.bitwise_or.reduce(np.abs(values), initial=0))
    return cfg.width - min(union.bit_length(), cfg.width)


def shifts(cfg: Config, a: Ints, g: Ints) -> tuple[int, int]:
    """Return how far activations and gradients are shifted before their streams are drawn.

    Together no further than a count of one is still worth a whole unit of the product.
    """
    of_a = headroom(cfg, a)
    most = 2 * cfg.width - (cfg.stream_bits.bit_length() - 1) - of_a
    return of_a, min(headroom(cfg, g), most)


def outer(cfg: Config, layer: int, a: Ints, g: Ints, pairs_before: int = 0) -> Ints:
    """Return the products of a layer's update in whole units, int64[in, out]: exact, or ESSOP's.

    Parameters
    ----------
    layer
        1 .. L.
    a, g
        int[in] and int[out].
    pairs_before
        Pairs of vectors that the streams' register has served.
    """
    if cfg.update == "exact":
        return a[:, None] * g[None, :]
    of_a, of_g = shifts(cfg, a, g)
    operands = np.abs(a)[None] << of_a, (a < 0)[None], np.abs(g)[None] << of_g, (g < 0)[None]
    count = essop.model(pair(cfg, layer), *operands, pairs_before)[0]
    unit = 2 * cfg.width - (cfg.stream_bits.bit_length() - 1) - of_a - of_g
    return count << unit


def apply(
    cfg: Config, weights: Ints, residues: Ints, products: Ints, words: ArrayLike = 0
) -> tuple[Ints, Ints, Counts]:
    """Return levels and residues after an update, and what rounding has taken from it.

    W <- sat(W - rnd(g a, F + h)). With a residue of L bits rnd(g a, F + h - L) is subtracted from
    the residue, a carry is worth 2^L, and where the level is at its rail the carry is lost.
    """
    less = rounded(cfg, products, cfg.shift, words)
    there = products != 0
    counts = Counts(int(there.sum()), int((there & (less == 0)).sum()))
    if cfg.residue is None:
        return saturated(cfg, weights - less), residues, counts
    total = residues - less
    carry = (total + (1 << (cfg.low_bits - 1))) >> cfg.low_bits
    return saturated(cfg, weights + carry), total - (carry << cfg.low_bits), counts
