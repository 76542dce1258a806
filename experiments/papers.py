"""What the papers say, from one data file: quoted beside our numbers, and never mixed with them."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

FILE = "papers.toml"


@cache
def figures(block: str, part: str = "") -> dict[str, Any]:
    """Return what the file says of a block's paper, or of a part of that.

    Every table has its ``source`` and ``place``, where the figures are; a part without its own has
    the block's.

    Raises
    ------
    KeyError
        Nothing is quoted there.
    ValueError
        A table does not say where it is from.
    """
    table = tomllib.loads((files("nomul.experiments") / FILE).read_text())[block]
    where = {name: table[name] for name in ("source", "place") if name in table}
    values: dict[str, Any] = where | (table[part] if part else table)
    for name in ("source", "place"):
        if not values.get(name):
            raise ValueError(f"{FILE}: {block} {part} does not say its {name}")
    return values


def quoted(block: str, part: str = "") -> dict[str, Any]:
    """Return the figures alone, without where they are from and without further parts."""
    own = figures(block, part)
    about = ("source", "place", "against")
    return {n: v for n, v in own.items() if n not in about and not isinstance(v, dict)}
