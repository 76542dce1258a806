"""ESSOP on real numbers: outer products of vectors, and the update of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import bitstream
from nomul.golden.arrays import Floats, Ints
from nomul.golden.essop.config import Config
from nomul.golden.essop.counts import bits, model, unit
from nomul.golden.outer import quantise, unit_exponent


def outer(x: ArrayLike, delta: ArrayLike, cfg: Config, n_vectors_before: int = 0) -> Floats:
    """Return ESSOP's estimate of the outer product of each pair of real vectors.

    The whole method: block exponents, bits, counts, signs, scale. A drop-in for
    ``np.einsum("vm,vn->vmn", x, delta)``.

    Parameters
    ----------
    x, delta
        float64[V, M] and float64[V, N], finite.
    cfg
        Configuration with M rows and N columns.
    n_vectors_before
        Pairs that the free-running sources have already served.

    Returns
    -------
    float64[V, M, N]
    """
    (x_int, sx, e_x), (d_int, sd, e_d) = (quantise(v, cfg.width) for v in (x, delta))
    counts = model(cfg, x_int, sx, d_int, sd, n_vectors_before)
    return np.ldexp(counts.astype(np.float64), unit_exponent(cfg, e_x, e_d)[:, None, None])


def update(x: ArrayLike, delta: ArrayLike, cfg: Config, n_vectors_before: int = 0) -> Floats:
    """Return the sum of :func:`outer` over the pairs, float64[M, N], without forming them.

    What a batch adds to a weight matrix. The sum over pairs and bits of a_i[n] b_j[n], scaled, is
    one matrix product of the streams; it is exact as long as the pairs' units lie within 2**30 of
    each other, since float64 then holds every partial sum.
    """
    (x_int, sx, e_x), (d_int, sd, e_d) = (quantise(v, cfg.width) for v in (x, delta))
    r, s = bits(cfg, len(x_int), n_vectors_before)
    scale = np.ldexp(1.0, unit_exponent(cfg, e_x, e_d))[:, None]
    a = _weighted_stream(cfg, r, x_int, unit(sx))
    b = _weighted_stream(cfg, s, d_int, unit(sd) * scale)
    return a.T @ b


def _weighted_stream(cfg: Config, source: Ints, operand: Ints, weight: NDArray[Any]) -> Floats:
    """Return float64[V * BL, lanes]: a lane's weight where its bit is one, else 0."""
    source = source[:, :, None] if source.ndim == 2 else source
    narrow = operand.astype(np.int32)[:, None, :]
    stream = bitstream.ones(cfg.sng, source.astype(np.int32), narrow, cfg.width).astype(np.float64)
    if (weight != 1).any():  # activations behind a ReLU have no signs
        stream *= weight[:, None, :]
    return stream.reshape(-1, operand.shape[1])
