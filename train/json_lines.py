"""Results of long runs, one JSON object per line, in files that a kill may cut off."""

import json
from pathlib import Path
from typing import Any


def read(file: Path) -> list[dict[str, Any]]:
    """Return the objects that a file holds, if there is one; a line cut off is dropped."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def append(file: Path, row: dict[str, Any]) -> None:
    """Add an object on a line of its own, to a new file if there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cut = file.exists() and not file.read_bytes().endswith(b"\n")
    with file.open("a") as stream:
        stream.write("\n" * cut + json.dumps(row) + "\n")
