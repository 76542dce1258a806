"""A user's own samples: columns of numbers and of categories from a file, and a column of classes.

Files are read by :mod:`nomul.train.sheets`. Whatever is no number in a column of numbers, a missing
value included, is refused by its row and column: what it should count as is for whoever knows the
data to say.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from nomul.golden.arrays import Floats, Ints
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import reading
from nomul.train.sheets import number, sheet, with_comma

MOST_CATEGORIES = 64
MOST_CLASSES = 256


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
        numbers = sum(number(text) is not None or with_comma(text) for text in values)
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
            return _narrow(self.name, _numbers(self.name, values))[:, None]
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
        """Return training and test samples: of every class about ``share`` for the test.

        Raises
        ------
        ValueError
            One of the two would be without a sample.
        """
        if not 0 < share < 1:
            raise ValueError(f"the share of the test set must be between 0 and 1, not {share}")
        rng, test = np.random.default_rng(seed), np.zeros(len(self.labels), dtype=bool)
        for label in range(len(self.classes)):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            test[members[: round(share * len(members))]] = True
        for part, empty in (("test", not test.any()), ("training", test.all())):
            if empty:
                raise ValueError(
                    f"a test set of {share:g} leaves none of the {len(test)} samples for {part}"
                )
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
        Those of the training set, by whose names columns are found; those of arrays, which have no
        names, are taken in their order. As the file itself has them if empty.

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
        if path.suffix in (".npz", ".npy") and len(found) == len(columns):
            # Arrays have no names, and so come in the order of the training set's columns.
            found = dict(zip([column.name for column in columns], found.values(), strict=True))
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


def _numbers(name: str, values: Floats | list[str]) -> Floats:
    """Require numbers, and name the first text that is none."""
    if isinstance(values, list):
        for row, text in enumerate(values):
            if number(text) is None:
                kind = "a number with a decimal point" if with_comma(text) else "a number"
                raise ValueError(
                    f"row {row + 1}, column {name!r} must be {kind}, not {shown(text)}"
                )
        values = np.array(list(map(float, values)))
    return values


def _narrow(name: str, values: Floats) -> Floats:
    """Require that numbers are within single precision, in which they are compared."""
    wrong = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
    if len(wrong):
        raise ValueError(
            f"row {wrong[0] + 1}, column {name!r} must be a number that single precision holds, "
            f"not {values[wrong[0]]:g}"
        )
    return values


def _present(what: str, texts: Sequence[str]) -> None:
    """Refuse a missing value among categories or classes, which would become one of them."""
    if "" in texts:
        raise ValueError(f"row {texts.index('') + 1}, {what} must have a value, not ''")


def _classes(
    name: str, values: Floats | list[str], classes: Sequence[str]
) -> tuple[Ints, tuple[str, ...]]:
    """Return numbers and names of the classes; whole numbers are names too."""
    if not isinstance(values, list) and (np.trunc(values) != values).any():
        row = int(np.flatnonzero(np.trunc(values) != values)[0])
        raise ValueError(
            f"row {row + 1}, target {name!r} must be a class, a word or a whole number, not "
            f"{values[row]:g}; numbers are learned in Python, by nomul.LutRegressor"
        )
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
