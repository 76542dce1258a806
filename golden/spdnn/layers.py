"""Layers of the challenge: edges, the classes behind the published ones, and their generation."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints, count
from nomul.golden.spdnn.config import GROUP, MEMBERS


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """Edges of one layer, sorted by column, then by row.

    Attributes
    ----------
    neurons
        N, both of its inputs and of its outputs.
    row, column
        Where each edge begins and ends, int64[E], from 0.
    weight
        Its weight in sixteenths, int64[E]; 1 throughout in the challenge.

    Errors
    ------
    ValueError
        An edge is out of range, out of order or there twice.
    """

    neurons: int
    row: Ints
    column: Ints
    weight: Ints

    def __post_init__(self) -> None:
        if not len(self.row) == len(self.column) == len(self.weight):
            raise ValueError(
                f"a layer needs as many rows ({len(self.row)}) and columns ({len(self.column)}) "
                f"as weights ({len(self.weight)})"
            )
        for name, values in (("row", self.row), ("column", self.column)):
            wrong = np.flatnonzero((values < 0) | (values >= self.neurons))
            if len(wrong):
                raise ValueError(
                    f"edge {wrong[0] + 1}: {name} {values[wrong[0]]} is not one of "
                    f"0..{self.neurons - 1}"
                )
        step = np.diff(self.column * self.neurons + self.row)
        wrong = np.flatnonzero(step <= 0)
        if len(wrong):
            k = int(wrong[0]) + 1
            what = "is there twice" if step[k - 1] == 0 else "is out of order (column, then row)"
            raise ValueError(f"edge {k + 1} ({self.row[k]}, {self.column[k]}) {what}")

    @property
    def regular(self) -> bool:
        """Whether every weight is 1/16, as in the challenge."""
        return bool((self.weight == 1).all())

    @cached_property
    def starts(self) -> Ints:
        """Where each column's edges begin, int64[N + 1]."""
        return np.searchsorted(self.column, np.arange(self.neurons + 1))

    @cached_property
    def distinct(self) -> tuple[Ints, Ints]:
        """Columns that differ, by their first one, and of each column which of them it equals."""
        known: dict[bytes, int] = {}
        first: list[int] = []
        which = np.empty(self.neurons, dtype=np.int64)
        for column, (low, high) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            key = self.row[low:high].tobytes() + self.weight[low:high].tobytes()
            if key not in known:
                known[key] = len(first)
                first.append(column)
            which[column] = known[key]
        return np.array(first), which

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Layer):
            return NotImplemented
        pairs = ((self.row, other.row), (self.column, other.column), (self.weight, other.weight))
        return self.neurons == other.neurons and all(np.array_equal(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]


def shift(number: int, neurons: int = 1024) -> int:
    """Return d, the distance of the two classes of a column, of layer ``number``, from 1."""
    classes = neurons // MEMBERS
    return 1 << ((number - 1) % GROUP) % (classes.bit_length() - 1)


def balanced(classes: ArrayLike, neurons: int, name: str = "map") -> Ints:
    """Return a map of neurons to classes as int64[N], or refuse one that is none.

    Raises
    ------
    TypeError
        It holds something else than integers.
    ValueError
        It is of another size, or a class has not 16 neurons.
    """
    array = np.asarray(classes)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, not {array.dtype}")
    count = neurons // MEMBERS
    if array.shape != (neurons,):
        raise ValueError(f"{name} must be of shape ({neurons},), not {array.shape}")
    wrong = array[(array < 0) | (array >= count)]
    if wrong.size:
        raise ValueError(f"{name} must hold classes 0..{count - 1}, not {int(wrong[0])}")
    array = array.astype(np.int64)
    sizes = np.bincount(array, minlength=count)
    wrong = np.flatnonzero(sizes != MEMBERS)
    if wrong.size:
        raise ValueError(
            f"{name} must give every class {MEMBERS} neurons; class {wrong[0]} has "
            f"{sizes[wrong[0]]}"
        )
    return array


def layer(number: int, classes: ArrayLike, neurons: int = 1024) -> Layer:
    """Return layer ``number``, from 1, under a map of its neurons to classes.

    Neuron i feeds column j where (classes[i] - j) mod P is 0 or d.
    """
    array = balanced(classes, neurons)
    count = neurons // MEMBERS
    members = np.argsort(array, kind="stable").reshape(count, MEMBERS)
    column = np.arange(neurons)
    second = (column + shift(number, neurons)) % count
    row = np.sort(np.concatenate([members[column % count], members[second]], axis=1), axis=1)
    columns = np.repeat(column, row.shape[1])
    return Layer(neurons, row.ravel(), columns, np.ones(row.size, dtype=np.int64))


def generate(
    layers: int, maps: Sequence[ArrayLike] | None = None, neurons: int = 1024
) -> list[Layer]:
    """Return the first ``layers`` layers of a challenge network.

    Found in the published layers of 1,024 neurons: with P = N / 16 classes and the distance
    d = 2^((l - 1) mod 6), neuron i feeds column j where (pi(i) - j) mod P is 0 or d. The first map
    pi takes a neuron's number modulo P; the others follow no rule that could be found.

    Parameters
    ----------
    layers
        How many, at least 1.
    maps
        One map int[N] of neurons to classes per six layers, the first included. Without maps there
        are the first six layers.
    neurons
        N, a power of two from 64; other sizes than 1,024 are of the same kind, not the challenge's.

    Raises
    ------
    TypeError
        ``layers`` is no integer.
    ValueError
        More layers than the maps are for, or a map that is not balanced.
    """
    layers = count("layers", layers)
    if neurons < 64 or neurons & (neurons - 1):
        raise ValueError(f"neurons must be a power of two from 64, not {neurons}")
    given = [np.arange(neurons) % (neurons // MEMBERS)] if maps is None else list(maps)
    if not 1 <= layers <= GROUP * len(given):
        hint = "; more need maps, read from the challenge's files" if maps is None else ""
        raise ValueError(f"layers must be in 1..{GROUP * len(given)}, not {layers}{hint}")
    every = [balanced(m, neurons, f"maps[{g}]") for g, m in enumerate(given)]
    return [layer(n + 1, every[n // GROUP], neurons) for n in range(layers)]


def maps(layers: Sequence[Layer]) -> list[Ints]:
    """Return the maps behind layers, int64[N] per six of them, so that they can be generated.

    Raises
    ------
    ValueError
        A layer has not the structure that :func:`generate` describes; it is named.
    """
    found: list[Ints] = []
    for index, given in enumerate(layers):
        if index % GROUP == 0:
            found.append(_classes(given, index + 1))
        if layer(index + 1, found[-1], given.neurons) != given:
            raise ValueError(
                f"layer {index + 1} is not made of the classes of layer "
                f"{index - index % GROUP + 1}: run it with engine=general"
            )
    return found


def _classes(given: Layer, number: int) -> Ints:
    """Return the map behind the first layer of six: its neuron feeds columns p and p - 1."""
    count = given.neurons // MEMBERS
    feeds = np.zeros((given.neurons, count), dtype=bool)
    feeds[given.row, given.column % count] = True
    both = feeds & np.roll(feeds, 1, axis=1)  # p and p - 1
    wrong = np.flatnonzero((both.sum(axis=1) != 1) | (feeds.sum(axis=1) != 2))
    if wrong.size:
        raise ValueError(
            f"layer {number}: neuron {wrong[0]} does not feed the columns of two neighbouring "
            "classes: run it with engine=general"
        )
    return balanced(np.argmax(both, axis=1), given.neurons, f"the map of layer {number}")
