"""The committed rows of numbers: show them, measure them again, write them into the README."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nomul.synth.rows import Comparison, Row

BEGIN, END = "<!-- rows: written by `nomul report --readme` -->", "<!-- /rows -->"


def committed(targets: Sequence[str] = (), blocks: Sequence[str] = ()) -> "list[Row]":
    """Return the committed rows of the named targets and blocks, of all if none is named."""
    from nomul import registry
    from nomul.synth import rows

    for name in blocks:
        registry.get(name)
    found = [row for target in targets or rows.BASELINE_TARGETS for row in rows.load(target)]
    return [row for row in found if not blocks or row.block in blocks]


def update(targets: Sequence[str] = (), blocks: Sequence[str] = ()) -> list[Path]:
    """Measure the presets of the named blocks again and replace their rows; return the files."""
    from nomul.synth import rows

    return rows.update(blocks or None, targets or rows.BASELINE_TARGETS)


def check(targets: Sequence[str] = (), blocks: Sequence[str] = ()) -> "Comparison":
    """Measure the presets of the named blocks again and compare them with their rows."""
    from nomul.synth import rows

    measured = rows.measure_all(blocks or None, targets or rows.BASELINE_TARGETS)
    return rows.compare(
        committed(targets, blocks), [row for new in measured.values() for row in new]
    )


def write_readme(path: Path) -> bool:
    """Put the table of all committed rows between its markers; return whether the file changed.

    Raises
    ------
    ValueError
        The file has no such markers.
    """
    text = path.read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{path} has no line {BEGIN!r} followed by {END!r}")
    filled = pattern.sub(lambda _: f"{BEGIN}\n{table(committed())}{END}", text)
    path.write_text(filled)
    return filled != text


def table(rows: "Sequence[Row]") -> str:
    """Return the rows as a Markdown table."""
    from nomul.synth import rows as of_rows

    return of_rows.table(rows)
