"""What a comparison leaves behind: a table, the fronts, and a page of what wins and why."""

import csv
from importlib.resources import files
from pathlib import Path
from typing import Any

import nomul
from nomul.experiments.compare import memory, pictures, regimes
from nomul.experiments.compare.entries import Comparison


def write(
    found: Comparison, folder: Path, within: float = 1.0, chosen: str | None = None
) -> list[Path]:
    """Write ``table.csv``, the fronts, and ``index.html``.

    Parameters
    ----------
    found
        Rows that are not complete are shown with why.
    within
        Points of accuracy that a winner may lose.
    chosen
        The regime that stands first.

    Raises
    ------
    ValueError
        There is no such regime.
    """
    rows = found.rows()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "table.csv"]
    with paths[0].open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    paths += pictures.write(rows, folder, f"{found.network} on {found.data}")
    paths.append(_html(found, rows, folder, within, chosen))
    return paths


def verdicts(
    rows: list[dict[str, Any]], within: float, chosen: str | None = None
) -> list[regimes.Verdict]:
    """Return what wins in each regime, the chosen one first."""
    ordered = sorted(regimes.REGIMES, key=lambda name: name != chosen)
    if chosen is not None and chosen not in regimes.REGIMES:
        regimes.verdict(rows, chosen, within)  # says which there are
    made = (regimes.verdict(rows, name, within) for name in ordered)
    return [one for one in made if one is not None]


def _html(
    found: Comparison,
    rows: list[dict[str, Any]],
    folder: Path,
    within: float,
    chosen: str | None,
) -> Path:
    from nomul.report import templates

    style = (files("nomul.report") / "page.css").read_text()
    empty = [c for c in rows[0] if all(row[c] in (None, "") for row in rows)]
    shown = [{c: v for c, v in row.items() if c not in empty} for row in rows]
    drawn = [a for a in pictures.ABOUT if (folder / f"{a}.svg").is_file()]
    path, judged = folder / "index.html", verdicts(rows, within, chosen)
    path.write_text(
        templates.environment()
        .from_string((files("nomul.experiments.compare") / "page.html").read_text())
        .render(
            version=nomul.__version__,
            style=style,
            found=found,
            rows=shown,
            within=within,
            verdicts=judged,
            name=regimes.name,
            not_ranked=regimes.not_ranked,
            memory=next((regimes.with_memory(v.ranks) for v in judged if v.column == "pJ"), ""),
            constants={
                "megabits per mm2 of memory": memory.SRAM_MB_PER_MM2,
                "pJ for 64 bits of memory": memory.READ_PJ_PER_64_BITS,
                "bits of a block of ECP5's memory": memory.BLOCK_BITS,
            },
            pictures={a: (folder / f"{a}.svg").read_text() for a in drawn},
        )
    )
    return path
