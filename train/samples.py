"""A user's own samples: columns of numbers and of categories from a file, and a column of classes.

Read are ``.csv`` and ``.tsv`` with a line of names, ``.npz``, ``.npy``, and ``.parquet`` where
pandas is installed. Whatever is no number in a column of numbers, a missing value included, is
refused by its row and column: what it should count as is for whoever knows the data to say.
"""

import csv
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from nomul.golden.arrays import Floats, Ints
from nomul.golden.foreign.archives import array_file, arrays
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import contents, reading

MOST_CATEGORIES = 64
MOST_CLASSES = 256
ENDINGS = (".csv", ".tsv", ".npz", ".npy", ".parquet")

Sheet = dict[str, Floats | list[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A column of features: a number, or one feature per category, 1 in its samples and else 0."""

    name: str
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Features that the column becomes."""
        return len(self.categories) or 1

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {"name": self.name, "categories": list(self.categories)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`."""
        return cls(name=str(values["name"]), categories=tuple(values["categories"]))

    @classmethod
    def of(cls, name: str, values: Floats | list[str]) -> Self:
        """Return what a column of a training set is."""
        if not isinstance(values, list):
            return cls(name=name)
        _present(f"column {name!r}", values)
        numbers = sum(number(text) is not None or _with_comma(text) for text in values)
        if 2 * numbers > len(values):
            _numbers(name, values)  # says which value is none
        categories = tuple(sorted(set(values)))
        if len(categories) > MOST_CATEGORIES:
            raise ValueError(
                f"column {name!r} has {len(categories)} categories, more than {MOST_CATEGORIES}: "
                "leave it out if it names the samples"
            )
        return cls(name=name, categories=categories)

    def features(self, values: Floats | list[str]) -> Floats:
        """Return the features float64[n, width] of a column of samples."""
        if not self.categories:
            return _numbers(self.name, values)[:, None]
        texts = values if isinstance(values, list) else [f"{value:g}" for value in values]
        _present(f"column {self.name!r}", texts)
        place = {text: i for i, text in enumerate(self.categories)}
        for row, text in enumerate(texts):
            if text not in place:
                raise ValueError(
                    f"row {row + 1}, column {self.name!r} must be one of "
                    f"{', '.join(self.categories)}, not {shown(text)}"
                )
        return np.eye(self.width)[[place[text] for text in texts]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Samples:
    """Samples and their classes.

    Parameters
    ----------
    x
        float64[n, features].
    labels
        int64[n], numbers of the classes.
    columns
        What the features are made of.
    classes
        Names of the classes.
    """

    x: Floats
    labels: Ints
    columns: tuple[Column, ...]
    classes: tuple[str, ...]

    def split(self, share: float, seed: int) -> tuple["Samples", "Samples"]:
        """Return training and test samples: of every class about ``share`` for the test."""
        if not 0 < share < 1:
            raise ValueError(f"the share of the test set must be between 0 and 1, not {share}")
        rng, test = np.random.default_rng(seed), np.zeros(len(self.labels), dtype=bool)
        for label in range(len(self.classes)):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            test[members[: round(share * len(members))]] = True
        return self.take(~test), self.take(test)

    def take(self, chosen: Any) -> "Samples":
        """Return some of the samples."""
        return dataclasses.replace(self, x=self.x[chosen], labels=self.labels[chosen])


def load(
    path: Path, target: str, columns: Sequence[Column] = (), classes: Sequence[str] = ()
) -> Samples:
    """Return the samples of a file.

    Parameters
    ----------
    path
        The file.
    target
        The column of classes: its name, the name of an array of an ``.npz`` file, or for ``.npy``
        the path of the file that they are in.
    columns, classes
        Those of the training set, by whose names columns are found; as the file itself has them if
        empty.

    Raises
    ------
    ValueError
        The file cannot be read, a column is missing, or a value is not of its column's kind.
    """
    path = Path(path)
    with reading(path):
        found = sheet(path, target)
        if target not in found:
            have = ", ".join(found)
            raise ValueError(f"has no column {target!r} for the target; it has {have}")
        given = found.pop(target)
        names = [column.name for column in columns] or list(found)
        for name in names:
            if name not in found:
                raise ValueError(f"has no column {name!r}; it has {', '.join(found)}")
        known = tuple(columns) or tuple(Column.of(name, found[name]) for name in names)
        if not known:
            raise ValueError("has no column beside the target")
        x = np.concatenate([column.features(found[column.name]) for column in known], axis=1)
        labels, classes = _classes(target, given, classes)
    return Samples(x=x, labels=labels, columns=known, classes=classes)


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
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
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


def _with_comma(text: str) -> bool:
    """Whether a text is a number as it is written where the comma is decimal, or sets thousands."""
    return re.fullmatch(r"[+-]?\d[\d.]*(,\d+)+([eE][+-]?\d+)?", text) is not None


def _numbers(name: str, values: Floats | list[str]) -> Floats:
    """Require numbers, and name the first text that is none."""
    if isinstance(values, list):
        for row, text in enumerate(values):
            if number(text) is None:
                kind = "a number with a decimal point" if _with_comma(text) else "a number"
                raise ValueError(
                    f"row {row + 1}, column {name!r} must be {kind}, not {shown(text)}"
                )
        values = np.array(list(map(float, values)))
    return values


def _present(what: str, texts: Sequence[str]) -> None:
    """Refuse a missing value among categories or classes, which would become one of them."""
    if "" in texts:
        raise ValueError(f"row {texts.index('') + 1}, {what} must have a value, not ''")


def _classes(
    name: str, values: Floats | list[str], classes: Sequence[str]
) -> tuple[Ints, tuple[str, ...]]:
    """Return numbers and names of the classes; whole numbers are names too."""
    texts = values if isinstance(values, list) else [f"{value:.17g}" for value in values]
    _present(f"target {name!r}", texts)
    ordered = sorted(set(texts), key=float) if not isinstance(values, list) else sorted(set(texts))
    names = tuple(classes) or tuple(ordered)
    if len(names) > MOST_CLASSES:
        raise ValueError(
            f"target {name!r} has {len(names)} values, more than the {MOST_CLASSES} classes that a "
            "network may tell apart"
        )
    place = {text: i for i, text in enumerate(names)}
    for row, text in enumerate(texts):
        if text not in place:
            raise ValueError(
                f"row {row + 1}, target {name!r} must be one of {', '.join(names)}, "
                f"not {shown(text)}"
            )
    return np.array([place[text] for text in texts], dtype=np.int64), names
