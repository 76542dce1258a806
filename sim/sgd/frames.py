"""Frames of the training unit: words in, and what the words that come back say."""

import itertools
from collections.abc import Sequence

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.sgd import Config
from nomul.sim.stream import Layout

LOAD, DUMP, INFER, LEARN = range(4)


def layout(cfg: Config, asked: bool) -> Layout:
    """Return the fields of a request, or of an answer."""
    residue = (("residue", cfg.residue, 1),) if cfg.residue else ()
    kind = (("kind", 2, 1),) if asked else ()
    return Layout((("value", cfg.bits, 1), *residue, *kind, ("last", 1, 1)))


def frame(cfg: Config, kind: int, value: Ints, residue: Ints | int = 0) -> list[int]:
    """Return the words of a frame."""
    size = len(value)
    fields = {"value": value, "kind": np.full(size, kind), "last": np.arange(size) == size - 1}
    if cfg.residue:
        fields["residue"] = np.broadcast_to(residue, size)
    return layout(cfg, True).pack(**fields)


def flat(matrices: Sequence[Ints]) -> Ints:
    """Return the weights of all layers in the order of a frame."""
    return np.concatenate([matrix.ravel() for matrix in matrices])


def load(cfg: Config, weights: Sequence[Ints], residues: Sequence[Ints]) -> list[int]:
    """Return the frame that loads all weights."""
    return frame(cfg, LOAD, flat(weights), flat(residues))


def dump(cfg: Config) -> list[int]:
    """Return the frame that asks for all weights."""
    return frame(cfg, DUMP, np.zeros(1, dtype=np.int64))


def learn(cfg: Config, x: Ints, target: Ints) -> list[int]:
    """Return the frame of an image to learn."""
    return frame(cfg, LEARN, np.concatenate([x, target]))


def values(cfg: Config, answers: Sequence[int] | Ints) -> Ints:
    """Return the outputs, or levels, of answers."""
    words = [int(word) for word in answers]
    return np.asarray(layout(cfg, False).unpack(words, signed=("value",))["value"])


def state(cfg: Config, answers: Sequence[int] | Ints) -> tuple[list[Ints], list[Ints]]:
    """Return weights and residues of all layers, as ``DUMP`` gives them."""
    words = [int(word) for word in answers]
    got = layout(cfg, False).unpack(words, signed=("value", "residue"))
    parts = got["value"], got.get("residue", np.zeros(len(words), dtype=np.int64))
    shapes = list(itertools.pairwise(cfg.sizes))
    ends = np.cumsum([a * b for a, b in shapes])[:-1]
    weights, residues = (
        [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]
        for flat in parts
    )
    return weights, residues
