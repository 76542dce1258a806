"""Blocks of weights as coefficients that are powers of two, times a small basis.

After SmartExchange (arXiv 2005.03403): least squares for the basis and the nearest powers for the
coefficients, in turns; the steps between are ours.
"""

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Floats, Ints, count
from nomul.golden.pow2basis.codes import finite, level

TURNS = 12
# How much greater the greatest coefficient of a column is than the least, as an exponent.
RANGES = (1, 2, 3, 4, 5, 6)


def decompose(
    w: ArrayLike, rows_kept: int | None = None, basis_bits: int = 8
) -> tuple[Floats | Ints, Floats | Ints]:
    """Return the paper's block [rows, S] as coefficients and basis, w = ce b nearly.

    Parameters
    ----------
    w
        A block, rows for outputs: the transpose of the family's. Of integers, the basis is of
        integers; of real numbers, it is of integers of ``basis_bits`` times the block's own scale.
    rows_kept
        Rows that are not zero; the others, of the least norm, are dropped. None keeps all.

    Returns
    -------
    ce, b
        [rows, S], 0 or +-1, +-2 .. +-64, where what is below half the least power is 0; and [S, S].
        Both int64 of integers, which :func:`nomul.golden.pow2basis.compress` takes, else float64.
    """
    block = np.asarray(w)
    if block.ndim != 2 or 0 in block.shape:
        raise ValueError(f"pow2basis: w must be of shape [rows, S], not {list(block.shape)}")
    cut = kept(finite("w", block)[None], rows_kept)
    whole = block.dtype.kind in "iu"
    ce, b = fitted(cut, basis_bits, whole)
    return (ce[0].astype(np.int64), b[0].astype(np.int64)) if whole else (ce[0], b[0])


def kept(blocks: Floats, rows: int | None) -> Floats:
    """Return blocks [n, rows, S] with all but so many rows, those of the greatest norm, zero.

    Raises
    ------
    TypeError, ValueError
        So many rows are no integer, or more than there are.
    """
    if rows is None:
        return blocks
    if count("rows_kept", rows) > blocks.shape[1]:
        raise ValueError(f"pow2basis: rows_kept must be in 0..{blocks.shape[1]}, not {rows}")
    rank = np.argsort(np.argsort(-(blocks**2).sum(axis=2), axis=1, kind="stable"), axis=1)
    return np.where(rank[..., None] < rows, blocks, 0.0)


def fitted(blocks: Floats, basis_bits: int, whole: bool) -> tuple[Floats, Floats]:
    """Return coefficients [n, rows, S] and bases [n, S, S] of blocks, the nearest of several tries.

    One of them has the least scaled identity for a basis: weights that are powers of two.
    """
    size = blocks.shape[2]
    most = np.abs(blocks).max(axis=(1, 2))
    powers = np.exp2(np.ceil(np.log2(np.maximum(most, 1e-300) / (1 << 6) / 1.5)))
    powers = np.where(most > 0, powers, 1.0)
    if whole:
        # Integers of the basis' bits, of which the greatest power is a quarter of all of them.
        powers = np.clip(powers, 1.0, 1 << (basis_bits - 2))
    plain = powers[:, None, None] * np.eye(size)
    ones = np.broadcast_to(np.eye(size), plain.shape) if whole else plain
    tries = [direct(blocks, plain), direct(blocks, ones)]
    # The axes of the rows, from which least squares and powers take turns.
    _, _, axes = np.linalg.svd(blocks, full_matrices=size > blocks.shape[1])
    for start in (axes, np.broadcast_to(np.eye(size), axes.shape)):
        for reach in RANGES:
            tries.append(alternated(blocks, start, reach, basis_bits, whole))
    return best(blocks, tries)


def direct(blocks: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Return the nearest powers of two themselves, of a diagonal basis."""
    scale = basis[:, 0, 0][:, None, None]
    return level(blocks / scale), basis.copy()


def best(blocks: Floats, tries: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return of each block the try with the least error, the first of those equally good."""
    errors = np.stack([((ce @ b - blocks) ** 2).sum(axis=(1, 2)) for ce, b in tries])
    chosen, number = errors.argmin(axis=0), np.arange(len(blocks))
    ce, b = (np.stack([one[part] for one in tries])[chosen, number] for part in (0, 1))
    return ce, b


def alternated(
    blocks: Floats, axes: Floats, reach: int, basis_bits: int, whole: bool
) -> tuple[Floats, Floats]:
    """Return what turns of least squares and nearest powers make of a first basis.

    Its rows are scaled such that the greatest coefficient of each is 2^reach.
    """
    real = blocks @ np.linalg.pinv(axes)
    scale = np.maximum(np.abs(real).max(axis=1), 1e-12) / (1 << reach)
    b = axes * scale[:, :, None]
    ce = level(real / scale[:, None, :])
    for _ in range(TURNS):
        b = regressed(blocks, ce, b)
        ce = improved(blocks, ce, b)
    b = rounded(regressed(blocks, ce, b), basis_bits, whole)
    return improved(blocks, ce, b), b


def regressed(blocks: Floats, ce: Floats, b: Floats) -> Floats:
    """Return the bases of least squares; a basis row that no coefficient uses stays as it is."""
    used = (ce != 0).any(axis=1)
    found = np.linalg.pinv(ce, rcond=1e-9) @ blocks
    return np.where(used[:, :, None], found, b)


def improved(blocks: Floats, ce: Floats, b: Floats) -> Floats:
    """Return coefficients with a smaller error: each in turn the nearest power, others as they are.

    Along one coefficient the error is a parabola, so the nearest to its least is the best.
    """
    ce = ce.copy()
    rest = blocks - ce @ b
    for k in range(b.shape[1]):
        row = b[:, None, k]
        rest += ce[:, :, k, None] * row
        energy = np.maximum((row**2).sum(axis=2), 1e-300)
        ce[:, :, k] = level((rest * row).sum(axis=2) / energy)
        rest -= ce[:, :, k, None] * row
    return ce


def rounded(b: Floats, bits: int, whole: bool) -> Floats:
    """Return bases as integers of so many bits, times one scale each unless ``whole``."""
    most = (1 << (bits - 1)) - 1
    if whole:
        return np.clip(np.rint(b), -most, most)
    scale = np.maximum(np.abs(b).max(axis=(1, 2), keepdims=True), 1e-300) / most
    return np.rint(b / scale) * scale
