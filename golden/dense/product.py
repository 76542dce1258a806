"""The dense product: weights as they are, and y = W^T x."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.dense.config import Config
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    code_range,
    corner_vectors,
    hold,
    in_parts,
    integers,
    matrix,
)


@dataclass(frozen=True, eq=False)
class Packed(tile.Stored[Config]):
    """A tile of plain weights.

    Parameters
    ----------
    values
        int64[inputs, outputs].
    """

    kind = Config

    def __post_init__(self) -> None:
        """Check shape and range."""
        shape = (self.cfg.inputs, self.cfg.outputs)
        hold(self, "values", shape, code_range(self.cfg.weight_bits))

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return self.values

    def words(self) -> dict[str, Ints]:
        """Return the words: ``w`` int64[beats, load * lanes * columns].

        Steps follow one another, group by group, chunk by chunk. Within a step lanes do, each with
        all columns of the group.
        """
        cfg = self.cfg
        full = np.zeros((cfg.chunks * cfg.lanes, cfg.groups * cfg.columns), dtype=np.int64)
        full[: cfg.inputs, : cfg.outputs] = self.values
        cut = full.reshape(cfg.chunks, cfg.lanes, cfg.groups, cfg.columns)
        steps = np.zeros((cfg.depth * cfg.load, cfg.lanes * cfg.columns), dtype=np.int64)
        steps[: cfg.steps] = cut.transpose(2, 0, 1, 3).reshape(cfg.steps, -1)
        return {"w": steps.reshape(cfg.depth, -1)}


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return a tile of weights int[inputs, outputs].

    Raises
    ------
    TypeError, ValueError
        The weights are no integers, of another shape, or do not fit ``weight_bits``.
    """
    return Packed(cfg, matrix(cfg, w, code_range(cfg.weight_bits)))


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return the nearest weights that fit: each clipped to ``weight_bits``."""
    low, high = code_range(cfg.weight_bits)
    return np.clip(integers("w", w), low, high)


def model_by_steps(cfg: Config, packed: Packed, x: ArrayLike) -> Ints:
    """Return the same as :func:`model`, word by word as the hardware works.

    Bit-serial arrays go through the planes of a group's activations from the most significant on,
    doubling what they have, and subtract the top plane of signed ones.
    """
    beats = in_parts(cfg, x, cfg.chunks, cfg.lanes)
    steps = packed.words()["w"].reshape(-1, cfg.lanes * cfg.columns)[: cfg.steps]
    words = steps.reshape(cfg.groups, cfg.chunks, cfg.lanes, cfg.columns)
    sums = np.zeros((len(beats), cfg.groups, cfg.columns), dtype=np.int64)
    for plane in reversed(range(cfg.planes)):
        bits = (beats >> plane) & 1 if cfg.array == "bitserial" else beats
        part = np.einsum("vkl,gklc->vgc", bits, words)
        top = cfg.array == "bitserial" and cfg.act_signed and plane == cfg.act_bits - 1
        sums = 2 * sums + (-part if top else part)
    return sums.reshape(len(beats), -1)[:, : cfg.outputs]


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a tile ``packed`` of random weights, and vectors ``x``: extremes, zero, any."""
    low, high = code_range(cfg.weight_bits)
    w = rng.integers(low, high + 1, (cfg.inputs, cfg.outputs))
    return {"packed": compress(cfg, w), "x": corner_vectors(cfg, rng, n_vectors)}
