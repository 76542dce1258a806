"""The committed rows of numbers: show them, measure them again, write them into the README."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nomul.synth.rows import Comparison, Row

_BY = "written by `nomul report --readme`"


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
    """Put the tables of blocks and of their rows between their markers; return whether it changed.

    Raises
    ------
    ValueError
        The file has no such markers.
    """
    text = filled = path.read_text()
    for name, content in (("blocks", blocks_table()), ("rows", table(committed()))):
        begin, end = f"<!-- {name}: {_BY} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
        if not pattern.search(filled):
            raise ValueError(f"{path} has no line {begin!r} followed by {end!r}")
        whole = f"{begin}\n{content}{end}"
        filled = pattern.sub(lambda _, whole=whole: whole, filled)  # type: ignore[misc]
    path.write_text(filled)
    return filled != text


def blocks_table() -> str:
    """Return the registry as a Markdown table, with links to the pages."""
    from nomul import registry

    lines = ["| block | kind | what it is |", "| --- | --- | --- |"]
    for block in registry.BLOCKS.values():
        source = f" ({block.paper})" if block.paper else ""
        page = f"[`{block.name}`](docs/{block.name}.md)"
        lines.append(f"| {page} | {block.kind} | {block.title}{source} |")
    return "\n".join(lines) + "\n"


def table(rows: "Sequence[Row]") -> str:
    """Return the rows as a Markdown table."""
    from nomul.synth import rows as of_rows

    return of_rows.table(rows)
