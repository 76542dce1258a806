"""The command that compares a block's model with another library on every pair of operands."""

from pathlib import Path
from typing import Annotated

import typer

from nomul import flow, present, registry
from nomul.options import AsJson, Name, Out


def verify(
    name: Name,
    exhaustive: Annotated[
        str, typer.Option(help="Format whose operand pairs to go through: fp16.")
    ],
    op: Annotated[
        list[str] | None,
        typer.Option(help="Operation to verify, add or mul; may be repeated; both if absent."),
    ] = None,
    rows: Annotated[
        int, typer.Option(help="Number of first operands, of 65536, to go through.")
    ] = 1 << 16,
    out: Out = None,
    json: AsJson = False,
) -> None:
    """Compare a block's model with another library on all operand pairs; resumes where it was."""
    folder = out or Path("build/verify")
    records = flow.verify(registry.get(name), exhaustive, op or (), folder, rows)
    if json:
        present.as_json([vars(record) for record in records])
    else:
        present.table(
            "",
            ("operation", "pairs", "of", "wrong", "seconds"),
            [(f"{r.format} {r.op}", r.pairs, 1 << 32, r.wrong, r.seconds) for r in records],
        )
    raise typer.Exit(1 if any(record.wrong for record in records) else 0)
