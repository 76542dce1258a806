"""Finished measurements on disk, so that an interrupted table goes on where it was."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def remembered(
    folder: Path, parts: tuple[Any, ...], make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return what ``make`` returns, from a file if it was made of the same parts before."""
    path = folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        values = make()
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    found: dict[str, Any] = json.loads(path.read_text())
    return found
