"""What a sweep leaves behind: one table, and a plot of which points no other one beats."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nomul.sweep import Sweep

# What is compared if nobody says: the first column that the table has, of costs and of merits.
COSTS = ("area_um2", "luts", "cells", "verilog_lines")
MERITS = ("error", "energy_fj", "ns_per_result", "interval")
FRONT = "front"


def write(
    sweep: "Sweep", folder: Path, axes: str | None = None, colour: str | None = None
) -> list[Path]:
    """Write ``table.csv``, ``skipped.csv`` if anything was, and ``pareto.svg`` and ``.png``.

    Parameters
    ----------
    axes
        ``x,y``, two columns; ``x:max`` where more is better. Chosen from what is there if None.
    colour
        Column whose values the plot tells apart; the first swept parameter that holds text, else
        the first one, if None.

    Returns
    -------
    list of Path
        No plot where fewer than two points are complete, or no two columns are comparable.

    Raises
    ------
    ValueError
        There is no such column, or it does not hold numbers.
    """
    rows = [point.row() for point in sweep.points]
    whole = [row for row in rows if not row["failure"]]
    compared = pareto_axes(whole, axes) if whole else None
    if compared:
        best = front(whole, compared)
        for row in whole:
            row[FRONT] = any(row is other for other in best)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [_csv(folder / "table.csv", rows)]
    if sweep.skipped:
        skipped = [{**s.values, "reason": s.reason} for s in sweep.skipped]
        paths.append(_csv(folder / "skipped.csv", skipped))
    if compared and len(whole) > 1:
        paths += _plot(sweep, whole, compared, colour, folder)
    return paths


def columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of all columns, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def pareto_axes(
    rows: Sequence[dict[str, Any]], axes: str | None
) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return two columns and their senses, 1 where less is better and -1 where more is.

    Those that ``axes`` names, else the first cost and the first merit that the rows have; None if
    they have none.
    """
    names = [name for name in columns(rows) if _numeric(rows, name)]
    known = ", ".join(names)
    if axes is None:
        chosen = [next((n for n in wanted if n in names), None) for wanted in (COSTS, MERITS)]
        return ((chosen[0], 1), (chosen[1], 1)) if chosen[0] and chosen[1] else None
    parts = [part.strip().partition(":") for part in axes.split(",")]
    if len(parts) != 2 or any(sense not in ("", "min", "max") for *_, sense in parts):
        raise ValueError(f"--pareto wants two columns, x,y or x,y:max, not {axes!r}")
    for name, *_ in parts:
        if name not in names:
            raise ValueError(f"there is no column of numbers {name!r}; there are {known}")
    x, y = ((name, -1 if sense == "max" else 1) for name, _, sense in parts)
    return x, y


def _numeric(rows: Sequence[dict[str, Any]], name: str) -> bool:
    return all(isinstance(row.get(name), int | float) for row in rows)


def front(
    rows: Sequence[dict[str, Any]], axes: tuple[tuple[str, int], tuple[str, int]]
) -> list[dict[str, Any]]:
    """Return the rows that no other one equals or beats in both columns and beats in one.

    They come in ascending order of the first column.
    """
    (x, x_sense), (y, y_sense) = axes
    ordered = sorted(rows, key=lambda row: (x_sense * row[x], y_sense * row[y]))
    best: list[dict[str, Any]] = []
    for row in ordered:
        if not best or y_sense * row[y] < y_sense * best[-1][y]:
            best.append(row)
        elif (row[x], row[y]) == (best[-1][x], best[-1][y]):
            best.append(row)
    return best[::x_sense]


def _csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _label(text: str) -> str:
    """Return text that matplotlib does not take for mathematics, whatever is in it."""
    return text.replace("\\", "/").replace("$", r"\$")


def _plot(
    sweep: "Sweep",
    rows: Sequence[dict[str, Any]],
    axes: tuple[tuple[str, int], tuple[str, int]],
    colour: str | None,
    folder: Path,
) -> list[Path]:
    from nomul.experiments import picture

    (x, x_sense), (y, y_sense) = axes
    if colour is not None and colour not in columns(rows):
        raise ValueError(f"there is no column {colour!r}; there are {', '.join(columns(rows))}")
    varied = [name for name in sweep.axes if any(row[name] != rows[0][name] for row in rows)]
    texts = [name for name in varied if isinstance(rows[0][name], str)]
    chosen = colour or next(iter([*texts, *varied]), None)
    figure = picture.figure(7.0, 4.5)
    plot = figure.subplots()
    plot.margins(x=0.12)  # room for the labels
    for value in dict.fromkeys(row[chosen] for row in rows) if chosen else [None]:
        group = [row for row in rows if chosen is None or row[chosen] == value]
        label = _label(f"{chosen} {value}") if chosen else None
        plot.scatter([r[x] for r in group], [r[y] for r in group], s=22, label=label)
    best = front(rows, axes)
    plot.plot([r[x] for r in best], [r[y] for r in best], color="0.4", lw=1, zorder=0)
    for row in best[:12]:
        text = "\n".join(_label(f"{name} {row[name]}") for name in varied if name != chosen)
        plot.annotate(text, (row[x], row[y]), (4, 4), textcoords="offset points", fontsize=6)
    for name, set_scale in ((x, plot.set_xscale), (y, plot.set_yscale)):
        values = [row[name] for row in rows]
        if min(values) > 0 and max(values) > 20 * min(values):
            set_scale("log")
    plot.set_xlabel(x + (", more is better" if x_sense < 0 else ""))
    plot.set_ylabel(y + (", more is better" if y_sense < 0 else ""))
    plot.grid(alpha=0.3)
    if chosen:
        plot.legend(fontsize=8)
    svg, png = folder / "pareto.svg", folder / "pareto.png"
    title = f"{sweep.block}: {y} against {x}"
    about = f"{len(rows)} configurations; the line joins the {len(best)} that no other one beats."
    with picture.style():
        picture.save(figure, svg, title, about)
        figure.savefig(png, dpi=150)
    return [svg, png]
