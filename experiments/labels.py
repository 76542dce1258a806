"""Names beside the marks of a plot, placed so that they cover neither marks nor each other."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

SIZE = 6.5  # of letters, in points
MARK = 4.0  # half of a mark's side, in points
GAP = 3.0  # between names of one line, in points
DISTANCES = (7, 13, 20, 28, 37, 47, 58)  # of a name from its mark, in points
ANGLES = (90, 270, 0, 180, 45, 135, 225, 315, 68, 112, 248, 292)  # the first that is free is taken

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


def _common(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _line(x: float, y: float, dx: float, dy: float) -> list[Box]:
    """Return small boxes along the line from a mark to its name, outside of the mark."""
    steps = [k / 8 for k in range(3, 8)]
    return [(x + s * dx - 1, y + s * dy - 1, x + s * dx + 1, y + s * dy + 1) for s in steps]


def _box(x: float, y: float, width: float, height: float, distance: float, angle: float) -> Box:
    """Return where a name lies whose nearest point is so far from its mark in that direction."""
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    left = x + distance * across + (across - 1) * width / 2
    bottom = y + distance * up + (up - 1) * height / 2
    return left, bottom, left + width, bottom + height


def _away(box: Box, x: float, y: float) -> float:
    """Return how far a box is from a point."""
    return math.hypot(max(box[0] - x, x - box[2], 0), max(box[1] - y, y - box[3], 0))


def _around(x: float, y: float) -> Box:
    """Return the box of a mark."""
    return x - MARK, y - MARK, x + MARK, y + MARK


def _drawn(axes: Any, scale: float) -> tuple[list[Box], list[Box]]:
    """Return boxes of marks that no curve joins, and small ones along the curves."""
    marks: list[Box] = []
    curves: list[Box] = []
    for line in axes.lines:
        points = line.get_transform().transform(line.get_xydata()) * scale
        if line.get_linestyle() == "None":
            marks += [_around(x, y) for x, y in points]
            continue
        for (x, y), (to_x, to_y) in itertools.pairwise(points):
            steps = max(1, int(math.hypot(to_x - x, to_y - y) / 4))
            for k in range(steps + 1):
                mid_x, mid_y = x + (to_x - x) * k / steps, y + (to_y - y) * k / steps
                curves.append((mid_x - 1, mid_y - 1, mid_x + 1, mid_y + 1))
    return marks, curves


def label(
    axes: Any, points: Sequence[tuple[float, float, str]], colours: Sequence[str] = ()
) -> None:
    """Write a name beside each point (x, y, name) of axes whose limits and scales are final.

    Of places around the mark, near ones first, that one is taken where a name covers least of
    marks, curves, names and the lines that lead to them, and leaves the axes least.
    """
    figure = axes.figure
    figure.draw_without_rendering()  # the layout moves the axes
    scale = 72 / figure.dpi
    edges = axes.get_window_extent().extents * scale
    frame: Box = (edges[0], edges[1], edges[2], edges[3])
    places = []
    shades = colours or ("black",) * len(points)
    for (x, y, name), colour in sorted(zip(points, shades, strict=True)):
        text = axes.text(x, y, name, fontsize=SIZE)
        size = text.get_window_extent()
        text.remove()
        at = axes.transData.transform((x, y)) * scale
        places.append((x, y, name, colour, at[0], at[1], size.width * scale, size.height * scale))
    marks, curves = _drawn(axes, scale)
    own = [_around(x, y) for *_, x, y, _, _ in places]
    taken = own + [mark for mark in marks if mark not in own]
    legend = axes.get_legend()
    if legend is not None:
        corners = legend.get_window_extent().extents * scale
        taken.append((corners[0], corners[1], corners[2], corners[3]))
    for x, y, name, colour, at_x, at_y, width, height in places:
        best: tuple[float, Box, list[Box]] | None = None
        for distance, angle in itertools.product(DISTANCES, ANGLES):
            box = _box(at_x, at_y, width, height, distance, angle)
            middle = (box[0] + box[2]) / 2 - at_x, (box[1] + box[3]) / 2 - at_y
            line = _line(at_x, at_y, *middle) if distance > DISTANCES[0] else []
            covered = sum(_common(box, other) for other in taken)
            passed = sum(_common(box, other) for other in curves)
            crossed = sum(_common(part, other) for part in line for other in taken)
            outside = width * height - _common(box, frame)
            # Beside another's mark it would be read as that one's name.
            nearer = sum(_away(box, *other[4:6]) < distance - 0.5 for other in places)
            cost = distance / 4 + passed + 5 * (covered + crossed + outside) + 99 * nearer
            if best is None or cost < best[0]:
                best = cost, box, line
        assert best is not None
        _, box, line = best
        taken += [(box[0] - GAP, box[1], box[2] + GAP, box[3]), *line]
        axes.annotate(
            name,
            (x, y),
            ((box[0] + box[2]) / 2 - at_x, (box[1] + box[3]) / 2 - at_y),
            textcoords="offset points",
            fontsize=SIZE,
            color=colour,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": "0.6"} if line else None,
        ).set_in_layout(False)
