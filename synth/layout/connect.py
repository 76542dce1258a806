"""Whether wires connect what the netlist says, and nothing else: the layout beside its netlist."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nomul.synth.layout import files
from nomul.synth.layout.lef import Layer, Shape, Technology
from nomul.synth.layout.pieces import Pieces
from nomul.synth.layout.place import Placement
from nomul.synth.layout.route import Routes, Wire

_TOUCH = 1e-4  # um; coordinates are rounded to database units


@dataclass(frozen=True)
class Connection:
    """What was found.

    Attributes
    ----------
    open
        Nets with pins or ports that no metal joins with the others.
    shorts
        Pairs of nets whose metal overlaps, sorted. A rail or an obstruction counts as a net.
    """

    open: tuple[str, ...]
    shorts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Piece:
    """Metal that hangs together by itself: a wire, a via, or all shapes of one pin."""

    net: str
    shapes: tuple[Shape, ...]
    end: bool  # a pin or a port, which has to be reached


def check(
    pieces: Pieces, placement: Placement, technology: Technology, routes: Routes
) -> Connection:
    """Compare routed wires with the netlist.

    The metal of wires, vias, pins, rails and obstructions is taken as rectangles. Pieces that touch
    in one layer are connected. It is not a check of design rules: it knows no spacing.
    """
    found, joined, shorts = _joined(pieces, placement, technology, routes)
    ends = defaultdict(set)
    for index, piece in enumerate(found):
        if piece.end:
            ends[piece.net].add(joined.root(index))
    opened = sorted(net for net, roots in ends.items() if len(roots) > 1)
    return Connection(tuple(opened), tuple(sorted(shorts)))


def mend(
    pieces: Pieces, placement: Placement, technology: Technology, routes: Routes
) -> tuple[Routes, int]:
    """Close the gaps that the router leaves beside a track, and count them.

    It moves a via off its track to reach a pin, or ends on the track beside a port's, and at times
    forgets the metal between. Parts of one net that face each other in one layer over less than a
    pitch get a straight wire.
    """
    layers = {layer.name: layer for layer in technology.layers}
    wires = {net: list(each) for net, each in routes.wires.items()}
    found, joined, _ = _joined(pieces, placement, technology, routes)
    members = defaultdict(list)
    for index, piece in enumerate(found):
        members[piece.net].append(index)
    added = 0
    for net in check(pieces, placement, technology, routes).open:
        gaps = [
            (gap, a, b)
            for a, b in itertools.combinations(members[net], 2)
            if joined.root(a) != joined.root(b)
            for s in found[a].shapes
            for t in found[b].shapes
            if (gap := _gap(s, t, layers)) is not None
        ]
        for wire, a, b in sorted(gaps, key=lambda entry: entry[0].length):
            if joined.root(a) != joined.root(b):
                joined.join(a, b)
                wires.setdefault(net, []).append(wire)
                added += 1
    return dataclasses.replace(routes, wires=wires), added


def _gap(s: Shape, t: Shape, layers: Mapping[str, Layer]) -> Wire | None:
    """Return the wire between two shapes that face each other, no more than a pitch apart.

    Where they face each other with less than a wire's width, it stays within the first and goes on
    for a width in both, so that it is nowhere narrower than a wire.
    """
    if s.layer != t.layer or s.layer not in layers:
        return None
    layer = layers[s.layer]
    half = layer.width / 2
    left, right = max(s.left, t.left), min(s.right, t.right)
    low, high = max(s.low, t.low), min(s.high, t.high)
    x, y = (left + right) / 2, (low + high) / 2
    if right - left >= half and 0 < low - high <= layer.pitch:
        if right - left < layer.width - _TOUCH:
            x = min(max(x, s.left + half), s.right - half)
            low, high = low + half, high - half  # a wire's metal goes on for another half
        return Wire(s.layer, x, high, x, low, layer.width)
    if high - low >= half and 0 < left - right <= layer.pitch:
        if high - low < layer.width - _TOUCH:
            y = min(max(y, s.low + half), s.high - half)
            left, right = left + half, right - half
        return Wire(s.layer, right, y, left, y, layer.width)
    return None


def _joined(
    pieces: Pieces, placement: Placement, technology: Technology, routes: Routes
) -> tuple[list[_Piece], "_Union", set[tuple[str, str]]]:
    """Return the metal of all nets, which of it hangs together, and which nets overlap."""
    found = list(_ends(pieces, placement, technology))
    ends = len(found)
    fixed = list(_rails(pieces, placement, technology))
    inside = list(_obstructions(pieces, placement, technology))
    for net, wires in routes.wires.items():
        found += [_Piece(net, (wire.shape,), False) for wire in wires]
    for net, vias in routes.vias.items():
        found += [_Piece(net, via.shapes, False) for via in vias]
    joined, shorts = _Union(len(found)), set[tuple[str, str]]()
    everything = found + fixed + inside
    blocked = len(found) + len(fixed)
    for a, b in _touching(everything):
        if max(a, b) >= blocked and not ends <= min(a, b) < len(found):
            continue  # a cell's own metal is its own matter
        first, second = everything[a], everything[b]
        if first.net == second.net:
            joined.join(a, b)
        elif any(_overlap(s, t, -_TOUCH) for s in first.shapes for t in second.shapes):
            shorts.add((min(first.net, second.net), max(first.net, second.net)))
    return found, joined, shorts


def _ends(pieces: Pieces, placement: Placement, technology: Technology) -> Iterator[_Piece]:
    """Yield the pins and ports that are on a net of the netlist."""
    names = files.net_names(pieces)
    for net, cell, pin in zip(
        pieces.pin_net.tolist(), pieces.pin_cell.tolist(), pieces.pin_name, strict=True
    ):
        macro = technology.macro(pieces.cells[cell])
        yield _Piece(names[net], _placed(macro.pins[pin].shapes, cell, placement, technology), True)
    for index, net in enumerate(pieces.port_nets):
        yield _Piece(names[net], (placement.port(index, technology),), True)


def _rails(pieces: Pieces, placement: Placement, technology: Technology) -> Iterator[_Piece]:
    """Yield rails, and pins without a net."""
    used: list[set[str]] = [set() for _ in pieces.cells]
    for cell, name in zip(pieces.pin_cell.tolist(), pieces.pin_name, strict=True):
        used[cell].add(name)
    for cell, kind in enumerate(pieces.cells):
        macro = technology.macro(kind)
        for name, pin in macro.pins.items():
            if name not in used[cell]:
                rail = pin.use in ("power", "ground")
                net = name if rail else f"u{cell} {name}"
                yield _Piece(net, _placed(pin.shapes, cell, placement, technology), False)


def _obstructions(pieces: Pieces, placement: Placement, technology: Technology) -> Iterator[_Piece]:
    """Yield the metal inside of cells that is no pin, which no wire may meet."""
    for cell, kind in enumerate(pieces.cells):
        shapes = technology.macro(kind).obstructions
        if shapes:
            yield _Piece(f"u{cell} OBS", _placed(shapes, cell, placement, technology), False)


def _placed(
    shapes: Sequence[Shape], cell: int, placement: Placement, technology: Technology
) -> tuple[Shape, ...]:
    x, y = float(placement.x[cell]), float(placement.y[cell])
    high = technology.row_height
    if placement.turned[cell]:
        return tuple(
            Shape(s.layer, s.left + x, y + high - s.high, s.right + x, y + high - s.low)
            for s in shapes
        )
    return tuple(Shape(s.layer, s.left + x, s.low + y, s.right + x, s.high + y) for s in shapes)


def _overlap(s: Shape, t: Shape, more: float) -> bool:
    """Whether two shapes overlap, or, with ``more`` above 0, are no further apart than that."""
    return (
        s.layer == t.layer
        and min(s.right, t.right) - max(s.left, t.left) > -more
        and min(s.high, t.high) - max(s.low, t.low) > -more
    )


def _touching(pieces: list[_Piece]) -> Iterator[tuple[int, int]]:
    """Yield pairs of pieces that touch, each once; looked for in squares of a few tracks."""
    size = 2.0
    squares: dict[tuple[str, int, int], list[tuple[int, Shape]]] = defaultdict(list)
    seen: set[tuple[int, int]] = set()
    for index, piece in enumerate(pieces):
        for shape in piece.shapes:
            columns = range(int(shape.left // size), int(shape.right // size) + 1)
            rows = range(int(shape.low // size), int(shape.high // size) + 1)
            for key in ((shape.layer, c, r) for c in columns for r in rows):
                for other, there in squares[key]:
                    pair = (other, index)
                    if other != index and pair not in seen and _overlap(shape, there, _TOUCH):
                        seen.add(pair)
                        yield pair
                squares[key].append((index, shape))


class _Union:
    """Sets of numbers that grow together."""

    def __init__(self, size: int):
        self.parent = list(range(size))

    def root(self, index: int) -> int:
        while self.parent[index] != index:
            self.parent[index] = self.parent[self.parent[index]]
            index = self.parent[index]
        return index

    def join(self, a: int, b: int) -> None:
        if max(a, b) < len(self.parent):
            self.parent[self.root(a)] = self.root(b)
