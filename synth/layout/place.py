"""Placement: a floor of rows, ports around it, and cells where a placer puts them.

One file, since floor, ports and cells are one problem for the placer.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nomul.synth.layout import demands, placers
from nomul.synth.layout.lef import Shape, Technology
from nomul.synth.layout.pieces import Floats, Indices, Pieces
from nomul.synth.layout.placers import PlacementError, Problem

Bools = NDArray[np.bool_]
_Ports = tuple[Floats, Floats, Bools]

EFFORT, SEED = 3, 1

LIMIT_S = 600  # of each of the two placements


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The die: rows of one height around which ports stand, in um from its lower left corner.

    Attributes
    ----------
    rows, columns
        Number of rows, and of sites in a row.
    site, row_height
        Size of a site.
    margin_x, margin_y
        From the die's edge to the rows.
    """

    rows: int
    columns: int
    site: float
    row_height: float
    margin_x: float
    margin_y: float

    @property
    def width(self) -> float:
        """Of the die."""
        return self.columns * self.site + 2 * self.margin_x

    @property
    def height(self) -> float:
        """Of the die."""
        return self.rows * self.row_height + 2 * self.margin_y

    @property
    def core_area(self) -> float:
        """Area of the rows in um2."""
        return self.rows * self.row_height * self.columns * self.site


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where everything is, in um.

    Attributes
    ----------
    placer
        Whose work it is: ``coloquinte`` or ``graywolf``.
    x, y
        float64[n]: lower left corners of the instances.
    turned
        bool[n]: whether an instance is upside down, LEF's orientation FS.
    port_x, port_y
        Where the ports are: on the last track before the edge of the die.
    port_upright
        bool[ports]: whether the wire to a port is vertical, as at the upper and lower edge.
    """

    placer: str
    floor: Floor
    x: Floats
    y: Floats
    turned: Bools
    port_x: Floats
    port_y: Floats
    port_upright: Bools

    def points(self, pieces: Pieces) -> tuple[Indices, Floats, Floats]:
        """Return net, x and y of all pins, then of all ports."""
        cell = pieces.pin_cell
        up = np.where(self.turned[cell], pieces.height[cell] - pieces.pin_y, pieces.pin_y)
        net = np.concatenate([pieces.pin_net, np.array(pieces.port_nets, dtype=np.intp)])
        x = np.concatenate([self.x[cell] + pieces.pin_x, self.port_x])
        return net, x, np.concatenate([self.y[cell] + up, self.port_y])

    def port(self, index: int, technology: Technology) -> Shape:
        """Return the metal of a port: a square at its place, as wide as a wire.

        No longer than that, since the router leads other wires over the tracks that a port covers
        besides its own.
        """
        across, along = technology.signal
        x, y = float(self.port_x[index]), float(self.port_y[index])
        layer = along if self.port_upright[index] else across
        half = layer.width / 2
        return Shape(layer.name, x - half, y - half, x + half, y + half)


def floor(pieces: Pieces, technology: Technology, density: float) -> Floor:
    """Return a square die, or nearly, of whose rows the cells fill the share ``density``.

    Raises
    ------
    ValueError
        The density is not above 0 and at most 1, or there is no cell.
    """
    demands.density(density)
    if not pieces.cells:
        raise ValueError("the netlist has no cell, so there is nothing to place")
    side = math.sqrt(pieces.area / density)
    rows = max(1, round(side / technology.row_height))
    whole = pieces.width.sum() / density / rows
    columns = math.ceil(max(whole, pieces.width.max()) / technology.site - 1e-9)
    across, along = technology.signal
    # Room for ten tracks around the rows, in whole sites and whole tracks, so that the cells'
    # pins keep their places on the grid.
    return Floor(
        rows=rows,
        columns=columns,
        site=technology.site,
        row_height=technology.row_height,
        margin_x=technology.site * math.ceil(10 * along.pitch / technology.site),
        margin_y=10 * across.pitch,
    )


def place(
    pieces: Pieces,
    technology: Technology,
    folder: Path,
    *,
    density: float = 0.8,
    seed: int = SEED,
    limit_s: float = LIMIT_S,
    placer: str | None = None,
) -> Placement:
    """Place cells and ports.

    Twice: first without ports, which then take the places around the die that are nearest in angle
    to the cells on their nets; then with them. The second placement is legal: cells in rows, on
    sites, none on another.

    Parameters
    ----------
    density
        Share of the rows that cells fill.
    seed
        Of the placer.
    folder
        For its input, output and log.
    limit_s
        Time that each of the two may take.
    placer
        ``coloquinte`` or ``graywolf``; the first of them that is here if None.

    Raises
    ------
    PlacementError
        The cells do not fit, or the time is over.
    ImportError
        The placer is not installed.
    ValueError
        The density is out of range.
    """
    die = floor(pieces, technology, density)
    chosen = placer or placers.name()
    placing = _Placing(pieces, technology, die, folder, seed, limit_s, chosen)
    rough = placing.run(None, legal=False)
    placement = placing.run(_around(pieces, technology, rough), legal=True)
    check(pieces, placement)
    return placement


def check(pieces: Pieces, placement: Placement) -> None:
    """Demand that cells stand in rows, on sites, and not on each other.

    Raises
    ------
    PlacementError
        With the first two that overlap, or the one that stands elsewhere.
    """
    die = placement.floor
    row = (placement.y - die.margin_y) / die.row_height
    site = (placement.x - die.margin_x) / die.site
    last = site + pieces.width / die.site
    for values, most in ((row, die.rows - 1), (site, die.columns)):
        wrong = (abs(values - np.rint(values)) > 1e-3) | (values < -1e-3) | (values > most + 1e-3)
        if wrong.any() or (last > die.columns + 1e-3).any():
            raise PlacementError(f"a {pieces.cells[int(wrong.argmax())]} stands beside the rows")
    order = np.lexsort((site, np.rint(row)))
    left, right = order[:-1], order[1:]
    over = (np.rint(row[left]) == np.rint(row[right])) & (site[right] < last[left] - 1e-3)
    if over.any():
        k = int(over.argmax())
        raise PlacementError(f"{pieces.cells[left[k]]} and {pieces.cells[right[k]]} overlap")


def _around(pieces: Pieces, technology: Technology, rough: Placement) -> _Ports:
    """Spread the ports over the edge of the die, in the order of the angles of their nets."""
    die = rough.floor
    net, x, y = rough.points(pieces)
    inner = slice(0, len(pieces.pin_net))
    many = np.maximum(np.bincount(net[inner], minlength=pieces.nets), 1)
    sums = [np.bincount(net[inner], values[inner], minlength=pieces.nets) for values in (x, y)]
    middle = np.stack([s / many for s in sums])[:, pieces.port_nets]
    angle = np.arctan2(middle[1] - die.height / 2, middle[0] - die.width / 2)
    order = np.argsort(angle, kind="stable")
    across, along = technology.signal
    # The way around begins in the middle of the left edge, where the angle is -pi.
    step = 2 * (die.width + die.height) / max(len(order), 1)
    px, py = np.zeros(len(order)), np.zeros(len(order))
    for rank, port in enumerate(order):
        px[port], py[port] = _on_edge(die, (rank + 0.5) * step)
    return _snapped(px, py, die, along.pitch, across.pitch, along.offset, across.offset)


def _on_edge(die: Floor, way: float) -> tuple[float, float]:
    """Return the point that far along the edge, from the middle of the left one downwards."""
    half = die.height / 2
    if way < half:
        return 0.0, half - way
    if (way := way - half) < die.width:
        return way, 0.0
    if (way := way - die.width) < die.height:
        return die.width, way
    if (way := way - die.height) < die.width:
        return die.width - way, die.height
    return 0.0, die.height - (way - die.width)


def _snapped(
    x: Floats, y: Floats, die: Floor, dx: float, dy: float, ox: float, oy: float
) -> _Ports:
    """Move ports onto crossings of tracks, those of an edge onto the last track before it."""
    upright = (y <= 0) | (y >= die.height)

    def onto(at: Floats, pitch: float, offset: float, size: float, corner: int) -> Floats:
        last = (size - offset) // pitch - corner
        return np.clip(np.rint((at - offset) / pitch), corner, last) * pitch + offset

    # Ports of two edges never meet in a corner.
    on_x = np.where(upright, onto(x, dx, ox, die.width, 1), onto(x, dx, ox, die.width, 0))
    on_y = np.where(upright, onto(y, dy, oy, die.height, 0), onto(y, dy, oy, die.height, 1))
    return on_x, on_y, upright


@dataclass(frozen=True)
class _Placing:
    """A placer with its floor; coordinates are in database units there."""

    pieces: Pieces
    technology: Technology
    floor: Floor
    folder: Path
    seed: int
    limit_s: float
    placer: str

    def run(self, ports: _Ports | None, *, legal: bool) -> Placement:
        problem = self._problem(ports, legal)
        stem = "place" if legal else "rough"
        found = placers.PLACERS[self.placer](problem, self.folder, stem, self.limit_s)
        many, units, die = len(self.pieces.cells), self.technology.units, self.floor
        x = np.array(found.x[:many], dtype=np.float64)
        if legal:  # widths are whole sites, so cells rounded down do not meet
            x = x // problem.site * problem.site
        none = np.zeros(len(self.pieces.ports))
        shown = ports or (none, none, none > 0)
        return Placement(
            placer=self.placer,
            floor=die,
            x=x / units + die.margin_x,
            y=np.array(found.y[:many]) / units + die.margin_y,
            turned=np.array(found.turned[:many], dtype=np.bool_),
            port_x=shown[0],
            port_y=shown[1],
            port_upright=shown[2],
        )

    def _problem(self, ports: _Ports | None, legal: bool) -> Problem:
        pieces, die, units = self.pieces, self.floor, self.technology.units
        many, edge = len(pieces.cells), len(pieces.ports) if ports else 0

        def whole(um: Floats) -> list[int]:
            values: list[int] = np.rint(um * units).astype(int).tolist()
            return values

        at = [[0] * many, [0] * many]
        if ports:
            at[0] += whole(ports[0] - die.margin_x)
            at[1] += whole(ports[1] - die.margin_y)
        members: dict[int, tuple[list[int], list[int], list[int]]] = {}
        pins = zip(
            pieces.pin_net.tolist(),
            pieces.pin_cell.tolist(),
            whole(pieces.pin_x),
            whole(pieces.pin_y),
            strict=True,
        )
        own = ((net, many + k, 0, 0) for k, net in enumerate(pieces.port_nets) if ports)
        for net, cell, x, y in (*pins, *own):
            cells, xs, ys = members.setdefault(net, ([], [], []))
            cells.append(cell)
            xs.append(x)
            ys.append(y)
        height, length = round(die.row_height * units), round(die.columns * die.site * units)
        return Problem(
            width=whole(pieces.width) + [0] * edge,
            height=whole(pieces.height) + [0] * edge,
            fixed=[False] * many + [True] * edge,
            x=at[0],
            y=at[1],
            rows=[[0, length, n * height, (n + 1) * height] for n in range(die.rows)],
            site=round(die.site * units),
            nets=[net for net in members.values() if len(net[0]) > 1],
            effort=EFFORT,
            seed=self.seed,
            legal=legal,
        )
