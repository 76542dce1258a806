"""The engine's answers: the layer program, interpreted pass by pass over the two memories."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nomul.golden import products
from nomul.golden.arrays import Ints
from nomul.golden.engine.passes import Pass, Target
from nomul.golden.engine.program import Program
from nomul.golden.network.evaluate import check, rne_shift

CHUNK = 1 << 22  # activations that are gathered at once


class Machine:
    """The two memories while a batch goes through, a row for each input.

    Parameters
    ----------
    cfg
        The engine.
    x
        int64[V, ...], codes of the inputs, already checked.

    Attributes
    ----------
    codes, sums
        int64[V, words] and int64[V, words, lanes].
    fed
        For each product pass what the member took of it, if ``keep``: int64[V, windows, inputs].
    """

    def __init__(self, cfg: Any, x: Ints, *, keep: bool = False):
        self.cfg, self.keep = cfg, keep
        self.program: Program = cfg.program
        self.member = products.member(cfg.member)
        lanes = int(cfg.tile.y_lanes)
        self.codes = np.zeros((len(x), max(1, self.program.codes)), dtype=np.int64)
        self.sums = np.zeros((len(x), max(1, self.program.sums), lanes), dtype=np.int64)
        self.fed: list[Ints] = []
        entry = self.program.entry
        self.codes[:, entry.base : entry.base + entry.words] = x.reshape(len(x), -1)

    def run(self) -> Ints:
        """Do all passes, and return the scores, int64[V, scores]."""
        for step in self.program.passes:
            if step.kind == "product":
                self._product(step)
            elif step.kind == "vector":
                self._vector(step)
        answer = self.program.passes[-1]
        scores, _ = self._read(answer)
        return scores[:, :, 0]

    def _read(self, step: Pass) -> tuple[Ints, NDArray[np.bool_]]:
        """Return what a pass reads, int64[V, windows, size], and where it is inside."""
        address, inside, lane = step.walk.addresses()
        depth = self.sums.shape[1] if step.walk.wide else self.codes.shape[1]
        address = address % depth  # of what is outside: whatever is there
        if step.walk.wide:
            return self.sums[:, address, lane[:, None]], inside
        return self.codes[:, address], inside

    def _product(self, step: Pass) -> None:
        """Send windows through the member; write its sums, or add them."""
        tile = self.cfg.tile
        values, inside = self._read(step)
        values = np.where(inside, values, step.pad)
        fed = np.zeros((*values.shape[:2], step.walk.length), dtype=np.int64)
        fed[:, :, : step.walk.size] = values
        if self.keep:
            self.fed.append(fed)
        packed = step.tile.packed
        y = self.member.model(tile, packed, fed.reshape(-1, step.walk.length))
        lanes, target = int(tile.y_lanes), step.target
        assert target is not None
        full = np.zeros((len(y), target.beats * lanes), dtype=np.int64)
        used = min(full.shape[1], y.shape[1])
        full[:, :used] = y[:, :used]
        beats = full.reshape(len(fed), -1, lanes)
        pixels = np.arange(step.walk.windows)[:, None] * (target.pixel + target.beats - 1)
        into = (target.base + pixels + np.arange(target.beats)).reshape(-1)
        self.sums[:, into] = beats + (self.sums[:, into] if target.add else 0)

    def _vector(self, step: Pass) -> None:
        """Reduce windows, rescale, and write; or add to what is there."""
        target, rescale = step.target, step.rescale
        assert target is not None
        assert rescale is not None
        values, inside = self._read(step)
        if step.largest:
            reduced = np.where(inside, values, np.iinfo(np.int64).min).max(axis=2)
        else:
            reduced = np.where(inside, values, 0).sum(axis=2)
        channel = np.arange(step.walk.windows) // (step.walk.extents[1] * step.walk.extents[2])
        entry = rescale.first + channel * rescale.each
        wide = reduced * self.program.scale[entry] + self.program.bias[entry]
        results = np.clip(rne_shift(wide, rescale.shift), rescale.low, rescale.high)
        into, lane = results_at(target, step.walk.extents)
        if target.wide:
            self.sums[:, into, lane] = results + (self.sums[:, into, lane] if target.add else 0)
        else:
            self.codes[:, into] = results


def results_at(target: Target, extents: tuple[int, int, int]) -> tuple[Ints, Ints]:
    """Return the address and the lane of each result of a pass, channel by channel."""
    channels, pixels = extents[0], extents[1] * extents[2]
    number = np.arange(channels * pixels)
    channel, ends = number // pixels, number % pixels == pixels - 1
    lane = channel % target.lanes
    wrap = target.wide & (lane == target.lanes - 1)
    steps = np.where(ends, target.channel + wrap, target.pixel)
    return target.base + np.concatenate([[0], np.cumsum(steps)[:-1]]), lane


def scores(cfg: Any, x: ArrayLike) -> Ints:
    """Return the scores of a batch, int64[V, scores]: what the engine sends.

    Parameters
    ----------
    cfg
        :class:`nomul.golden.engine.Config`.
    x
        int[V, ...], codes of the network's inputs.

    Raises
    ------
    TypeError, ValueError
        What :func:`nomul.golden.network.model` refuses.
    """
    codes = check(cfg.net, x).astype(np.int64)
    if not len(codes):
        return np.zeros((0, cfg.program.scores), dtype=np.int64)
    most = max(step.walk.elements for step in cfg.program.passes)
    step = max(1, CHUNK // most)
    return np.concatenate(
        [Machine(cfg, codes[i : i + step]).run() for i in range(0, len(codes), step)]
    )


def model(cfg: Any, x: ArrayLike) -> Ints:
    """Return the engine's answers, int64[V, scores + 1]: the scores, and the class behind them.

    The class is the number of the largest score, the lowest of equal ones. Scores are those of the
    network's last layer that is no :class:`nomul.golden.network.ArgMax`, in the order channel, row,
    column. Arguments and errors as those of :func:`scores`.
    """
    given = scores(cfg, x)
    return np.concatenate([given, given.argmax(axis=1)[:, None]], axis=1)
