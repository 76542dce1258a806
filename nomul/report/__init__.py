"""The committed numbers, rows and tables: show them, measure them again, write them into pages."""

from nomul.report.numbers import (
    blocks_table,
    committed,
    committed_table,
    compare,
    measure,
    table,
    tables_named,
    update_table,
    write_readme,
)

__all__ = [
    "blocks_table",
    "committed",
    "committed_table",
    "compare",
    "measure",
    "table",
    "tables_named",
    "update_table",
    "write_readme",
]
