"""The command about committed numbers: shown, measured again, and written into pages."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import present, registry
from nomul.options import AsJson


def report(
    blocks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BLOCK]...", help="Blocks that are meant; all if none is named."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Target whose rows are meant; may be repeated; all if absent."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            help="Preset to measure with --update or --check; may be repeated; all if absent."
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Measure again, and replace the committed numbers.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Measure again, and compare with the committed rows.")
    ] = False,
    readme: Annotated[
        bool, typer.Option("--readme", help="Write the tables of blocks and rows into README.md.")
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            metavar="NAME",
            help="Table of the block's page to show or update, or `all`; may be repeated.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for one page about the blocks, index.html."),
    ] = None,
    simulate: Annotated[
        bool, typer.Option(help="Run the benches for --html, and draw one transaction of each.")
    ] = True,
    json: AsJson = False,
) -> None:
    """Show committed numbers, rows or tables; measure them again; write them into pages."""
    from nomul import report
    from nomul.experiments import checkout, tables

    if update:  # here too, before a progress display begins
        named = [one for one in blocks or registry.blocks() if one not in tables.BESIDE]
        checkout.demand("--update", named or None)
    if html:
        from nomul.report import page

        with present.steps() as step:
            present.line(str(page.write(html, blocks or (), simulate=simulate, step=step)))
        return
    if name:
        _report_tables(blocks or [], name, update=update, json=json)
        return
    chosen = (target or (), blocks or ())
    if check or update:
        with present.steps() as step:
            measured = report.measure(*chosen, preset or (), keep=update, step=step)
        if check:
            compared = report.compare(measured)
            present.line(str(compared))
            raise typer.Exit(0 if compared.equal else 1)
    if readme:
        report.write_readme(Path("README.md"))
    rows = report.committed(*chosen)
    if json:
        present.as_json([row.to_dict() for row in rows])
    elif not rows:
        present.line(f"no rows of {', '.join(blocks or ['any block'])} yet: nomul report --update")
    else:
        present.markdown_table(report.table(rows))


def _report_tables(blocks: list[str], names: list[str], *, update: bool, json: bool) -> None:
    """Show tables of one block's page, measured again if ``update``."""
    from nomul import report

    shown = []
    for block, name in report.tables_named(blocks, names):
        if update:
            with present.working(f"measuring {block} {name}"):
                shown.append(report.update_table(block, name))
        else:
            shown.append(report.committed_table(block, name))
    if json:
        present.as_json([vars(table) for table in shown])
        return
    for table in shown:
        present.line(f"{table.block} {table.name}: {table.title}")
        present.markdown_table(table.markdown())
