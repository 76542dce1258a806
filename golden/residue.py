"""Residue: small updates add up in low bits, whose overflow moves the level of a weight."""

import dataclasses
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import config
from nomul.golden.arrays import Floats, Ints, int64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Pipelined):
    """Parameters of a bank of residues.

    Parameters
    ----------
    low_bits
        L, bits of a residue, 2..16.
    levels
        Least and largest level of a weight; 0 is one of them.
    carry
        ``twos``: the residue is a two's complement number of L bits, and a carry is worth 2^L.
        ``trunc``: a carry is worth 2^(L-1), and the residue keeps its sign until it overflows.
    words
        Weights of the bank, 1..65536.
    """

    block_name: ClassVar[str] = "residue"

    low_bits: int = 7
    levels: tuple[int, int] = (-8, 7)
    carry: Literal["twos", "trunc"] = "twos"
    words: int = 16

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "twos": {"carry": "twos"},
        "trunc": {"carry": "trunc"},
        "small": {"low_bits": 4, "levels": (-128, 127), "words": 8},
    }

    def validate(self) -> None:
        """Check the ranges."""
        self.check_range("low_bits", 2, 16)
        low, high = self.levels
        inside = -(1 << 15) <= low <= 0 <= high < 1 << 15 and low < high
        self.check("levels", inside, "two of -32768..32767, rising, with 0 between or among them")
        self.check_choice("carry")
        self.check_range("words", 1, 65536)

    @property
    def unit(self) -> int:
        """What one level is worth in units of the residue."""
        return 1 << (self.low_bits if self.carry == "twos" else self.low_bits - 1)

    @property
    def largest_update(self) -> int:
        """Largest magnitude of an update that the hardware takes: 2^(L-1)."""
        return 1 << (self.low_bits - 1)

    @property
    def level_bits(self) -> int:
        """Bits of a level, two's complement."""
        low, high = self.levels
        return max(high, -low - 1).bit_length() + 1

    @property
    def value_bits(self) -> int:
        """Bits of what a request brings: an update, or a level to load."""
        return max(self.low_bits + 1, self.level_bits)

    @property
    def address_bits(self) -> int:
        """Bits of the address of a weight."""
        return max(1, (self.words - 1).bit_length())

    @property
    def latency(self) -> int:
        """Cycles from an update to the weight that it left."""
        return 2


class State(NamedTuple):
    """Levels, residues, and the signed carries that the rails cut off: int64[...] each."""

    upper: Ints
    acc: Ints
    lost: Ints


class Counts(NamedTuple):
    """What the updates of all weights wrote: bits of residues, level steps, and carries lost."""

    flips: int
    pulses: int
    lost: int


def split(cfg: Config, total: Ints) -> tuple[Ints, Ints]:
    """Return the carry of residue plus update, and the residue that is left, of the same shape."""
    if cfg.carry == "twos":
        carry = (total + (cfg.unit >> 1)) >> cfg.low_bits
    else:
        carry = np.sign(total) * (np.abs(total) >> (cfg.low_bits - 1))
    return carry, total - carry * cfg.unit


def history(cfg: Config, q: ArrayLike, start: ArrayLike = 0) -> State:
    """Return the state after each of T updates, int64[T, ...] each.

    Parameters
    ----------
    q
        Updates int[T, ...], of any size below 2^48 in sum.
    start
        Levels before the first of them; the residues are 0 then.

    Raises
    ------
    TypeError
        Updates or levels are not integers.
    ValueError
        There is no axis of updates, or a level is not one of the bank's.
    """
    q, start = _integers("q", q), _integers("start", start)
    if q.ndim == 0:
        raise ValueError("q must have an axis of updates, not be a single number")
    low, high = cfg.levels
    wrong = start[(start < low) | (start > high)]
    if wrong.size:
        raise ValueError(f"start must be in {low}..{high}, not {int(wrong[0])}")
    upper = np.broadcast_to(start, q.shape[1:]).copy()
    acc, lost = np.zeros_like(upper), np.zeros_like(upper)
    after = State(*(np.empty_like(q) for _ in State._fields))
    for t, update in enumerate(q):
        carry, acc = split(cfg, acc + update)
        moved = np.clip(upper + carry, low, high)
        lost = lost + upper + carry - moved
        upper = moved
        after.upper[t], after.acc[t], after.lost[t] = upper, acc, lost
    return after


def model(cfg: Config, q: ArrayLike, start: ArrayLike = 0) -> State:
    """Return levels, residues and lost carries after all updates, int64[...] each.

    Whatever the order of the rails: ``(upper - start + lost) unit + acc`` is the sum of q.

    Parameters
    ----------
    q, start
        As of :func:`history`.
    """
    after = history(cfg, q, start)
    if not len(after.acc):
        upper = np.broadcast_to(_integers("start", start), after.acc.shape[1:]).copy()
        return State(upper, np.zeros_like(upper), np.zeros_like(upper))
    return State(after.upper[-1], after.acc[-1], after.lost[-1])


def counts(cfg: Config, q: ArrayLike, start: ArrayLike = 0) -> Counts:
    """Return what the updates wrote.

    ``flips`` are bits of the residues that change, in two's complement of L bits; ``pulses`` are
    steps of levels; ``lost`` are carries that a rail cut off, of either sign.
    """
    after = history(cfg, q, start)
    upper, acc, lost = (np.zeros_like(part, shape=(1, *part.shape[1:])) for part in after)
    upper = upper + _integers("start", start)
    changed = np.concatenate([acc, after.acc[:-1]]) ^ after.acc
    bits = (changed[..., None] >> np.arange(cfg.low_bits)) & 1
    pulses = np.abs(np.diff(after.upper, axis=0, prepend=upper))
    cut = np.abs(np.diff(after.lost, axis=0, prepend=lost))
    return Counts(int(bits.sum()), int(pulses.sum()), int(cut.sum()))


def ideal(cfg: Config, q: ArrayLike, start: ArrayLike = 0) -> Floats:
    """Return the weights in levels where nothing is rounded or cut off, float64[...].

    This is the accumulator of HIC, arXiv 2102.05271, reconstructed from its abstract.
    """
    total = np.asarray(q, dtype=np.float64).sum(axis=0) / cfg.unit
    return np.asarray(start, dtype=np.float64) + total


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 30) -> dict[str, Ints]:
    """Return updates ``q``, int64[n, words], as the hardware takes them, and levels ``start``.

    A third of the updates are small, a third of any size, and a third the largest, of a sign that
    each weight keeps, so that levels meet their rails; the first weights start there.
    """
    largest, shape = cfg.largest_update, (n, cfg.words)
    small = rng.integers(-min(8, largest), min(8, largest) + 1, shape)
    plain = rng.integers(-largest, largest + 1, shape)
    steep = np.broadcast_to(np.where(np.arange(cfg.words) % 2, -largest, largest), shape)
    kind = rng.integers(0, 3, shape)
    low, high = cfg.levels
    start = rng.integers(low, high + 1, cfg.words)
    start[:2] = [high, low][: cfg.words]
    return {"q": np.choose(kind, [small, plain, steep]), "start": start}


def _integers(name: str, values: ArrayLike) -> Ints:
    """Return integers as int64; whatever else they are is a TypeError."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    return int64(name, array)
