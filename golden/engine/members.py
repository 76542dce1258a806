"""What the engine knows of a member of the product family: widths of its streams, and its pace."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import products
from nomul.golden.arrays import Ints

# Members whose hardware has the family's ports, and what the engine asks for unless told otherwise.
DEFAULTS: dict[str, dict[str, Any]] = {
    "dense": {},
    "bitplanes": {"encodings": ("and",), "rounding": False, "checks": False},
    "permdiag": {"lanes": 1},
    "circulant": {},
    "pow2basis": {},
}


def configure(member: str, settings: tuple[str, ...], **family: Any) -> Any:
    """Return a member's configuration from the family's fields, and settings ``name=value``.

    A dense array has as many multipliers as columns unless told otherwise: one activation meets
    them all in a cycle, which is as fast as activations are read.

    Raises
    ------
    TypeError, ValueError
        A setting is not of the member, is one that the engine chooses, or has a wrong value.
    """
    kind = products.member(member).Config
    own = dict(DEFAULTS[member])
    if member == "dense":
        own["products"] = family["outputs"]
    if member == "bitplanes":
        own["lanes"] = family["inputs"]
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"engine.settings must be name=value each, not {setting!r}")
        if name in family:
            raise ValueError(f"engine.settings must leave {name} to the engine, not {setting!r}")
        own[name] = kind.parse(name, text)
    return products.configure(member, **family, **own)


def x_lanes(tile: Any) -> int:
    """Return the activations of a beat."""
    return int(getattr(tile, "width", 0) or tile.lanes)


def y_beats(tile: Any) -> int:
    """Return the beats of a vector's sums."""
    return -(-int(tile.outputs) // int(tile.y_lanes))


def word_bits(tile: Any) -> int:
    """Return the bits of a word of weights."""
    plain = getattr(tile, "word_bits", 0)
    return int(plain or tile.lanes * tile.columns * tile.weight_bits)


def tile_words(packed: Any) -> list[int]:
    """Return the words that load a tile, as integers; the first weight is the lowest."""
    fields = packed.words()
    (values,) = fields.values()
    values = values.reshape(len(values), -1)
    width = word_bits(packed.cfg) // values.shape[1]
    mask = (1 << width) - 1
    return [
        sum((int(value) & mask) << (width * place) for place, value in enumerate(row))
        for row in values
    ]


def gathering(tile: Any) -> Ints:
    """Return the activations of each beat of a vector, int64[beats]: a cycle each to gather."""
    lanes, beats = x_lanes(tile), -(-tile.inputs // x_lanes(tile))
    sizes = np.full(beats, lanes, dtype=np.int64)
    sizes[-1] = tile.inputs - (beats - 1) * lanes
    return sizes


def pace(member: str, packed: Any, x: Ints) -> Ints:
    """Return how many cycles the member is at work on each beat, int64[V, beats].

    It takes a beat, and the next one so many cycles later at the earliest. An array that goes over
    a vector several times is at work on its last beat for all but the first time. One that skips
    zeros takes as long as the beat has others.

    Parameters
    ----------
    member, packed
        Name of the member, and the tile that is loaded.
    x
        int64[V, inputs].
    """
    tile = packed.cfg
    beats = len(gathering(tile))
    if member == "permdiag":
        there: NDArray[np.bool_] = np.zeros((len(x), beats * tile.width), dtype=np.bool_)
        there[:, : tile.inputs] = x != 0
        counts = there.reshape(len(x), beats, tile.width).sum(axis=2, dtype=np.int64)
        return np.maximum(counts * tile.steps * tile.planes, 1)
    if member == "pow2basis":  # groups of outputs without a coefficient may be left out
        counts = np.maximum(packed.groups.sum(axis=1) * tile.group_cycles, 1)
        return np.broadcast_to(np.maximum(counts, tile.first_cycles), (len(x), beats))
    if getattr(tile, "engine", "") == "ntt":  # a beat is a block, which is transformed by itself
        return np.full((len(x), beats), tile.interval // beats, dtype=np.int64)
    work = np.ones((len(x), beats), dtype=np.int64)
    work[:, -1] += tile.interval - beats
    return work


def constant(member: str) -> bool:
    """Whether a vector takes the same time whatever is in it."""
    return member != "permdiag"
