"""State dictionaries of layered networks: which layers there are, in which order, and nothing else.

Names are ``<layer>.<part>``. Layers are ordered by the numbers in their names as numbers, so that
``layers.10`` follows ``layers.9``; names that differ in more than numbers have no order.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.numbers import integer, integers, reals, shown
from nomul.golden.lutnet.heads import Argmax, GroupSum
from nomul.golden.lutnet.layers import MAX_LANES, Layer

State = Mapping[str, NDArray[Any]]

_NUMBER = re.compile("[0-9]+")


def prefixes(
    values: State, mark: str, parts: tuple[str, ...], beside: tuple[str, ...]
) -> list[str]:
    """Return the names of the layers, in order.

    Parameters
    ----------
    values
        The state dictionary.
    mark
        The part that every layer has.
    parts
        What else a layer may have.
    beside
        What there may be beside the layers, alone or as part of something.

    Raises
    ------
    ValueError
        There is no layer, an entry belongs to none, or the layers have no order.
    """
    found = [key.removesuffix(f".{mark}") for key in values if key.endswith(f".{mark}")]
    if not found:
        names = ", ".join(map(shown, values)) or "none"
        raise ValueError(f"no array is called <layer>.{mark}; there are {names[:200]}")
    own = {f"{prefix}.{part}" for prefix in found for part in (mark, *parts)}
    for key in values:
        if key not in own and key.rpartition(".")[2] not in beside:
            known = ", ".join([*(f"<layer>.{part}" for part in (mark, *parts)), *beside])
            raise ValueError(f"entry {shown(key)} is not understood; what is: {known}")
    texts = {_NUMBER.sub("0", prefix) for prefix in found}
    if len(texts) > 1:
        raise ValueError(f"layers {shown(found[0])} and others have no order: {len(texts)} names")
    numbers = {prefix: [int(n) for n in _NUMBER.findall(prefix)] for prefix in found}
    ordered = sorted(found, key=lambda prefix: numbers[prefix])
    for first, second in pairwise(ordered):
        if numbers[first] == numbers[second]:
            raise ValueError(f"layers {shown(first)} and {shown(second)} have the same number")
    return ordered


def whole(values: State, key: str, axes: int, low: int = 0, high: int = MAX_LANES) -> Ints:
    """Return an array of integers that must be there."""
    if key not in values:
        raise ValueError(f"{key} is missing")
    return integers(values[key], key, axes, low, high)


def real(values: State, key: str, axes: int) -> NDArray[np.floating[Any]]:
    """Return an array of finite real numbers that must be there."""
    if key not in values:
        raise ValueError(f"{key} is missing")
    return reals(values[key], key, axes)


def setting(values: State, name: str, given: int | None, high: int = MAX_LANES) -> int | None:
    """Return a number that the file or the caller gives; both must say the same."""
    inside = integer(values[name], name, 1, high) if name in values else None
    if given is None:
        return inside
    given = integer(given, name, 1, high)
    if inside not in (None, given):
        raise ValueError(f"{name} is {inside} in the file, not {given}")
    return given


def beside(values: State, name: str) -> str | None:
    """Return the key of something that stands once beside the layers, or None."""
    found = [key for key in values if key.rpartition(".")[2] == name]
    if len(found) > 1:
        raise ValueError(f"{shown(found[0])} and {shown(found[1])}: {name} must stand once")
    return found[0] if found else None


def head(classes: int | None) -> list[Layer]:
    """Return the head: group sums and argmax, where the number of classes is known."""
    return [] if classes is None else [GroupSum(groups=classes), Argmax()]
