"""The product by coefficients and bases: y = W^T x, of W = (Ce B)^T block by block.

One file, since compressing, storing and multiplying are three views of one decomposition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden.arrays import Floats, Ints
from nomul.golden.pow2basis.codes import encode
from nomul.golden.pow2basis.config import CODE_BITS, LEVELS, Config
from nomul.golden.pow2basis.decompose import best, fitted, improved, kept, regressed, rounded
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    code_range,
    corner_vectors,
    hold,
    in_parts,
    integers,
    matrix,
    shaped,
)


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile of coefficients and bases.

    Parameters
    ----------
    cfg
        The array that holds it.
    ce
        int64[blocks, outputs, S], 0 or +-1, +-2 .. +-64.
    b
        int64[blocks, S, S].
    """

    kind = Config

    cfg: Config
    ce: Ints
    b: Ints

    def __post_init__(self) -> None:
        """Check shapes and ranges, of the weights too, and that coefficients are powers of two."""
        cfg = self.cfg
        most = 1 << (LEVELS - 1)
        hold(self, "ce", (cfg.blocks, cfg.outputs, cfg.size), (-most, most))
        hold(self, "b", (cfg.blocks, cfg.size, cfg.size), code_range(cfg.basis_bits))
        encode(self.ce)
        matrix(cfg, self.weights(), code_range(cfg.weight_bits))

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return spread(self.cfg, self.ce, self.b)

    @property
    def groups(self) -> NDArray[np.bool_]:
        """Groups of outputs of each block that are worked on, bool[blocks, steps]."""
        cfg = self.cfg
        full = np.zeros((cfg.blocks, cfg.steps * cfg.outputs_at_once), dtype=np.bool_)
        full[:, : cfg.outputs] = (self.ce != 0).any(axis=2)
        there = full.reshape(cfg.blocks, cfg.steps, -1).any(axis=2)
        return np.asarray(there if cfg.skip else np.ones_like(there))

    @property
    def beats(self) -> int:
        """Words that load the tile: one of each block, and one of each of its groups."""
        return self.cfg.blocks + int(self.groups.sum())

    @property
    def bits(self) -> int:
        """Bits stored: bases, coefficients of groups that are there, and the bitmap with ``skip``.

        What pads the last group is not counted.
        """
        cfg = self.cfg
        sizes = np.full(cfg.steps, cfg.outputs_at_once)
        sizes[-1] = cfg.outputs - (cfg.steps - 1) * cfg.outputs_at_once
        codes = int((self.groups * sizes).sum()) * cfg.size * CODE_BITS
        return self.b.size * cfg.basis_bits + codes + cfg.blocks * cfg.map_bits

    def words(self) -> dict[str, Ints]:
        """Return the words ``w``, bit by bit, int64[beats, word_bits].

        First of each block its basis, row by row, and its bitmap; then, block by block, the codes
        of its groups, output by output.
        """
        cfg, there = self.cfg, self.groups
        table = np.zeros((self.beats, cfg.word_bits), dtype=np.int64)
        basis = self.b.reshape(cfg.blocks, -1, 1) >> np.arange(cfg.basis_bits) & 1
        head = np.concatenate([basis.reshape(cfg.blocks, -1), there[:, : cfg.map_bits]], axis=1)
        table[: cfg.blocks, : cfg.header_bits] = head
        full = np.zeros((cfg.blocks, cfg.steps * cfg.outputs_at_once, cfg.size), dtype=np.int64)
        full[:, : cfg.outputs] = encode(self.ce)
        codes = full.reshape(cfg.blocks, cfg.steps, -1, 1) >> np.arange(CODE_BITS) & 1
        flat = codes.reshape(cfg.blocks, cfg.steps, -1)[there]
        table[cfg.blocks :, : cfg.codes_bits] = flat
        return {"w": table}


class Factored(np.ndarray[Any, np.dtype[np.int64]]):
    """Weights that remember the factors they are the product of, as :func:`project` returns them.

    What is computed from them does not.
    """

    packed: Packed | None = None

    def __array_finalize__(self, parent: Any) -> None:
        self.packed = None


def spread(cfg: Config, ce: ArrayLike, b: ArrayLike) -> Ints:
    """Return weights int64[inputs, outputs] of coefficients and bases; see :class:`Packed`."""
    blocks = np.asarray(ce, dtype=np.int64) @ np.asarray(b, dtype=np.int64)
    whole = blocks.transpose(0, 2, 1).reshape(-1, cfg.outputs)
    return np.ascontiguousarray(whole[: cfg.inputs])


def cut(cfg: Config, w: Ints) -> Floats:
    """Return weights as the paper's blocks, float64[blocks, outputs, S], padded with zeros."""
    full = np.zeros((cfg.blocks * cfg.size, cfg.outputs))
    full[: cfg.inputs] = w
    return full.reshape(cfg.blocks, cfg.size, cfg.outputs).transpose(0, 2, 1)


def project(
    cfg: Config, w: ArrayLike, start: Packed | None = None, rows_kept: int | None = None
) -> Ints:
    """Return Ce B of a decomposition of w, clipped: never farther than powers of two themselves.

    Parameters
    ----------
    w
        int[inputs, outputs].
    start
        A tile whose factors are improved; None begins anew, unless w remembers its factors.
    rows_kept
        Outputs of each block whose coefficients are not all zero.

    Returns
    -------
    w
        int64[inputs, outputs], which remembers its factors, so that :func:`compress` takes it.
    """
    if start is None and isinstance(w, Factored) and w.packed is not None:
        start = w.packed if w.packed.cfg == cfg else None
    plain, shape = integers("w", np.asarray(w)), [cfg.inputs, cfg.outputs]
    if list(plain.shape) != shape:
        raise ValueError(f"pow2basis: w must be of shape {shape}, not {list(plain.shape)}")
    low, high = code_range(cfg.weight_bits)
    blocks = kept(cut(cfg, np.clip(plain, low, high)), rows_kept)
    if start is None:
        tries = [fitted(blocks, cfg.basis_bits, whole=True)]
    elif start.ce.shape != (cfg.blocks, cfg.outputs, cfg.size):
        inputs, outputs = start.weights().shape
        rule = f"a tile of {cfg.inputs} x {cfg.outputs} weights in bases of {cfg.size}"
        raise ValueError(f"pow2basis: start must be {rule}, not {inputs} x {outputs}")
    else:
        before = start.ce.astype(np.float64), start.b.astype(np.float64)
        tries = [before, warm(blocks, *before, cfg.basis_bits)]
    if rows_kept is not None:
        there = (blocks != 0).any(axis=2)[..., None]
        tries = [(np.where(there, ce, 0.0), b) for ce, b in tries]
    return _remembered(cfg, *best(blocks, [(within(ce, b, low, high), b) for ce, b in tries]))


def project_all(cfg: Config, tiles: Sequence[Ints]) -> list[Ints]:
    """Return what :func:`project` does for each of several tiles int64[inputs, outputs].

    Blocks know nothing of each other, so all of them go through the decomposition at once, which is
    quicker.
    """
    low, high = code_range(cfg.weight_bits)
    blocks = np.concatenate([cut(cfg, np.clip(tile, low, high)) for tile in tiles])
    ce, b = fitted(blocks, cfg.basis_bits, whole=True)
    ce, each = within(ce, b, low, high), cfg.blocks
    return [
        _remembered(cfg, ce[first : first + each], b[first : first + each])
        for first in range(0, len(blocks), each)
    ]


def _remembered(cfg: Config, ce: Floats, b: Floats) -> Ints:
    """Return the weights of factors, which they remember."""
    packed = Packed(cfg, ce.astype(np.int64), b.astype(np.int64))
    found = packed.weights().view(Factored)
    found.packed = packed
    return found


def warm(blocks: Floats, ce: Floats, b: Floats, basis_bits: int) -> tuple[Floats, Floats]:
    """Return factors that are a turn nearer than those of a start."""
    ce = improved(blocks, ce, b)
    b = rounded(regressed(blocks, ce, b), basis_bits, whole=True)
    return improved(blocks, ce, b), b


def within(ce: Floats, b: Floats, low: int, high: int) -> Floats:
    """Return coefficients whose weights stay in bounds: the greatest is halved until they do."""
    ce = ce.copy()
    while True:
        w = ce @ b
        out = ((w < low) | (w > high)).any(axis=2)
        if not out.any():
            return ce
        number, row = np.nonzero(out)
        largest = np.abs(ce[number, row]).argmax(axis=1)
        # Half of one is below the least power, and zero.
        ce[number, row, largest] = np.trunc(ce[number, row, largest] / 2)


def compress(
    cfg: Config,
    w: ArrayLike | tuple[ArrayLike, ArrayLike],
    factors: tuple[ArrayLike, ArrayLike] | None = None,
) -> Packed:
    """Return a tile of factors, or of weights together with their factors.

    Parameters
    ----------
    w
        A pair of coefficients int[blocks, outputs, S] and bases int[blocks, S, S], of one block
        also without the first dimension; or weights int[inputs, outputs] that :func:`project`
        returned; or any weights of which a decomposition leaves nothing, such as powers of two.
    factors
        That pair, where w are its weights.

    Raises
    ------
    TypeError, ValueError
        What is given is not of integers, of another shape, does not fit its bits, or is no product
        of such factors as far as we find; the message has row, column and value.
    """
    if isinstance(w, tuple):
        return _of_factors(cfg, *w)
    if factors is not None:
        packed, plain = _of_factors(cfg, *factors), matrix(cfg, w, code_range(cfg.weight_bits))
        _same(packed.weights(), plain, "of the factors")
        return packed
    if isinstance(w, Factored) and w.packed is not None and w.packed.cfg == cfg:
        return w.packed
    plain = matrix(cfg, w, code_range(cfg.weight_bits))
    found = project(cfg, plain)
    _same(found, plain, "of the nearest product of factors found; give the factors themselves")
    assert isinstance(found, Factored)
    assert found.packed is not None
    return found.packed


def _same(found: Ints, w: Ints, what: str) -> None:
    """Raise ValueError with the first place where weights differ from those of factors."""
    wrong = np.argwhere(found != w)
    if len(wrong):
        row, column = (int(i) for i in wrong[0])
        raise ValueError(
            f"pow2basis: w[{row}, {column}] must be {found[row, column]}, not {w[row, column]}: "
            f"that is the weight {what}"
        )


def _of_factors(cfg: Config, ce: ArrayLike, b: ArrayLike) -> Packed:
    ce, b = integers("ce", ce), integers("b", b)
    if cfg.blocks == 1 and ce.ndim == b.ndim == 2:
        ce, b = ce[None], b[None]
    return Packed(cfg, ce, b)


def model_by_steps(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, block by block as the datapath works.

    ``factor``: z = B x of each block, and y adds up Ce z. ``rebuild``: the weights Ce B of each
    block, and y adds up their products with x.
    """
    parts = in_parts(cfg, x, cfg.blocks, cfg.size)
    y = np.zeros((len(parts), cfg.outputs), dtype=np.int64)
    for block in range(cfg.blocks):
        ce, b = packed.ce[block], packed.b[block]
        if cfg.datapath == "factor":
            z = parts[:, block] @ b.T
            y += z @ ce.T
        else:
            y += parts[:, block] @ (ce @ b).T
    return y


def cycles(cfg: Config, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles from the first activation of all vectors to the last sum."""
    groups = [int(count) for count in packed.groups.sum(axis=1)]
    return cfg.cycles_of(groups, len(shaped(cfg, x)))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of random factors, and vectors ``x``: extremes, zero, any.

    A third of the outputs of each block has no coefficient.
    """
    powers = 1 << rng.integers(0, 7, (cfg.blocks, cfg.outputs, cfg.size))
    signs = rng.integers(-1, 2, powers.shape)
    there = rng.random((cfg.blocks, cfg.outputs, 1)) < 2 / 3
    low, high = code_range(cfg.basis_bits)
    b = rng.integers(low, high + 1, (cfg.blocks, cfg.size, cfg.size)).astype(np.float64)
    ce = within((powers * signs * there).astype(np.float64), b, *code_range(cfg.weight_bits))
    packed = compress(cfg, (ce.astype(np.int64), b.astype(np.int64)))
    return {"packed": packed, "x": corner_vectors(cfg, rng, n_vectors)}
