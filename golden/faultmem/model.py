"""What a memory holds after writes of which some bits failed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import lfsr
from nomul.golden.arrays import Floats, Ints
from nomul.golden.faultmem.config import Config


class Memory(NamedTuple):
    """Words int64[words] after all writes, and failures of each bit, int64[bits]."""

    memory: Ints
    failures: Ints


class History(NamedTuple):
    """Of each write, int64[n] each: the word afterwards, the bits that failed, and its cycles.

    A write to an address behind the memory is dropped: its word is 0, and it takes one cycle.
    """

    word: Ints
    failed: Ints
    cycles: Ints


class Register:
    """Random numbers of a bank, in the order in which its bits draw."""

    def __init__(self, cfg: Config, seed: int):
        self.cfg, self.state = cfg, np.array([seed], dtype=np.int64)

    def draw(self, n: int) -> Ints:
        """Return the next n numbers, int64[n], of ``cfg.draw_bits`` bits."""
        if n == 0:
            return np.zeros(0, dtype=np.int64)
        states = lfsr.walk(self.cfg.step, self.state, n + 1)
        self.state = states[-1]
        return states[:n, 0] & ((1 << self.cfg.draw_bits) - 1)


class Bank:
    """Decides which of a bank's changing bits fail.

    Attributes
    ----------
    register
        Where its random numbers come from.
    gap
        With ``gap``: how many more bits do well before one fails.
    """

    def __init__(self, cfg: Config, number: int):
        self.register = Register(cfg, cfg.seeds[number])
        self.thresholds = cfg.gaps[number]
        self.counts = cfg.drawing == "gap"
        self.gap = self._next() if self.thresholds else 0

    def fails(self, threshold: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which of the next bits fail, bool[n]; ``threshold`` int64[n] are their chances."""
        failing = np.zeros(len(threshold), dtype=bool)
        if not self.counts:
            return self.register.draw(len(threshold)) < threshold
        if not self.thresholds:
            return failing
        at = self.gap
        while at < len(threshold):
            failing[at] = True
            at += 1 + self._next()
        self.gap = at - len(threshold)
        return failing

    def _next(self) -> int:
        """Draw a gap, its lowest bit first."""
        bits = self.register.draw(len(self.thresholds)) < np.array(self.thresholds)
        return sum(1 << k for k in np.flatnonzero(bits).tolist())


class Store:
    """A memory between writes, for whoever reads and writes in turns, as a training does.

    Parameters
    ----------
    cfg
        Sizes, chances and banks.
    start
        What it holds, int[words]; 0 unless given.

    Attributes
    ----------
    memory
        Words int64[words].
    """

    def __init__(self, cfg: Config, start: ArrayLike | None = None):
        self.cfg = cfg
        self.memory = np.zeros(cfg.words, dtype=np.int64)
        if start is not None:
            self.memory[:] = _integers("start", start, (1 << cfg.bits) - 1)
        self._banks = [Bank(cfg, number) for number in range(len(cfg.banks))]

    def write(self, addresses: ArrayLike, data: ArrayLike) -> History:
        """Write words, and return what became of each; arguments and errors as of :func:`model`."""
        cfg, memory = self.cfg, self.memory
        address, word = _requests(cfg, addresses, data)
        after, failed = np.zeros_like(word), np.zeros_like(word)
        taken = np.ones_like(word)
        places = np.arange(cfg.bits)
        p01, p10 = cfg.chances("p01"), cfg.chances("p10")
        kept = np.flatnonzero(address < cfg.words)
        for part in _without_repetition(address[kept]):
            which = kept[part]
            old, new = memory[address[which]], word[which]
            changing = ((old ^ new)[:, None] >> places) & 1
            threshold = np.where((new[:, None] >> places) & 1, p01, p10)
            fails = np.zeros_like(changing)
            for bank, (low, end) in zip(self._banks, cfg.banks, strict=True):
                draws = changing[:, low:end].astype(bool)
                fails[:, low:end][draws] = bank.fails(threshold[:, low:end][draws])
                again = fails[:, low:end].sum(axis=1) * len(bank.thresholds)
                taken[which] = np.maximum(taken[which], draws.sum(axis=1) + again)
            failed[which] = (fails << places).sum(axis=1)
            after[which] = memory[address[which]] = new ^ failed[which]
        return History(after, failed, taken)


def model(
    cfg: Config, addresses: ArrayLike, data: ArrayLike, start: ArrayLike | None = None
) -> Memory:
    """Return what the memory holds, and how often each bit failed.

    A bit that is to change draws a random number of R bits, and keeps its old value if that is less
    than its threshold; bits that stay as they are draw nothing.

    Parameters
    ----------
    addresses
        int[n], each from 0. One behind the memory is dropped and draws nothing.
    data
        Words int[n] of ``cfg.bits`` bits.
    start
        What the memory holds before, int[words]; 0 unless given.

    Raises
    ------
    TypeError
        They are not integers.
    ValueError
        A word is out of range, an address below 0, or there are not as many of both.
    """
    memory, became = _written(cfg, addresses, data, start)
    places = np.arange(cfg.bits)
    return Memory(memory, ((became.failed[:, None] >> places) & 1).sum(axis=0))


def history(
    cfg: Config, addresses: ArrayLike, data: ArrayLike, start: ArrayLike | None = None
) -> History:
    """Return what became of each write; arguments and errors as of :func:`model`."""
    return _written(cfg, addresses, data, start)[1]


def cycles(
    cfg: Config, addresses: ArrayLike, data: ArrayLike, start: ArrayLike | None = None
) -> int:
    """Return the cycles from the first request to the last answer, both included, without stalls.

    A write takes as many as the bank with most bits to change has of those, one at least; with
    ``gap``, one more of it for each bit of a gap and each of its bits that fails.
    """
    return int(history(cfg, addresses, data, start).cycles.sum()) + cfg.latency


def ideal(cfg: Config, addresses: ArrayLike, data: ArrayLike) -> tuple[Floats, Floats]:
    """Return the chance of each bit to be 1, float64[words, bits], and the expected failures.

    The second is float64[bits]. Exact for ideal random numbers: a bit that is to become 1 and is 1
    with chance q fails with chance (1 - q) p01, and is 1 afterwards unless it does.
    """
    address, word = _requests(cfg, addresses, data)
    scale = float(1 << cfg.resolution)
    p01, p10 = cfg.chances("p01") / scale, cfg.chances("p10") / scale
    chance, expected = np.zeros((cfg.words, cfg.bits)), np.zeros(cfg.bits)
    bits = (word[:, None] >> np.arange(cfg.bits)) & 1
    for at, wanted in zip(address, bits, strict=True):
        if at >= cfg.words:
            continue
        before = chance[at]
        failing = np.where(wanted, (1 - before) * p01, before * p10)
        expected += failing
        chance[at] = np.where(wanted, 1 - failing, failing)
    return chance, expected


def stimuli(cfg: Config, rng: np.random.Generator, n: int = 200) -> dict[str, Ints]:
    """Return writes: random ones, the same word again, and all bits there and back."""
    address = rng.integers(0, cfg.words, n)
    data = rng.integers(0, 1 << cfg.bits, n)
    again = rng.random(n) < 0.2
    again[0] = False
    back = np.maximum.accumulate(np.where(again, 0, np.arange(n)))
    address, data = address[back], data[back]
    address[n // 2 : n // 2 + 8] = rng.integers(0, cfg.words)
    data[n // 2 : n // 2 + 8] = np.resize([0, (1 << cfg.bits) - 1], 8)
    return {"addresses": address, "data": data}


def _written(
    cfg: Config, addresses: ArrayLike, data: ArrayLike, start: ArrayLike | None
) -> tuple[Ints, History]:
    """Return the memory after all writes, and what became of each."""
    store = Store(cfg, start)
    became = store.write(addresses, data)
    return store.memory, became


def _without_repetition(address: Ints) -> Iterator[slice]:
    """Yield runs of writes in which no address comes twice, so that all old words are known."""
    order = np.argsort(address, kind="stable")
    same = address[order][1:] == address[order][:-1]
    before = np.full(len(address), -1)
    before[order[1:][same]] = order[:-1][same]
    start = 0
    while start < len(address):
        again = np.flatnonzero(before[start:] >= start)
        end = start + int(again[0]) if len(again) else len(address)
        yield slice(start, end)
        start = end


def _requests(cfg: Config, addresses: ArrayLike, data: ArrayLike) -> tuple[Ints, Ints]:
    """Return addresses and words as int64[n], or refuse them."""
    address = _integers("addresses", addresses, (1 << 62) - 1)
    word = _integers("data", data, (1 << cfg.bits) - 1)
    if len(address) != len(word):
        raise ValueError(f"there must be as many addresses ({len(address)}) as data ({len(word)})")
    return address, word


def _integers(name: str, values: ArrayLike, most: int) -> Ints:
    """Return whole numbers of 0..most as int64[n], or refuse them."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{name} must have one axis, not shape {array.shape}")
    wrong = array[(array < 0) | (array > most)]
    if wrong.size:
        raise ValueError(f"{name} must be in 0..{most}, not {int(wrong[0])}")
    return array.astype(np.int64)
