"""Data to train on: what nomul knows by name, or arrays of the user's own."""

import zipfile
from pathlib import Path

import numpy as np

from nomul.golden.arrays import Ints
from nomul.train import data
from nomul.train.data import Data

NAMES = ("digits", "fashion-mnist")
_ARRAYS = ("x", "labels", "x_test", "labels_test")


def load(name: str, folder: Path = data.FASHION) -> Data:
    """Return a data set by name, or from an archive ``.npz``.

    An archive has ``x`` and ``x_test``, integers [n, features] from 0 to at most 255, and
    ``labels`` and ``labels_test``, integers [n] from 0.

    Raises
    ------
    FileNotFoundError
        There is no such file, or the data set is not installed.
    ValueError
        The name is unknown, or the file is not what it should be; the message names the entry.
    """
    if name in NAMES:
        return data.load(name, folder)
    path = Path(name)
    if path.suffix != ".npz":
        raise ValueError(f"data must be one of {', '.join(NAMES)} or a file .npz, not {name!r}")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {entry: file[entry] for entry in file.files}
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise ValueError(f"{path} is no NumPy archive (.npz)") from None
    try:
        return _checked(path.stem, arrays)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _checked(name: str, arrays: dict[str, Ints]) -> Data:
    missing = [entry for entry in _ARRAYS if entry not in arrays]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    for entry in _ARRAYS:
        values, dimensions = arrays[entry], 1 if entry.startswith("labels") else 2
        if values.dtype.kind not in "iu" or values.ndim != dimensions or not values.size:
            shape = "[n, features]" if dimensions == 2 else "[n]"
            raise ValueError(f"{entry} must be integers {shape}, not {values.dtype} {values.shape}")
        most = 255 if dimensions == 2 else 4095
        if not 0 <= values.min() <= values.max() <= most:
            wrong = values[(values < 0) | (values > most)][0]
            raise ValueError(f"{entry} must be in 0..{most}, not {wrong}")
    for part in ("", "_test"):
        x, labels = arrays[f"x{part}"], arrays[f"labels{part}"]
        if len(x) != len(labels):
            raise ValueError(f"x{part} has {len(x)} rows and labels{part} has {len(labels)}")
    if arrays["x"].shape[1] != arrays["x_test"].shape[1]:
        raise ValueError(
            f"x has {arrays['x'].shape[1]} features and x_test has {arrays['x_test'].shape[1]}"
        )
    x, labels, x_test, labels_test = (arrays[entry].astype(np.int64) for entry in _ARRAYS)
    bits = max(1, int(max(x.max(), x_test.max())).bit_length())
    classes = int(max(labels.max(), labels_test.max())) + 1
    return Data(name, x, labels, x_test, labels_test, bits, max(2, classes))
