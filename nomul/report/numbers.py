"""The committed numbers, rows and tables: show them, measure them again, write them into pages."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nomul.experiments.rows import Comparison
    from nomul.experiments.tables import Table
    from nomul.synth.measure import Row

_BY = "written by `nomul report --readme`"


def committed(targets: Sequence[str] = (), blocks: Sequence[str] = ()) -> "list[Row]":
    """Return the committed rows of the named targets and blocks, of all if none is named.

    Raises
    ------
    ValueError
        There is no such block or target.
    """
    from nomul import registry
    from nomul.experiments import rows
    from nomul.synth.map import targets as mapping

    for name in blocks:
        registry.get(name)
    for target in targets:
        mapping.get(target)
    wanted = [(t, folder) for t in targets or rows.BASELINE_TARGETS for folder in rows.folders()]
    every = [row for target, folder in wanted for row in rows.load(target, folder)]
    return [row for row in every if not blocks or row.block in blocks]


def measure(
    targets: Sequence[str] = (),
    blocks: Sequence[str] = (),
    presets: Sequence[str] = (),
    *,
    keep: bool = False,
    step: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> "list[Row]":
    """Measure the presets of the named blocks again; return their rows.

    Parameters
    ----------
    targets, blocks, presets
        All of them, where none is named.
    keep
        Put each row in the place of the committed one as soon as it is measured, so that nothing
        is lost if the next one is not.
    step
        Opens a step by its description, to show progress.

    Raises
    ------
    ValueError
        There is no such block, target or preset; or rows are to be kept, and this nomul is not a
        checkout but an installed package.
    """
    from nomul import registry
    from nomul.experiments import checkout, rows

    if keep:
        checkout.demand("--update", blocks or registry.blocks())
    measured = []
    for block, preset, target in rows.wanted(
        blocks or None, targets or rows.BASELINE_TARGETS, presets
    ):
        with step(f"{block} {preset} on {target}"):
            measured.append(rows.measure_preset(block, preset, target))
            if keep:
                rows.replace(measured[-1])
    return measured


def compare(measured: "Sequence[Row]") -> "Comparison":
    """Compare rows with the committed ones of the same presets and targets."""
    from nomul.experiments import rows

    keys = {(row.target, row.key) for row in measured}
    return rows.compare([r for r in committed() if (r.target, r.key) in keys], measured)


def write_readme(path: Path) -> bool:
    """Put the tables of nomul's own blocks and rows between their markers.

    Returns
    -------
    bool
        Whether the file changed.

    Raises
    ------
    ValueError
        The file has no such markers.
    """
    from nomul import registry

    own = committed(blocks=list(registry.BLOCKS))
    text = filled = path.read_text()
    for name, content in (("blocks", blocks_table()), ("rows", table(own))):
        begin, end = f"<!-- {name}: {_BY} -->", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
        if not pattern.search(filled):
            raise ValueError(f"{path} has no line {begin!r} followed by {end!r}")
        whole = f"{begin}\n{content}{end}"
        filled = pattern.sub(lambda _, whole=whole: whole, filled)  # type: ignore[misc]
    path.write_text(filled)
    return filled != text


def tables_named(blocks: Sequence[str], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return block and name of the tables that are asked for, where ``all`` stands for all.

    Raises
    ------
    ValueError
        Not exactly one block is named, or it has no such table.
    """
    from nomul.experiments import tables

    if len(blocks) != 1:
        raise ValueError(f"--table wants one block of {', '.join(tables.blocks())}")
    (block,) = blocks
    there = tables.names(block)
    for name in names:
        if name not in (*there, "all"):
            raise ValueError(f"{block} has no table {name!r}; it has {', '.join(there)}")
    return [(block, name) for name in (there if "all" in names else names)]


def committed_table(block: str, name: str) -> "Table":
    """Return a table of a block's page as it was measured last."""
    from nomul.experiments import tables

    return tables.load(block, name)


def update_table(block: str, name: str, docs: Path = Path("docs")) -> "Table":
    """Measure a table again; store it, and put it and its plot into the block's page.

    Parameters
    ----------
    docs
        Folder of the pages of nomul's own blocks; those of other packages know theirs.

    Raises
    ------
    ValueError
        There is no such table, or this nomul is not a checkout but an installed package.
    """
    from nomul import registry
    from nomul.experiments import checkout, tables

    owner = registry.blocks().get(block)  # none for the flow, whose tables are nomul's own
    checkout.demand("--update", [block] if owner else None)
    table = tables.measure(block, name)
    tables.save(table)
    docs = owner.page.parent if owner and not owner.own else docs
    if (docs / f"{block}.md").is_file():
        tables.write_page(table, docs)
    return table


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
    from nomul.experiments import rows as baseline

    return baseline.table(rows)
