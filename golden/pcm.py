"""Phase-change cells under the levels of weights: what is read is not what was written.

HIC, arXiv 2102.05271, keeps the levels of its weights in such cells. Only its abstract was
readable, so the model is the usual one: noise of programming, a conductance that decays with a
power of time, an exponent of its own for every cell, and noise of reading. It is no hardware.
"""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import residue
from nomul.golden.arrays import Floats


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells:
    """Constants of the cells, to be edited: typical of such cells, and nobody's in particular.

    Parameters
    ----------
    programming
        Standard deviation of a level as it is written, in levels.
    drift, spread
        Mean and standard deviation, over cells, of the exponent nu by which a level decays.
    reading
        Standard deviation of one read, in levels.
    first
        Seconds after which a level is what was programmed; drift counts from there.
    """

    programming: float = 0.1
    drift: float = 0.05
    spread: float = 0.01
    reading: float = 0.05
    first: float = 1.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not np.isfinite(value) or value < 0 or (field.name == "first" and value == 0):
                least = "above 0" if field.name == "first" else "at least 0"
                raise ValueError(f"pcm.{field.name} must be a number {least}, not {value}")


def read(
    cfg: residue.Config,
    cells: Cells,
    upper: ArrayLike,
    seconds: float,
    rng: np.random.Generator,
) -> Floats:
    """Return levels as they are read so many seconds after they were written, float64[...].

    (level + programming noise) (seconds / first)^-nu + reading noise, where nu is normal, and a
    negative level is a cell that counts negative. Before ``first`` nothing has drifted.

    Parameters
    ----------
    cfg
        The bank, whose levels these are.
    upper
        Levels int[...].
    rng
        Of all noise; each call programs the cells anew.

    Raises
    ------
    TypeError, ValueError
        Levels are no integers, or not the bank's; seconds are negative or no number.
    """
    levels = np.asarray(upper)
    if levels.dtype.kind not in "iu":
        raise TypeError(f"upper must hold integers, not {levels.dtype}")
    low, high = cfg.levels
    wrong = levels[(levels < low) | (levels > high)]
    if wrong.size:
        raise ValueError(f"upper must be in {low}..{high}, not {int(wrong[0])}")
    if not np.isfinite(seconds) or seconds < 0:
        raise ValueError(f"seconds must be a number of at least 0, not {seconds}")
    written = levels + rng.normal(0.0, cells.programming, levels.shape)
    exponent = rng.normal(cells.drift, cells.spread, levels.shape)
    decayed = written * (max(1.0, seconds / cells.first) ** -exponent)
    return np.asarray(decayed + rng.normal(0.0, cells.reading, levels.shape), dtype=np.float64)


def mean(cells: Cells, level: float, seconds: float) -> float:
    """Return the mean of what is read of a level, over cells: the exponent's is log-normal."""
    log = np.log(max(1.0, seconds / cells.first))
    return float(level * np.exp(-cells.drift * log + (cells.spread * log) ** 2 / 2))
