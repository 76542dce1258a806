"""Zero compactor: the survivors of a vector, in order, packed into full beats."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import config
from nomul.golden.arrays import Ints


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Parameters of a zero compactor.

    Parameters
    ----------
    width
        P, elements taken per beat, 1..64.
    lanes
        L, elements given per beat, 1..256.
    value_bits
        Bits of an element, 1..256.
    max_length
        Longest vector that indices can number, 1..65536.
    """

    block_name: ClassVar[str] = "compactor"

    width: int = 8
    lanes: int = 50
    value_bits: int = 16
    max_length: int = 4096

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "narrow": {"width": 8, "lanes": 8, "max_length": 512},
        "wide": {"width": 16, "lanes": 50, "max_length": 512},
        "few": {"width": 8, "lanes": 5, "value_bits": 7, "max_length": 256},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("width", 1, 64)
        self.check_range("lanes", 1, 256)
        self.check_range("value_bits", 1, 256)
        self.check_range("max_length", 1, 65536)

    @property
    def index_bits(self) -> int:
        """Bits of an index."""
        return max(1, (self.max_length - 1).bit_length())

    @property
    def room(self) -> int:
        """Elements that the buffer holds between two beats."""
        return max(self.width, self.lanes)

    @property
    def latency(self) -> int:
        """Cycles from the last beat in to the last beat out, where it fits one beat."""
        return 2

    @property
    def interval(self) -> int:
        """Cycles between two beats in, at most: 1 if L is not less than P."""
        return -(-self.width // self.lanes)

    def cycles(self, n: int) -> int:
        """Cycles from the first of ``n`` beats in to the last beat out, inclusive.

        Without stalls, where L is not less than P and the last beat out needs no second one.
        """
        return n + self.latency


class Beats(NamedTuple):
    """What leaves: values and places int64[beats, L], keep bool[beats, L], last bool[beats]."""

    values: Ints
    places: Ints
    keep: NDArray[np.bool_]
    last: NDArray[np.bool_]


def ideal(values: ArrayLike, mask: ArrayLike) -> NDArray[np.float64]:
    """Return the survivors of one vector."""
    return np.asarray(values, dtype=np.float64)[np.asarray(mask, dtype=bool)]


def model(cfg: Config, values: ArrayLike, mask: ArrayLike) -> Beats:
    """Return the beats of one vector: survivors in order, L per beat, the rest zero.

    A vector without survivors gives one beat that keeps nothing, so that what follows sees its end.

    Parameters
    ----------
    values
        int[J], 1 <= J <= ``max_length``.
    mask
        Whether each survives, of the same shape.

    Raises
    ------
    ValueError
        Shapes differ, or the vector is empty or too long.
    """
    values, mask = np.asarray(values, dtype=np.int64), np.asarray(mask, dtype=bool)
    if values.ndim != 1 or values.shape != mask.shape:
        raise ValueError(f"values and mask must be of one shape [J], not {list(values.shape)}")
    if not 1 <= len(values) <= cfg.max_length:
        raise ValueError(f"values must hold 1..{cfg.max_length} elements, not {len(values)}")
    index = np.flatnonzero(mask)
    beats = max(1, -(-len(index) // cfg.lanes))
    padded = np.zeros((3, beats * cfg.lanes), dtype=np.int64)
    padded[:, : len(index)] = [values[index], index, np.ones_like(index)]
    result = padded.reshape(3, beats, cfg.lanes)
    return Beats(result[0], result[1], result[2] != 0, np.arange(beats) == beats - 1)


def slots(cfg: Config, mask: ArrayLike) -> int:
    """Return the cycles from a vector's first beat in to its last beat out, less the latency.

    Its beats in, ceil(J / P); one more where the last one fills two beats out; and the waits of a
    compactor that gives fewer lanes than it takes.

    Parameters
    ----------
    mask
        Whether each element survives, [J].
    """
    mask = np.asarray(mask, dtype=bool)
    counts = np.add.reduceat(mask, np.arange(0, len(mask), cfg.width), dtype=np.int64)
    cycles, held = 0, 0
    for beat, count in enumerate(counts.tolist()):
        waits = max(0, -(-held // cfg.lanes) - 1)
        held += count - waits * cfg.lanes
        cycles += waits + 1
        if beat < len(counts) - 1 and held > cfg.lanes:
            held -= cfg.lanes
    return cycles + max(0, -(-held // cfg.lanes) - 1)


def vectors(cfg: Config, rng: np.random.Generator, n: int = 24) -> list[tuple[Ints, Ints]]:
    """Return vectors and their masks: none, all, exactly full beats, and of every density."""
    limit = min(cfg.max_length, 4 * max(cfg.lanes, cfg.width))
    some = []
    for k in range(n):
        length = int(rng.integers(1, limit + 1)) if k % 3 else min(limit, 2 * cfg.room + cfg.lanes)
        values = rng.integers(0, 1 << min(cfg.value_bits, 62), length)
        mask = (rng.random(length) < k / (n - 1 or 1)).astype(np.int64)
        some.append((values, mask))
    full = np.zeros(limit, dtype=np.int64)
    full[: min(cfg.lanes, limit)] = 1  # exactly one beat, then nothing until last
    some.append((rng.integers(0, 1 << min(cfg.value_bits, 62), limit), full))
    return some


def stimuli(cfg: Config, rng: np.random.Generator) -> dict[str, Ints]:
    """Return ``values`` and ``mask`` of the longest of :func:`vectors` with some of each kind."""
    mixed = [vector for vector in vectors(cfg, rng) if 0 < vector[1].sum() < len(vector[1])]
    values, mask = max(mixed, key=lambda vector: len(vector[0]), default=vectors(cfg, rng)[-1])
    return {"values": values, "mask": mask}
