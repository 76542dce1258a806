"""SONIC's fully connected unit as a member of the matrix-vector products: few levels, codes."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import sonic
from nomul.golden.arrays import Floats, Ints
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    activations,
    code_range,
    corner_vectors,
    hold,
    ideal,
    integers,
    matrix,
    sum_bits,
)

__all__ = ["Config", "Packed", "compress", "cycles", "ideal", "model", "project", "stimuli"]

# Cycles between two tasks.
BETWEEN = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(sonic.Config):
    """Parameters of the accelerator, and the size of a tile.

    Parameters
    ----------
    inputs, outputs
        K weights of an output, and C outputs, of a layer that is given as one task.
    """

    act_signed: ClassVar[bool] = True  # activations are two's complement
    exact: ClassVar[bool] = True  # y is W^T x

    inputs: int = 64
    outputs: int = 16
    act_bits: int = 8
    level_bits: int = 8
    code_bits: int = 4

    def validate(self) -> None:
        """Check the size too, and that sums are exact."""
        super().validate()
        self.check_range("inputs", 1, self.max_length)
        self.check_range("outputs", 1, (1 << self.address_bits) - 1)
        self.check("adc_bits", self.adc_bits is None, "None: a member's sums are exact")
        self.check("fc_resolution", self.fc_resolution is None, "None: a member's sums are exact")

    @property
    def weight_bits(self) -> int:
        """Bits of a level."""
        return self.level_bits

    @property
    def width(self) -> int:
        """Activations of a beat."""
        return self.compactor_width

    @property
    def y_lanes(self) -> int:
        """Sums of a beat."""
        return self.fc_units

    @property
    def y_bits(self) -> int:
        """Bits of a signed sum."""
        return sum_bits(self.inputs, self.level_bits, self.act_bits)


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile of codes and their codebook.

    Parameters
    ----------
    cfg
        The accelerator.
    codes
        int64[outputs, inputs], as the accelerator takes them.
    codebook
        int64, levels; the first is zero.
    """

    kind = Config

    cfg: Config
    codes: Ints
    codebook: Ints

    def __post_init__(self) -> None:
        """Check shapes and ranges, and that the first level is zero."""
        cfg = self.cfg
        count = np.size(self.codebook)
        hold(self, "codebook", (count,), code_range(cfg.level_bits))
        if not 1 <= count <= 1 << cfg.code_bits or self.codebook[0]:
            rule = f"zero and at most {(1 << cfg.code_bits) - 1} levels"
            raise ValueError(f"sonic: codebook must be {rule}, not {self.codebook.tolist()}")
        hold(self, "codes", (cfg.outputs, cfg.inputs), (0, count - 1))

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return np.ascontiguousarray(self.codebook[self.codes].T)

    @property
    def beats(self) -> int:
        """Levels of the codebook but zero, and one code for each weight."""
        return len(self.codebook) - 1 + self.codes.size

    @property
    def first(self) -> int:
        """Levels of the codebook but zero: codes are fetched while a vector computes."""
        return len(self.codebook) - 1

    def fetched(self, x: Ints) -> int:
        """Return the bits of the levels, and of the codes of all activations that are not zero."""
        codes = int(np.count_nonzero(x)) * self.cfg.outputs * self.cfg.code_bits
        return self.first * self.cfg.level_bits + codes

    @property
    def bits(self) -> int:
        """Bits stored: codes, and the levels of the codebook."""
        levels = (len(self.codebook) - 1) * self.cfg.level_bits
        return self.codes.size * self.cfg.code_bits + levels

    def words(self) -> dict[str, Ints]:
        """Return ``code``, int64[outputs * inputs]; the codebook is a stream of its own."""
        return {"code": self.codes.reshape(-1)}


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return codes of weights that have at most ``2**code_bits`` levels, zero among them.

    Raises
    ------
    TypeError, ValueError
        The weights are no integers, of another shape, do not fit ``level_bits``, or have more
        levels; the message has the place of the first weight that has none.
    """
    w = matrix(cfg, w, code_range(cfg.level_bits))
    # Levels in order of appearance, so that the first that is too much can be named.
    values, first, codes = np.unique(w.T, return_index=True, return_inverse=True)
    keep = values != 0
    order = np.argsort(first[keep])
    levels = values[keep][order]
    most = (1 << cfg.code_bits) - 1
    if len(levels) > most:
        column, row = divmod(int(first[keep][order][most]), cfg.inputs)
        raise ValueError(
            f"sonic: w[{row}, {column}] is level {most + 1} beside zero, {levels[most]}; "
            f"code_bits {cfg.code_bits} allows {most}"
        )
    levels = np.sort(levels)
    codebook = np.concatenate([np.zeros(1, dtype=np.int64), levels])
    number = np.where(values == 0, 0, 1 + np.searchsorted(levels, values))
    return Packed(cfg, number[codes].reshape(w.T.shape), codebook)


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest weights of at most ``2**code_bits`` levels, zero always one of them.

    Nearest by the sum of squares, and exact: sorted values are cut into intervals by dynamic
    programming. A level is the mean of its interval, rounded half to even and clipped, but one
    interval's level may be zero at no cost of a code.
    """
    w = integers("w", w)
    low, high = code_range(cfg.level_bits)
    values, inverse, count = np.unique(w, return_inverse=True, return_counts=True)
    most = (1 << cfg.code_bits) - 1
    levels = _optimal(values, count, most, low, high)
    near = np.abs(values[:, None] - levels)
    return np.asarray(levels[near.argmin(axis=1)][inverse].reshape(w.shape))


def _optimal(values: Ints, count: Ints, most: int, low: int, high: int) -> Ints:
    """Return zero and at most ``most`` levels that are nearest to ``count`` of each value."""
    n = len(values)
    total = [np.concatenate([[0], np.cumsum(count * values**k)]) for k in range(3)]
    # best[z, k, j]: least cost of the first j values by k levels, and zero if z.
    best = np.full((2, most + 1, n + 1), np.inf)
    best[0, 0, 0] = 0.0
    came = np.zeros((2, most + 1, n + 1, 2), dtype=np.int64)
    for j in range(1, n + 1):
        size, first, second = (t[j] - t[:j] for t in total)
        mean = np.clip(np.rint(first / size), low, high)
        own: Floats = second - 2 * mean * first + mean**2 * size
        for z in range(2):
            if most:
                options = best[z, :-1, :j] + own
                start = options.argmin(axis=1)
                best[z, 1:, j] = options.min(axis=1)
                came[z, 1:, j] = np.stack([start, np.full(most, z)], axis=1)
        options = best[0, :, :j] + second
        start = options.argmin(axis=1)
        zero = options.min(axis=1)
        better = zero < best[1, :, j]
        best[1, :, j] = np.where(better, zero, best[1, :, j])
        came[1, better, j] = np.stack([start[better], np.full(int(better.sum()), 2)], axis=1)
    z, k = divmod(int(best[:, :, n].argmin()), most + 1)
    levels, j = [0], n
    while j:
        start, kind = (int(v) for v in came[z, k, j])
        if kind == 2:
            z = 0
        else:
            size, first = total[0][j] - total[0][start], total[1][j] - total[1][start]
            levels.append(int(np.clip(np.rint(first / size), low, high)))
            k -= 1
        j = start
    return np.unique(np.array(levels, dtype=np.int64))


def model(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return y = W^T x, int64[V, outputs], of activations x int[V, inputs]."""
    x = activations(cfg, x)
    return sonic.fc(cfg, packed.codes, packed.codebook, x).y


def cycles(cfg: Config, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles of all vectors, a task each: zero activations save rounds.

    A task is taken in the second cycle after the results of the one before it have left.
    """
    x = activations(cfg, x)
    kinds = -(-cfg.outputs // cfg.fc_units)
    total = 0
    for vector in x:
        survivors = int(np.count_nonzero(vector))
        rounds = kinds * max(1, -(-survivors // cfg.fc_lanes))
        total += cfg.cycles(rounds, beats=cfg.beats("fc", vector))
    return total + BETWEEN * max(0, len(x) - 1)


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of few levels, and vectors ``x``: extremes, zero, sparse, any."""
    low, high = code_range(cfg.level_bits)
    levels = rng.integers(low, high + 1, (1 << cfg.code_bits) - 1)
    levels = np.concatenate([np.zeros(1, dtype=np.int64), levels])
    w = levels[rng.integers(0, len(levels), (cfg.inputs, cfg.outputs))]
    return {"packed": compress(cfg, w), "x": corner_vectors(cfg, rng, n_vectors)}
