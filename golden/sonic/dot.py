"""Layers as sparse vector dot products: fully connected and convolutional, and what units did."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import codebook as codes_of
from nomul.golden.arrays import Ints
from nomul.golden.codebook import fits, integers
from nomul.golden.sonic.config import Config
from nomul.golden.sonic.output import rne

# Every product sum stays below 2**53, so float64 matrix products are exact.
_EXACT_BITS = 52


@dataclasses.dataclass(frozen=True)
class Result:
    """What a layer gives, and what its units did.

    Attributes
    ----------
    y
        Sums before batch norm and ReLU, int64.
    passes
        Dot products of L lanes, over all units.
    rounds
        Passes that units do at the same time count once.
    active, gated, pad
        Lanes whose sparse side is not 0, is 0, and that hold nothing; passes times L in all.
    saturations
        Conversions that the ADC clipped.
    kind
        ``fc`` or ``conv``.
    unloaded
        Whether a code stood for no level and counted as 0.
    """

    y: Ints
    passes: int
    rounds: int
    active: int
    gated: int
    pad: int
    saturations: int
    kind: str = ""
    unloaded: bool = False


def quantise(cfg: Config, partial: Ints) -> tuple[Ints, int]:
    """Return ADC codes clip(rne(p 2^-shift), -2^(B-1), 2^(B-1)-1), and how many were clipped."""
    if cfg.adc_bits is None:
        return partial, 0
    high = (1 << (cfg.adc_bits - 1)) - 1
    rounded = rne(partial, cfg.adc_shift)
    clipped = np.clip(rounded, -high - 1, high)
    return clipped, int((clipped != rounded).sum())


def resolved(values: Ints, bits: int, resolution: int | None) -> Ints:
    """Return operands of ``bits`` bits as a bank of ``resolution`` bits holds them.

    Rounded to even to a multiple of 2**(bits - resolution), and saturated there.
    """
    if resolution is None or resolution >= bits:
        return values
    high = (1 << (resolution - 1)) - 1
    drop = bits - resolution
    return np.clip(rne(values, drop), -high - 1, high) << drop


def fc(cfg: Config, codes: ArrayLike, codebook: ArrayLike, a: ArrayLike) -> Result:
    """Return a fully connected layer: zeros of the activations dropped, those of weights gated.

    With keep = {j: a_j != 0} in order and its q-th chunk of m, p[i, q] = sum cb[c[i, j]] a_j and
    y_i = sum_q p[i, q], each p converted first where there is an ADC.

    Parameters
    ----------
    codes
        int[R, J], codes of the weights.
    codebook
        int[<= 2**code_bits], levels; the first is 0. Codes beyond it count as 0.
    a
        int[J], or int[B, J] for a batch.

    Returns
    -------
    Result
        y of int64[R], or int64[B, R].

    Raises
    ------
    TypeError, ValueError
        A shape or a value does not fit; the message names it.
    """
    looked = codes_of.model(_codebook(cfg), codebook, codes)
    weights, a = looked.level, integers("a", a)
    _length(cfg, "codes", weights, 2, weights.shape[-1:])
    fits("a", a, cfg.act_bits)
    if a.ndim not in (1, 2) or a.shape[-1] != weights.shape[1]:
        raise ValueError(f"a must be of shape [{weights.shape[1]}], not {list(a.shape)}")
    vectors = a.reshape(-1, a.shape[-1])
    met = looked.unloaded & (vectors != 0).any(axis=0)
    result = _dot(cfg, "fc", vectors, weights, cfg.act_bits, cfg.level_bits)
    return dataclasses.replace(
        result, y=result.y.reshape(*a.shape[:-1], -1), unloaded=bool(met.any())
    )


def conv(
    cfg: Config, kernel_codes: ArrayLike, codebook: ArrayLike, image: ArrayLike, pool: int = 1
) -> Result:
    """Return a convolution: zeros of the kernels dropped, those of the patches gated.

    No flip, stride 1, no padding; kernels and patches are unrolled channel by channel, row by row.

    Parameters
    ----------
    kernel_codes
        int[O, I, kh, kw], or int[kh, kw] for one of each.
    codebook
        As for :func:`fc`.
    image
        int[I, H, W], int[H, W], or int[B, I, H, W] for a batch.
    pool
        1, or 2: units take windows of 2 x 2 positions, one position after the other, and leave out
        the last row and column of odd sizes. Counts differ, sums do not.

    Returns
    -------
    Result
        y of int64[O, OH, OW], or int64[B, O, OH, OW].

    Raises
    ------
    TypeError, ValueError
        A shape or a value does not fit; the message names it.
    """
    looked = codes_of.model(_codebook(cfg), codebook, kernel_codes)
    kernels, image = looked.level, integers("image", image)
    kernels = kernels[None, None] if kernels.ndim == 2 else kernels
    _length(cfg, "kernel_codes", kernels, 4, kernels.shape[1:])
    fits("image", image, cfg.act_bits)
    single = image.ndim < 4
    image = image[None] if image.ndim == 2 else image
    image = image[None] if image.ndim == 3 else image
    out, channels, kh, kw = kernels.shape
    if image.ndim != 4 or image.shape[1] != channels:
        raise ValueError(f"image must be of shape [{channels}, H, W], not {list(image.shape[1:])}")
    if image.shape[2] < kh or image.shape[3] < kw:
        raise ValueError(f"image of {list(image.shape[2:])} is smaller than the kernel {[kh, kw]}")
    if pool not in (1, 2):
        raise ValueError(f"pool must be 1 or 2, not {pool!r}")
    windows = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(2, 3))
    windows = windows.transpose(0, 2, 3, 1, 4, 5)
    batch, high, wide = windows.shape[:3]
    if min(high, wide) < pool:
        raise ValueError(f"pool of {pool} needs as many positions a side, not {[high, wide]}")
    length = channels * kh * kw
    flat = kernels.reshape(out, length)
    sums = _dot(cfg, "conv", flat, windows.reshape(-1, length), cfg.level_bits, cfg.act_bits, batch)
    if pool > 1:
        # The same sums; what counts is what the units visit, and in which groups.
        taken = windows[:, : high // pool * pool, : wide // pool * pool].reshape(-1, length)
        groups = batch * pool * pool
        counted = _dot(cfg, "conv", flat, taken, cfg.level_bits, cfg.act_bits, groups)
        sums = dataclasses.replace(counted, y=sums.y)
    y = sums.y.reshape(out, batch, high, wide).transpose(1, 0, 2, 3)
    unloaded = bool(looked.unloaded.any())
    return dataclasses.replace(sums, y=y[0] if single else y, unloaded=unloaded)


def _codebook(cfg: Config) -> codes_of.Config:
    return codes_of.Config(code_bits=cfg.code_bits, level_bits=cfg.level_bits)


def _length(
    cfg: Config, name: str, weights: Ints, dimensions: int, unrolled: tuple[int, ...]
) -> None:
    if weights.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimensions, not {weights.ndim}")
    length = int(np.prod(unrolled))
    if not 1 <= length <= cfg.max_length or not len(weights):
        raise ValueError(f"{name} must unroll to 1..{cfg.max_length} elements, not {length}")


def _dot(
    cfg: Config,
    kind: str,
    kept: Ints,
    other: Ints,
    kept_bits: int,
    other_bits: int,
    groups: int = 1,
) -> Result:
    """Return the dot products of V vectors, whose zeros are dropped, with U others: y[V, U].

    ``groups`` equal parts of the U others are worked on one after the other.
    """
    lanes, units = cfg.lanes(kind), cfg.units(kind)
    survives = kept != 0
    chunk = (np.cumsum(survives, axis=1) - 1) // lanes
    survivors = survives.sum(axis=1)
    chunks = int((-(-survivors // lanes)).sum())
    passes = len(other) * chunks
    met = int(survives.sum(axis=0) @ (other != 0).sum(axis=0))
    left = resolved(kept, kept_bits, cfg.resolution(kind)).astype(np.float64)
    right = resolved(other, other_bits, cfg.resolution(kind)).astype(np.float64).T
    assert kept_bits + other_bits + kept.shape[1].bit_length() <= _EXACT_BITS
    if cfg.adc_bits is None:
        y, saturations = (left @ right).astype(np.int64), 0
    else:
        y, saturations = np.zeros((len(kept), len(other)), dtype=np.int64), 0
        for q in range(int(chunk.max(initial=-1)) + 1):
            part = np.where(survives & (chunk == q), left, 0.0)
            converted, clipped = quantise(cfg, (part @ right).astype(np.int64))
            y, saturations = y + converted, saturations + clipped
    return Result(
        y=y,
        passes=passes,
        rounds=groups * -(-len(other) // groups // units) * chunks,
        active=met,
        gated=len(other) * int(survivors.sum()) - met,
        pad=passes * lanes - len(other) * int(survivors.sum()),
        saturations=saturations,
        kind=kind,
    )


def ideal(codes: ArrayLike, codebook: ArrayLike, x: ArrayLike) -> NDArray[np.float64]:
    """Return the product float64[R] of weights [R, J] and activations [J], or the convolution.

    A convolution where ``codes`` has four dimensions; see :func:`conv` for its shapes.
    """
    weights = np.asarray(codebook, dtype=np.float64)[np.asarray(codes)]
    x = np.asarray(x, dtype=np.float64)
    if weights.ndim == 2 and x.ndim == 1:
        return np.asarray(weights @ x)
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2:], axis=(1, 2))
    return np.einsum("oiab,ihwab->ohw", weights, windows)


def model(cfg: Config, codes: ArrayLike, codebook: ArrayLike, x: ArrayLike) -> Result:
    """Return :func:`conv` where ``codes`` has four dimensions, else :func:`fc`."""
    return (conv if np.ndim(codes) == 4 else fc)(cfg, codes, codebook, x)
