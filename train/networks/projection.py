"""Projects weights to a structure in one size, and counts the bits that they are stored in."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from nomul.golden import circulant, epitome, permdiag, pow2basis
from nomul.golden.arrays import Ints
from nomul.golden.spimc.config import bits_for

BITS = 8


@dataclass(frozen=True)
class Case:
    """A structure in one size.

    Attributes
    ----------
    structure
        What the weights are.
    size
        p, k, M, bits, of powers of two those of a code, of pow2basis the outputs of which one is
        kept, of pq the elements of a subvector by its prototypes, or the factor by which storage is
        smaller.
    """

    structure: str
    size: int


class Projection:
    """Projects weights of any shape to a case's structure, and counts what they are stored in.

    Where a method goes on from what it found before, it does so for each layer.
    """

    def __init__(self, case: Case):
        self.case = case
        self.before: dict[tuple[int, ...], pow2basis.Packed] = {}
        self.chosen: dict[tuple[int, ...], permdiag.Config] = {}

    def __call__(self, w: Ints) -> Ints:
        """Return the nearest weights int64[inputs, outputs] of the structure that was found."""
        match self.case.structure:
            case "permdiag":
                return permdiag.project(_diagonals(w.shape, self.case.size), w)
            case "powers of two":
                return permdiag.project(_powers(w.shape), w)
            case "permdiag, chosen":
                return permdiag.project(self._chosen(w), w)
            case "epitome":
                cfg, entries = _patches(w.shape, self.case.size)
                e = epitome.project(cfg, w, entries)
                return epitome.weights(cfg, e, entries, len(w))
            case "circulant":
                return circulant.project(_circulants(w.shape, self.case.size), w)
            case "1:M":
                return nearest_of(w, self.case.size)
        return self._based(w)

    def _chosen(self, w: Ints) -> permdiag.Config:
        """Return shifts that keep the most of the first weights of this shape."""
        if w.shape not in self.chosen:
            self.chosen[w.shape] = permdiag.best(_diagonals(w.shape, self.case.size), w)[0]
        return self.chosen[w.shape]

    def shares(self, shape: tuple[int, int]) -> Ints | None:
        """Return which stored value each weight is, where several are one."""
        if self.case.structure == "circulant":
            return circulant.shares(_circulants(shape, self.case.size))
        if self.case.structure == "epitome":
            return epitome.shares(*_patches(shape, self.case.size))
        return None

    def _based(self, w: Ints) -> Ints:
        cfg, start = _bases(w.shape), self.before.get(w.shape)
        kept = -(-w.shape[1] // self.case.size)
        found = pow2basis.project(cfg, w, start, None if self.case.size == 1 else kept)
        self.before[w.shape] = pow2basis.compress(cfg, found)
        return np.asarray(found)

    def bits(self, w: Ints) -> int:
        """Return the bits that weights of the structure are stored in, indices included."""
        size = self.case.size
        match self.case.structure:
            case "permdiag":
                return permdiag.compress(_diagonals(w.shape, size), w).bits
            case "powers of two":
                return permdiag.compress(_powers(w.shape), w).bits
            case "permdiag, chosen":
                return permdiag.compress(self._chosen(w), w).bits
            case "epitome":
                cfg, entries = _patches(w.shape, size)
                return cfg.rows * cfg.cols * BITS + len(entries) * cfg.table_bits
            case "circulant":
                return circulant.compress(_circulants(w.shape, size), w).bits
            case "1:M":
                return -(-w.shape[0] // size) * w.shape[1] * (BITS + bits_for(size))
            case "dense":
                return w.size * size
            case "narrower":
                return w.size * BITS
        packed = self.before[w.shape]
        assert np.array_equal(packed.weights(), w)
        return packed.bits


@cache
def _diagonals(shape: tuple[int, int], p: int) -> permdiag.Config:
    return permdiag.Config(inputs=shape[0], outputs=shape[1], p=p)


@cache
def _powers(shape: tuple[int, int]) -> permdiag.Config:
    # Diagonals of blocks of one weight: all weights.
    return permdiag.Config(inputs=shape[0], outputs=shape[1], p=1, product="pow2")


@cache
def _circulants(shape: tuple[int, int], k: int) -> circulant.Config:
    return circulant.Config(inputs=shape[0], outputs=shape[1], k=k)


@cache
def _bases(shape: tuple[int, int]) -> pow2basis.Config:
    return pow2basis.Config(inputs=shape[0], outputs=shape[1], units=1)


@cache
def _patches(shape: tuple[int, int], factor: int) -> tuple[epitome.Config, list[epitome.Entry]]:
    """Return an epitome of at most so many times fewer cells than weights, and its patches.

    It has the layer's rows and a share of its columns: with fewer rows, inputs that meet the same
    row are added up in all outputs, and what was apart in them is lost.
    """
    cols = max(1, shape[1] // factor)
    return patches(epitome.Config(inputs=shape[0], outputs=shape[1], rows=shape[0], cols=cols))


def patches(cfg: epitome.Config) -> tuple[epitome.Config, list[epitome.Entry]]:
    """Return an epitome with a table that holds the patches of its layer, and these.

    Which patches, :func:`nomul.golden.epitome.patches` says.
    """
    entries = epitome.patches(cfg.replace(entries=cfg.inputs * cfg.outputs))
    return cfg.replace(entries=len(entries)), entries


def nearest_of(w: Ints, group: int) -> Ints:
    """Return weights of which the largest of every ``group`` inputs stays, for each output."""
    padded = np.zeros((-(-len(w) // group) * group, w.shape[1]), dtype=np.int64)
    padded[: len(w)] = w
    cut = padded.reshape(-1, group, w.shape[1])
    largest = np.abs(cut).argmax(axis=1)[:, None]
    mask = np.arange(group)[None, :, None] == largest
    return np.asarray((cut * mask).reshape(padded.shape)[: len(w)])
