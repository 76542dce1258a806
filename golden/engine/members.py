"""What the engine knows of a member of the product family: widths of its streams, and its pace."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden import products
from nomul.golden.arrays import Ints
from nomul.golden.engine.adapted import ADAPTED

# What the engine asks of a member unless told otherwise; more depends on sizes, see own().
DEFAULTS: dict[str, dict[str, Any]] = {
    "dense": {},
    "bitplanes": {"encodings": ("and",), "rounding": False, "checks": False},
    "permdiag": {"lanes": 1},
    "circulant": {},
    "pow2basis": {},
    "pq": {},
    "spimc": {"formats": ("dense", "bitmap")},
    "sonic": {"fc_lanes": 2, "conv_lanes": 1, "conv_units": 1, "batchnorm_bits": 2},
}

# What the engine does not leave to anybody: codes come one by one, and sums are whole.
FIXED: dict[str, dict[str, Any]] = {"sonic": {"compactor_width": 1}, "pq": {"table_shift": 0}}


WIDTHS = ("weight_bits", "act_bits")
TABLE = 2  # bits that an entry of four products has more than one of them


def own(member: str, family: dict[str, Any]) -> dict[str, Any]:
    """Return what the engine asks of a member with a tile of these sizes and widths.

    A dense array has as many multipliers as columns: one activation meets them all in a cycle,
    which is as fast as activations are read. SP-IMC has a slot for every row, so that any tile
    fits; SONIC a unit for every column. Tables of products are exact, and fitted to whole vectors.
    """
    inputs, outputs = family["inputs"], family["outputs"]
    more: dict[str, dict[str, Any]] = {
        "dense": {"products": outputs},
        "bitplanes": {"lanes": inputs},
        "pq": {"units": (4, 4, outputs), "table_bits": TABLE + sum(family[w] for w in WIDTHS)},
        "spimc": {
            "slots": inputs,
            "lanes": 1 << min(2, inputs.bit_length() - 1),
            "tree_regs": min(1, inputs - 1),
        },
        "sonic": {
            "code_bits": min(4, family["weight_bits"]),
            "fc_units": outputs,
            "max_length": inputs,
            "address_bits": outputs.bit_length(),
        },
    }
    return {**DEFAULTS[member], **more.get(member, {})}


def configure(member: str, settings: tuple[str, ...], **family: Any) -> Any:
    """Return a member's configuration from the family's fields, and settings ``name=value``.

    A member of signed activations alone gets a bit more for unsigned codes.

    Raises
    ------
    TypeError, ValueError
        A setting is not of the member, is one that the engine chooses, or has a wrong value.
    """
    kind = products.member(member).Config
    chosen = own(member, family)
    if "act_signed" not in kind.names() and not family["act_signed"]:
        family |= {"act_signed": True, "act_bits": family["act_bits"] + 1}
    taken = {**family, **FIXED.get(member, {})}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"engine.settings must be name=value each, not {setting!r}")
        if name in taken:
            raise ValueError(f"engine.settings must leave {name} to the engine, not {setting!r}")
        chosen[name] = kind.parse(name, text)
    if member == "pq":
        if "groups" in chosen:
            raise ValueError("engine.settings must leave groups to the engine: all at once")
        chosen["groups"] = -(-family["inputs"] // chosen.get("length", kind().length))
    return products.configure(member, **taken, **chosen)


def x_lanes(tile: Any) -> int:
    """Return the activations of a beat."""
    return int(getattr(tile, "width", 0) or tile.lanes)


def y_beats(tile: Any) -> int:
    """Return the beats of a vector's sums."""
    return -(-int(tile.outputs) // int(tile.y_lanes))


def word_bits(tile: Any) -> int:
    """Return the bits of a word of weights."""
    if tile.block_name in ADAPTED:
        return ADAPTED[tile.block_name].word_bits(tile)
    plain = getattr(tile, "word_bits", 0)
    return int(plain or tile.lanes * tile.columns * tile.weight_bits)


def tile_words(packed: Any) -> list[int]:
    """Return the words that load a tile, as integers; the first weight is the lowest."""
    if packed.member in ADAPTED:
        return ADAPTED[packed.member].words(packed)
    fields = packed.words()
    (values,) = fields.values()
    values = values.reshape(len(values), -1)
    width = word_bits(packed.cfg) // values.shape[1]
    mask = (1 << width) - 1
    return [
        sum((int(value) & mask) << (width * place) for place, value in enumerate(row))
        for row in values
    ]


def beats(packed: Any) -> int:
    """Return how many words load a tile."""
    adapted = ADAPTED.get(packed.member)
    return adapted.beats(packed) if adapted else int(packed.beats)


def loading(packed: Any) -> int:
    """Return the cycles that the words of a tile take."""
    adapted = ADAPTED.get(packed.member)
    return adapted.loading(packed) if adapted else int(packed.beats)


def lead(member: str) -> int:
    """Return the cycles by which a pass' first beat is taken later than it is offered."""
    return ADAPTED[member].lead if member in ADAPTED else 0


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
    if member in ADAPTED:
        return ADAPTED[member].pace(packed, x)
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
    return member not in ("permdiag", "sonic")
