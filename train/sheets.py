"""Files of samples as columns by name: numbers, or texts where one of them is none.

Read are ``.csv`` and ``.tsv`` with a line of names, ``.npz``, ``.npy``, and ``.parquet`` where
pandas is installed.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.foreign.archives import array_file, arrays
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import contents

ENDINGS = (".csv", ".tsv", ".npz", ".npy", ".parquet")

Sheet = dict[str, Floats | list[str]]


def sheet(path: Path, target: str) -> Sheet:
    """Return the columns of a file by name, numbers as float64[n] and the rest as texts.

    Arrays of NumPy have columns named x0, x1 and so on.
    """
    if path.suffix in (".csv", ".tsv"):
        return _text(contents(path).decode("utf-8-sig"), "\t" if path.suffix == ".tsv" else "")
    if path.suffix == ".npz":
        found = arrays(path)
        x = [name for name in found if name in ("x", "X")]
        if len(x) != 1 or target not in found:
            raise ValueError(f"must have arrays 'x' and {target!r}; it has {', '.join(found)}")
        return _arrays(found[x[0]], found[target], target)
    if path.suffix == ".npy":
        if not target.endswith(".npy"):
            raise ValueError(f"needs the .npy file of the classes as the target, not {target!r}")
        return _arrays(array_file(path), array_file(Path(target)), target)
    if path.suffix == ".parquet":
        try:
            import pandas
        except ImportError:
            raise ImportError(
                "parquet files need pandas; try: pip install pandas pyarrow"
            ) from None
        frame = pandas.read_parquet(path)
        missing = frame.isna()
        # What pandas has no value for is an empty cell here, which is refused by its place.
        return {
            str(name): _column(frame[name].astype(str).mask(missing[name], "").tolist())
            for name in frame.columns
        }
    raise ValueError(f"must end in one of {', '.join(ENDINGS)}")


def _text(text: str, delimiter: str) -> Sheet:
    """Return the columns of a text whose first line names them."""
    first = text.partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    names = [name.strip() for name in rows[0]] if rows else []
    if len(rows) < 2:
        raise ValueError("must have a line of names and at least one row")
    if any(number(name) is not None for name in names):
        raise ValueError(f"must begin with a line of names, not {shown(','.join(names))}")
    if "" in names:
        place = names.index("") + 1
        raise ValueError(f"column {place} has no name: leave it out if it numbers the samples")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"has the column {twice[0]!r} twice")
    for i, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise ValueError(f"row {i} must have {len(names)} values, not {len(row)}")
    columns = zip(*rows[1:], strict=True)
    return {name: _column(values) for name, values in zip(names, columns, strict=True)}


def _column(values: Iterable[str]) -> Floats | list[str]:
    """Return numbers if all texts are, else the texts."""
    texts = [text.strip() for text in values]
    numbers = [number(text) for text in texts]
    return texts if None in numbers else np.array(numbers, dtype=np.float64)


def _arrays(x: Any, y: Any, target: str) -> Sheet:
    """Return the columns of samples x[n, features] with classes y[n]."""
    if x.ndim != 2 or y.ndim != 1 or len(x) != len(y):
        shapes = f"{list(x.shape)} and {list(y.shape)}"
        raise ValueError(f"x and {target} must be of shapes [n, features] and [n], not {shapes}")
    columns: Sheet = {f"x{i}": column for i, column in enumerate(x.T.astype(np.float64))}
    return {**columns, target: y.astype(np.float64)}


def number(text: str) -> float | None:
    """Return the finite number that a text is, None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and "_" not in text else None


def with_comma(text: str) -> bool:
    """Whether a text is a number as it is written where the comma is decimal, or sets thousands."""
    return re.fullmatch(r"[+-]?\d[\d.]*(,\d+)+([eE][+-]?\d+)?", text) is not None
