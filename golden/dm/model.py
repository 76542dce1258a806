"""Samples of a Bayesian layer, as they are drawn, and their exact moments."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import lfsr
from nomul.golden.arrays import Floats, Ints
from nomul.golden.dm.config import ROOTS, Config


def noise(cfg: Config, vectors: int, before: int = 0) -> Ints:
    """Return 2 H of every weight, int64[T, vectors, K, C].

    The numbers are drawn row by row: for each vector and output all T samples, each over the
    inputs. ``popcount``: twice the ones among the n lowest bits of the register's state, less n;
    ``sign``: +-sqrt(n), plus where the lowest bit is 1.

    Parameters
    ----------
    vectors
        How many vectors.
    before
        How many vectors have drawn since reset.
    """
    shape = (vectors, cfg.outputs, cfg.samples, cfg.inputs)
    each = cfg.outputs * cfg.samples * cfg.inputs
    first = lfsr.jump(cfg.step, before * each, np.array([cfg.seed], dtype=np.int64))
    states = lfsr.walk(cfg.step, first, vectors * each)[:, 0]
    if cfg.noise == "sign":
        drawn = (2 * (states & 1) - 1) * ROOTS[cfg.bits]
    else:
        ones = np.bitwise_count((states & ((1 << cfg.bits) - 1)).astype(np.uint64))
        drawn = 2 * ones.astype(np.int64) - cfg.bits
    return drawn.reshape(shape).transpose(2, 0, 3, 1)


def model(cfg: Config, mu: ArrayLike, sigma: ArrayLike, x: ArrayLike, before: int = 0) -> Ints:
    """Return 2 y of every sample, int64[T, V, C]: 2 mu x plus 2 H beta, with beta = sigma x.

    Parameters
    ----------
    mu, sigma
        int[K, C]: means, two's complement, and deviations, from 0.
    x
        Vectors int[V, K].
    before
        How many vectors have drawn since reset.

    Raises
    ------
    TypeError
        They are not integers.
    ValueError
        A shape is another, or a value is outside its bits.
    """
    given = _operands(cfg, mu, sigma, x)
    total = np.empty((cfg.samples, len(given[2]), cfg.outputs), dtype=np.int64)
    for v, vector in enumerate(given[2]):
        # Memorised once per vector: what no sample changes.
        eta, beta = vector @ given[0], vector[:, None] * given[1]
        drawn = noise(cfg, 1, before + v)[:, 0]
        total[:, v] = 2 * eta + (drawn * beta).sum(axis=1)
    most = 1 << (cfg.y_bits - 1)
    return np.clip(total, -most, most - 1)


def direct(cfg: Config, mu: ArrayLike, sigma: ArrayLike, x: ArrayLike, before: int = 0) -> Ints:
    """Return the same by direct sampling, int64[T, V, C]: every weight drawn, then the product.

    Nothing is memorised: 2 W = 2 mu + sigma 2 H of each sample is multiplied by x.
    """
    means, deviations, vectors = _operands(cfg, mu, sigma, x)
    weights = 2 * means + deviations * noise(cfg, len(vectors), before)
    total = np.einsum("vk,tvkc->tvc", vectors, weights)
    most = 1 << (cfg.y_bits - 1)
    return np.clip(total, -most, most - 1)


def ideal(cfg: Config, mu: ArrayLike, sigma: ArrayLike, x: ArrayLike) -> tuple[Floats, Floats]:
    """Return mean and variance of y over all draws, float64[V, C] each.

    arXiv 2005.03857: y = mu x + sum of H beta, with H of mean 0 and variance n / 4 here.
    """
    means, deviations, vectors = _operands(cfg, mu, sigma, x)
    squares = (vectors**2).astype(np.float64) @ (deviations**2).astype(np.float64)
    return (vectors @ means).astype(np.float64), squares * cfg.bits / 4


def stimuli(cfg: Config, rng: np.random.Generator, vectors: int = 4) -> dict[str, Any]:
    """Return random means, deviations and vectors; the last vector and a row are the largest."""
    act, mean = 1 << (cfg.act_bits - 1), 1 << (cfg.mu_bits - 1)
    shape = (cfg.inputs, cfg.outputs)
    mu, sigma = rng.integers(-mean, mean, shape), rng.integers(0, 1 << cfg.sigma_bits, shape)
    x = rng.integers(-act, act, (vectors, cfg.inputs))
    x[-1], mu[:, 0], sigma[:, 0] = -act, -mean, (1 << cfg.sigma_bits) - 1
    return {"mu": mu, "sigma": sigma, "x": x}


def _operands(
    cfg: Config, mu: ArrayLike, sigma: ArrayLike, x: ArrayLike
) -> tuple[Ints, Ints, Ints]:
    """Return means, deviations and vectors as int64, or refuse them."""
    weights = (cfg.inputs, cfg.outputs)
    act, mean = 1 << (cfg.act_bits - 1), 1 << (cfg.mu_bits - 1)
    vectors = np.asarray(x)
    if vectors.ndim != 2:
        raise ValueError(f"x must be of shape (vectors, {cfg.inputs}), not {vectors.shape}")
    return (
        _integers("mu", mu, weights, -mean, mean - 1),
        _integers("sigma", sigma, weights, 0, (1 << cfg.sigma_bits) - 1),
        _integers("x", vectors, (len(vectors), cfg.inputs), -act, act - 1),
    )


def _integers(name: str, values: ArrayLike, shape: tuple[int, ...], low: int, high: int) -> Ints:
    """Return integers of a shape and range as int64, or refuse them with the first one's place."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must be of shape {shape}, not {array.shape}")
    wrong = np.argwhere((array < low) | (array > high))
    if len(wrong):
        place = tuple(int(k) for k in wrong[0])
        raise ValueError(f"{name}{list(place)} must be in {low}..{high}, not {int(array[place])}")
    return array.astype(np.int64)
