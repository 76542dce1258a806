"""First level of a popcount that absorbs the tables it adds: which of them share look-up tables.

Three tables of two inputs each read six wires, so both digits of their sum are tables of those
wires: two look-up tables instead of three, and two bits to add further instead of three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nomul.golden.lutnet.fold import support
from nomul.golden.lutnet.layers import LutLayer, Xnor

# Inputs of the look-up table that this pays for: a four-input one holds no sum of three tables.
WIDTH = 6


@dataclass(frozen=True)
class Group:
    """Operators of one neuron and level, and the tables over common wires that give their sum.

    Attributes
    ----------
    neuron, level
        Where the sum belongs.
    members
        The operators.
    wires
        Inputs; entry k is address bit k.
    digits
        Tables of 2**len(wires) bits: binary digits of the sum, the lowest first.
    """

    neuron: int
    level: int
    members: tuple[int, ...]
    wires: tuple[int, ...]
    digits: tuple[int, ...]


def absorb(layer: LutLayer | Xnor, width: int = WIDTH) -> list[Group]:
    """Return groups that cover all operators of a layer, each with as many as ``width`` wires hold.

    A group of three or more has fewer digits than operators; what finds no two partners stays
    alone, its table as it is. The choice is greedy: from the operator with most wires on, always
    the one that adds fewest. Operators of one wire begin no group: they are that wire or its
    inverse, which all neurons share.
    """
    tables = [_reduced(layer, o) for o in range(len(layer.idx))]
    wires_of = [set(wires) for wires, _ in tables]
    groups: list[Group] = []
    for neuron in range(layer.n_out):
        for level in range(len(layer.alpha)):
            ops = np.flatnonzero((layer.out == neuron) & (layer.level == level)).tolist()
            for members in _packed(ops, wires_of, width):
                wires, digits = _sum([tables[o] for o in members])
                groups.append(Group(neuron, level, tuple(members), wires, digits))
    return groups


def _reduced(layer: LutLayer | Xnor, o: int) -> tuple[tuple[int, ...], int]:
    """Return an operator as wires, each once and none without effect, and its table over them."""
    if isinstance(layer, Xnor):
        return (int(layer.idx[o]),), 0b10 if layer.weight[o] else 0b01
    row, table = layer.idx[o].tolist(), layer.tt[o]
    wires = sorted(set(row))
    place = [wires.index(wire) for wire in row]
    merged = _make(len(wires), lambda a: table >> _address(a, place) & 1)
    used = support(merged, len(wires)) if wires else []
    # The other wires may be anything, so they are 0.
    final = _make(len(used), lambda a: merged >> sum((a >> i & 1) << k for i, k in enumerate(used)))
    return tuple(wires[k] for k in used), final


def _address(a: int, place: Sequence[int]) -> int:
    """Return the address whose bit k is bit ``place[k]`` of ``a``."""
    return sum((a >> k & 1) << j for j, k in enumerate(place))


def _make(k: int, bit: Callable[[int], int]) -> int:
    return sum((bit(a) & 1) << a for a in range(1 << k))


def _packed(ops: list[int], wires: list[set[int]], width: int) -> list[list[int]]:
    """Return operators in groups whose wires together are at most ``width``, or alone."""
    left = sorted(ops, key=lambda o: (-len(wires[o]), o))
    groups, alone = [], []
    while left and len(wires[left[0]]) > 1:
        group, union = [left[0]], wires[left[0]]
        rest = left[1:]
        while rest:
            best = min(rest, key=lambda o: (len(wires[o] - union), -len(wires[o]), o))
            if len(union | wires[best]) > width:
                break
            group.append(best)
            union = union | wires[best]
            rest.remove(best)
        if len(group) >= 3:
            groups.append(sorted(group))
            left = rest
        else:
            alone.append(left.pop(0))
    return groups + [[o] for o in sorted(alone + left)]


def _sum(
    tables: list[tuple[tuple[int, ...], int]],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the wires of some tables together, and the digits of their sum over them."""
    wires = tuple(sorted({wire for row, _ in tables for wire in row}))
    places = [[wires.index(wire) for wire in row] for row, _ in tables]
    counts = [
        sum(t >> _address(a, p) & 1 for (_, t), p in zip(tables, places, strict=True))
        for a in range(1 << len(wires))
    ]
    return wires, tuple(
        sum((count >> place & 1) << a for a, count in enumerate(counts))
        for place in range(max(1, len(tables).bit_length()))
    )
