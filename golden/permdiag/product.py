"""The permuted-diagonal product: weights along diagonals, and sums that skip zero inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.permdiag.config import Config
from nomul.golden.permdiag.diagonals import (
    indices,
    nearest_powers,
    nearest_shifts,
    places,
    power_codes,
    project,
    shifts,
)
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    activations,
    code_range,
    corner_vectors,
    hold,
    matrix,
    shaped,
)


@dataclass(frozen=True, eq=False)
class Packed(tile.Stored[Config]):
    """A tile of weights along diagonals.

    Parameters
    ----------
    values
        int64[inputs, block rows], the weight of each input in each block row; zero in padding.
    shifts
        int64[block rows, block columns], of each block.
    """

    kind = Config

    shifts: Ints

    def __post_init__(self) -> None:
        """Check shapes and ranges, and that shifts are those of the array where it has its own."""
        cfg = self.cfg
        hold(self, "values", (cfg.inputs, cfg.block_rows), code_range(cfg.weight_bits))
        hold(self, "shifts", (cfg.block_rows, cfg.block_columns), (0, cfg.p - 1))
        if cfg.product == "pow2":
            rule = "0 or plus or minus a power of two"
            _same("values", self.values, nearest_powers(cfg, self.values), rule)
        if cfg.k != "loaded":
            _same("shifts", self.shifts, shifts(cfg), "that of the array")

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        j, r, i = places(self.cfg, self.shifts)
        w = np.zeros((self.cfg.inputs, self.cfg.outputs), dtype=np.int64)
        w[j, i] = self.values[j, r]
        return w

    @property
    def q(self) -> Ints:
        """The paper's q, int64[blocks * p]: entry l p + c is in row c of block l."""
        cfg = self.cfg
        q = np.zeros((cfg.block_rows, cfg.block_columns, cfg.p), dtype=np.int64)
        j, r, i = places(cfg, self.shifts)
        q[r, j // cfg.p, i % cfg.p] = self.values[j, r]
        return q.reshape(-1)

    @property
    def bits(self) -> int:
        """Bits stored: weights, those of padded rows included, and shifts that are not natural."""
        cfg = self.cfg
        return super().bits + cfg.block_rows * cfg.block_columns * cfg.shift_bits

    def words(self) -> dict[str, Ints]:
        """Return the words: ``w`` int64[beats, units], step by step, each with all inputs.

        Within a word stand the block rows of the step. Powers of two are codes: a sign above, then
        0 for zero, else e + 1 for 2^e. Shifts that are loaded come first, step by step, each with
        all block columns.
        """
        cfg = self.cfg
        full = _by_steps(cfg, self.values)
        if cfg.product == "pow2":
            full = power_codes(cfg, full)
        if cfg.k == "loaded":
            full = np.concatenate([_by_steps(cfg, self.shifts.T), full])
        return {"w": full}


def _same(name: str, given: Ints, right: Ints, rule: str) -> None:
    """Raise ValueError with the first place where what is given is not right."""
    wrong = np.argwhere(given != right)
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        raise ValueError(f"permdiag: {name}{list(place)} must be {rule}, not {given[place]}")


def _by_steps(cfg: Config, values: Ints) -> Ints:
    """Return values int64[n, block rows] as int64[steps * n, units]."""
    full = np.zeros((len(values), cfg.steps * cfg.units), dtype=np.int64)
    full[:, : cfg.block_rows] = values
    cut = full.reshape(len(values), cfg.steps, cfg.units)
    return cut.transpose(1, 0, 2).reshape(-1, cfg.units)


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return a tile of weights int[inputs, outputs].

    Raises
    ------
    TypeError, ValueError
        The weights are no integers, of another shape, do not fit ``weight_bits``, are not zero off
        the diagonals, or no powers of two; the message has row, column and value.
    """
    w = matrix(cfg, w, code_range(cfg.weight_bits))
    k = nearest_shifts(cfg, w)
    j, r, i = places(cfg, k)
    outside = np.argwhere(w != project(cfg, w))
    if len(outside):
        row, column = (int(place) for place in outside[0])
        on = column in i[j == row]
        off = "0 off the block's diagonal" if cfg.k == "loaded" else "0 off the diagonals"
        rule = "0 or plus or minus a power of two" if on else off
        found = w[row, column]
        raise ValueError(f"permdiag: w[{row}, {column}] must be {rule}, not {found}")
    values = np.zeros((cfg.inputs, cfg.block_rows), dtype=np.int64)
    values[j, r] = w[j, i]
    return Packed(cfg, values, k)


def model_by_inputs(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, input by input and step by step as the hardware works.

    Zero inputs are skipped; a word's weights add to the rows that the input meets.
    """
    x = activations(cfg, x)
    stored = packed.words()["w"][cfg.shift_words :].reshape(cfg.steps, cfg.inputs, cfg.units)
    words = stored
    if cfg.product == "pow2":
        half = 1 << (cfg.stored_bits - 1)
        exponents = words % half
        words = np.where(exponents > 0, 1 << np.maximum(exponents - 1, 0), 0)
        words = np.where(stored >= half, -words, words)
    met = np.full((cfg.inputs, cfg.steps * cfg.units), -1, dtype=np.int64)
    met[:, : cfg.block_rows] = indices(packed.cfg, packed.shifts)
    y = np.zeros((len(x), cfg.outputs), dtype=np.int64)
    for vector, sums in zip(x, y, strict=True):
        for j in np.flatnonzero(vector):
            for step in range(cfg.steps):
                rows = met[j, step * cfg.units : (step + 1) * cfg.units]
                sums[rows[rows >= 0]] += (words[step, j] * vector[j])[rows >= 0]
    return y


def work(cfg: Config, x: ArrayLike) -> Ints:
    """Return the cycles that each vector keeps the array at work, int64[V].

    Each input that is not zero takes ``steps * planes`` cycles, and a beat of zeros takes one.
    """
    x = shaped(cfg, x)
    padded = np.zeros((len(x), cfg.chunks * cfg.width), dtype=np.bool_)
    padded[:, : cfg.inputs] = x != 0
    counts = padded.reshape(-1, cfg.chunks, cfg.width).sum(axis=2, dtype=np.int64)
    return np.asarray(np.maximum(counts * cfg.steps * cfg.planes, 1).sum(axis=1, dtype=np.int64))


def cycles(cfg: Config, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles from the first activation of all vectors to the last sum."""
    return cfg.cycles_of(int(work(cfg, x).sum()))


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of random weights, and vectors ``x``: extremes, zero, any."""
    low, high = code_range(cfg.weight_bits)
    w = rng.integers(low, high + 1, (cfg.inputs, cfg.outputs))
    packed = compress(cfg, project(cfg, w))
    return {"packed": packed, "x": corner_vectors(cfg, rng, n_vectors)}
