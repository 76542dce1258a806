"""N:M sorter: the N weights of largest magnitude out of each group of M, in their order."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import config
from nomul.golden.arrays import Floats, Ints


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of an N:M sorter.

    Parameters
    ----------
    keep
        N, weights that stay of a group, 1..64 and at most M.
    group
        M, weights of a group, 1..256.
    weight_bits
        Bits of a weight, its sign included, 2..32.
    """

    block_name: ClassVar[str] = "nmsort"

    keep: int = 2
    group: int = 4
    weight_bits: int = 8

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "2of4": {"keep": 2, "group": 4},
        "2of8": {"keep": 2, "group": 8},
        "1of8": {"keep": 1, "group": 8},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("group", 1, 256)
        self.check_range("keep", 1, min(64, self.group))
        self.check_range("weight_bits", 2, 32)

    @property
    def index_bits(self) -> int:
        """Bits of a weight's place in its group."""
        return max(1, (self.group - 1).bit_length())

    @property
    def latency(self) -> int:
        """Cycles from the last weight of a group to what stays of it."""
        return 1

    @property
    def interval(self) -> int:
        """Cycles between two groups: M."""
        return self.group

    def cycles(self, n: int) -> int:
        """Cycles from the first of ``n`` groups in to the last out, inclusive, without stalls."""
        return n * self.interval + self.latency


class Survivors(NamedTuple):
    """What stays of each group: value and place, its index in the group, int64[..., N] each."""

    value: Ints
    place: Ints


def largest(w: ArrayLike, keep: int) -> Ints:
    """Return the indices of the ``keep`` largest magnitudes along the last axis, ascending.

    Of equal magnitudes the first stays. A magnitude is taken in 64 bits, since that of the least
    weight does not fit its own width.

    Parameters
    ----------
    w
        int or float[..., M], M at least ``keep``.

    Returns
    -------
    int64[..., keep]
    """
    w = np.asarray(w)
    magnitude = np.abs(w.astype(np.float64 if w.dtype.kind == "f" else np.int64))
    order = np.argsort(-magnitude, axis=-1, kind="stable")
    return np.sort(order[..., :keep], axis=-1).astype(np.int64)


def ideal(cfg: Config, w: ArrayLike) -> Floats:
    """Return the pruned groups, float64[..., M]: N weights stay and the others are zero.

    This is the N:M sparsity of arXiv 2309.13015, reconstructed from its abstract.
    """
    w = np.asarray(w, dtype=np.float64)
    pruned = np.zeros_like(w)
    index = largest(w, cfg.keep)
    np.put_along_axis(pruned, index, np.take_along_axis(w, index, axis=-1), axis=-1)
    return pruned


def model(cfg: Config, w: ArrayLike) -> Survivors:
    """Return value and index of what stays of each group, sorted by index.

    Parameters
    ----------
    w
        int[..., M] of ``weight_bits`` bits, two's complement.

    Raises
    ------
    TypeError
        The weights are not integers.
    ValueError
        The last axis is not a group, or a weight does not fit.
    """
    w = np.asarray(w)
    if w.dtype.kind not in "iu":
        raise TypeError(f"w must hold integers, not {w.dtype}")
    if w.ndim == 0 or w.shape[-1] != cfg.group:
        raise ValueError(f"w must end in groups of {cfg.group}, not be of shape {list(w.shape)}")
    most = 1 << (cfg.weight_bits - 1)
    wrong = w[(w < -most) | (w >= most)]
    if wrong.size:
        raise ValueError(f"w must be in {-most}..{most - 1}, not {int(wrong[0])}")
    w = w.astype(np.int64)
    index = largest(w, cfg.keep)
    return Survivors(np.take_along_axis(w, index, axis=-1), index)


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 40) -> dict[str, Ints]:
    """Return groups ``w``, int64[n + 6, M]: random ones, and those where ties and rails decide.

    All weights zero, all the least one, both signs of one magnitude, rising, falling, and few
    distinct values, so that most magnitudes meet an equal one.
    """
    most, m = 1 << (cfg.weight_bits - 1), cfg.group
    rising = np.linspace(0, most - 1, m).astype(np.int64)
    corners = [
        np.zeros(m, dtype=np.int64),
        np.full(m, -most),
        np.where(np.arange(m) % 2, -1, 1) * (most - 1),
        rising,
        rising[::-1],
        np.where(np.arange(m) % 3, most - 1, -most),
    ]
    random = rng.integers(-most, most, (n, m))
    few = rng.integers(-min(2, most), min(2, most), (n, m))
    return {"w": np.concatenate([corners, np.where(np.arange(n)[:, None] % 2, few, random)])}
