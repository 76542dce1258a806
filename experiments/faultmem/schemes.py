"""Ways to spend energy on writes: the same for all bits, more for higher ones, or check bits."""

import tomllib
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nomul.golden import faultmem
from nomul.golden.arrays import Ints
from nomul.golden.faultmem import Config, secded

RESOLUTION = 30
# The worth of a bit doubles and its error's square quadruples from one to the next, so the least
# energy for an expected square error has chances that fall by four.
STEP = 2 * float(np.log10(2))

Array = NDArray[Any]


class Scheme(NamedTuple):
    """How much a bit's power of ten falls per step of its worth, and whether check bits correct."""

    name: str
    rise: float = 0.0
    check: bool = False


SCHEMES = (
    Scheme("one energy for all bits"),
    Scheme("more energy for higher bits", rise=STEP),
    Scheme("one energy, SECDED", check=True),
)


def decades() -> float:
    """Return the power of ten by which a write fails at the nominal energy, a model's constant."""
    text = resources.files("nomul.golden.faultmem").joinpath("device.toml").read_text()
    return float(tomllib.loads(text)["write"]["decades"])


def weights_of(bits: int) -> tuple[int, ...]:
    """Return by how many doublings each bit of a number is worth less than its highest."""
    return tuple(range(bits - 1, -1, -1))


class Writer:
    """A memory that is written by a scheme, and what its writes have cost.

    Energy is a model: a failure's chance falls as a power of ten with it, 10^-decades at the
    nominal energy of a bit, and only bits that change are paid for.

    Parameters
    ----------
    scheme
        How energy is spent.
    worth
        By how many doublings each bit of a word is worth less than the highest.
    power
        The highest bit fails with a chance of 10^-power.
    start
        Words that it holds, int[n].
    seed
        Of the random numbers.
    """

    def __init__(
        self, scheme: Scheme, worth: tuple[int, ...], power: float, start: Ints, seed: int
    ):
        self.bits, self.check = len(worth), scheme.check
        powers = np.maximum(power - scheme.rise * np.array(worth, dtype=float), 0.0)
        if self.check:
            powers = np.append(powers, np.full(secded.check_bits(self.bits), power))
        self.powers = powers
        most = (1 << RESOLUTION) - 1  # a bit without energy keeps its old value all but always
        chances = tuple(min(int(p), most) for p in np.round(2.0**RESOLUTION * 10.0**-powers))
        cfg = Config(
            words=len(start),
            bits=len(powers),
            bank_bits=32,
            resolution=RESOLUTION,
            seed=seed,
            p01=chances,
            p10=chances,
        )
        self._store = faultmem.Store(cfg, self._coded(start))
        self.changed = np.zeros(len(powers), dtype=np.int64)

    def write(self, words: Ints) -> None:
        """Write all words; those that are held already cost nothing."""
        coded = self._coded(words)
        change = self._store.memory ^ coded
        where = np.flatnonzero(change)
        self.changed += ((change[where, None] >> np.arange(len(self.powers))) & 1).sum(axis=0)
        self._store.write(where, coded[where])

    @property
    def words(self) -> Ints:
        """What is read: int64[n], corrected where check bits can."""
        held = self._store.memory
        return secded.decode(held, self.bits).word if self.check else held.copy()

    @property
    def energy(self) -> float:
        """Energy of all writes, in units of a bit's nominal one."""
        return float((self.changed * self.powers).sum()) / decades()

    def _coded(self, words: Ints) -> Ints:
        return secded.encode(words, self.bits) if self.check else words
