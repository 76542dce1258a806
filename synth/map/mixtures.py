"""Designs whose largest module is mapped by one recipe and the others by another.

A cell that stands a thousand times in an array should be small, and the few lanes around it fast.
With one recipe for everything either the cells pay for the lanes or the lanes set the clock.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write(folder: Path, candidates: Sequence[str], rest: str, largest: str) -> list[str]:
    """Write one more candidate for each that is not ``rest``, and return their names.

    Parameters
    ----------
    folder
        Where ``<candidate>.json`` of each candidate is, as Yosys writes it.
    candidates
        Names of the recipes; each maps the largest module once.
    rest
        Name of the recipe that all other modules come from.
    largest
        The module that takes the most area in all its instances.

    Returns
    -------
    Names, ``<candidate>+<rest>``.
    """
    names = []
    others = json.loads((folder / f"{rest}.json").read_text())
    for candidate in candidates:
        if candidate == rest:
            continue
        modules = json.loads((folder / f"{candidate}.json").read_text())["modules"]
        mixed: dict[str, Any] = others | {
            "modules": others["modules"] | {largest: modules[largest]}
        }
        names.append(f"{candidate}+{rest}")
        (folder / f"{names[-1]}.json").write_text(json.dumps(mixed))
    return names
