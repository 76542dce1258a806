"""The fronts of a comparison: accuracy against energy and against area, every mark labelled."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nomul.experiments import picture
from nomul.experiments.compare.regimes import accuracy, name
from nomul.experiments.labels import label
from nomul.sweep.table import front

AXES = {"energy": ("pJ",), "area": ("um2", "LUT")}
ABOUT = {
    "energy": "Accuracy against energy per inference; the line joins what no other array beats.",
    "area": "Accuracy against area; the line joins what no other array beats.",
}
# One mark more than there are colours, so that both together are an array's own.
MARKS = "osD^vP*X<>h"


def draw(rows: Sequence[dict[str, Any]], axis: str, plot: Any) -> list[tuple[float, float, str]]:
    """Draw rows into axes of a figure; return the marks (x, y, name), which want labels."""
    columns = [c for c in AXES[axis] if any(row[c] is not None for row in rows)]
    if not columns:
        return []
    column = columns[0]
    there = [row for row in rows if row[column] is not None]
    alike = len({row["size"] for row in there if row["size"]}) == 1
    points = [
        {
            "x": row[column],
            "y": accuracy(row),
            "name": row["array"] if alike else name(row),
            "array": row["array"],
        }
        for row in there
    ]
    plot.margins(x=0.15, y=0.4)
    for number, array in enumerate(dict.fromkeys(point["array"] for point in points)):
        own = [point for point in points if point["array"] == array]
        mark = MARKS[number % len(MARKS)]
        plot.scatter([p["x"] for p in own], [p["y"] for p in own], s=26, marker=mark)
    best = front(points, (("x", 1), ("y", -1)))
    plot.plot([p["x"] for p in best], [p["y"] for p in best], color="0.5", lw=1, zorder=0)
    values = [point["x"] for point in points]
    if min(values) > 0 and max(values) > 5 * min(values):
        plot.set_xscale("log")
        if max(values) < 100 * min(values):  # between powers of ten as plain numbers, and few
            from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

            plot.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            plot.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            plot.xaxis.set_minor_formatter(NullFormatter())
    plot.set_xlabel({"pJ": "pJ per inference"}.get(column, column))
    plot.set_ylabel("accuracy, %")
    low, high = plot.get_ylim()
    plot.set_yticks([tick for tick in plot.get_yticks() if low <= tick <= min(high, 100)])
    plot.grid(alpha=0.3)
    return [(point["x"], point["y"], point["name"]) for point in points]


def write(rows: Sequence[dict[str, Any]], folder: Path, title: str) -> list[Path]:
    """Write ``energy`` and ``area`` as SVG and PNG, where rows have such figures."""
    paths: list[Path] = []
    with picture.style():
        for axis, about in ABOUT.items():
            figure = picture.figure(7.2, 4.2)
            plot = figure.subplots()
            marks = draw(rows, axis, plot)
            if not marks:
                continue
            label(plot, marks)
            svg, png = (folder / f"{axis}.{kind}" for kind in ("svg", "png"))
            picture.save(figure, svg, f"{title}: accuracy against {axis}", about)
            figure.savefig(png, dpi=130)
            paths += [svg, png]
    return paths
