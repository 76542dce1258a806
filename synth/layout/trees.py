"""Wires that are not routed: for each net a rectilinear minimum spanning tree over its pins."""

from dataclasses import dataclass

import numpy as np

from nomul.synth.layout.pieces import Floats, Indices

# Pins of one piece of nets that are looked at together.
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Trees:
    """The trees' edges.

    Attributes
    ----------
    net
        int[edges]: whose edge it is.
    a, b
        int[edges]: the points at its ends; ``a`` is nearer to the first point of the net.
    length
        float64[edges]: the distance along x and y, in um.
    """

    net: Indices
    a: Indices
    b: Indices
    length: Floats

    def by_net(self, nets: int) -> Floats:
        """Return the length of each of so many nets."""
        # The sum of weights in floats, which the stubs do not say.
        return np.bincount(self.net, self.length, minlength=nets).astype(np.float64)

    @property
    def total(self) -> float:
        """Length of all trees in um."""
        return float(self.length.sum())


def span(net: Indices, x: Floats, y: Floats) -> Trees:
    """Return the trees over points, each of which is on a net; a net of one point has no edge.

    By Prim's method, all nets of one size at once. The order of a net's points decides between
    trees of one length.
    """
    order = np.argsort(net, kind="stable")
    numbers, starts, sizes = np.unique(net[order], return_index=True, return_counts=True)
    pieces: list[tuple[Indices, Indices, Indices, Floats]] = []
    for size in np.unique(sizes[sizes > 1]).tolist():
        chosen = np.flatnonzero(sizes == size)
        step = max(1, _CHUNK // size)
        for k in range(0, len(chosen), step):
            part = chosen[k : k + step]
            points = order[starts[part, None] + np.arange(size)]
            pieces += _prim(numbers[part], points, x[points], y[points])
    if not pieces:
        none = np.zeros(0, dtype=np.intp)
        return Trees(none, none, none, np.zeros(0))
    return Trees(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def _prim(
    nets: Indices, points: Indices, x: Floats, y: Floats
) -> list[tuple[Indices, Indices, Indices, Floats]]:
    """Grow the trees of n nets with m points each: the nearest point that is not in joins next."""
    many, size = points.shape
    row = np.arange(many)
    near = np.zeros((many, size), dtype=np.intp)  # the point in the tree that is nearest
    away = abs(x - x[:, :1]) + abs(y - y[:, :1])
    away[:, 0] = np.inf
    edges = []
    for _ in range(size - 1):
        new = away.argmin(axis=1)
        old = near[row, new]
        edges.append((nets, points[row, old], points[row, new], away[row, new]))
        inside = np.isinf(away)
        inside[row, new] = True
        distance = abs(x - x[row, new][:, None]) + abs(y - y[row, new][:, None])
        closer = distance < away
        near = np.where(closer, new[:, None], near)
        away = np.where(inside, np.inf, np.minimum(away, distance))
    return edges
