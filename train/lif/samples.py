"""Data to train on: what nomul knows by name, or arrays of the user's own."""

from pathlib import Path

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.foreign.archives import arrays
from nomul.golden.foreign.refusals import reading
from nomul.train import data
from nomul.train.data import Data

NAMES = ("digits", "fashion-mnist")
_ARRAYS = ("x", "labels", "x_test", "labels_test")

# Bytes of a file of samples, unpacked.
MOST_BYTES = 1 << 30


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
    found = arrays(path, most=MOST_BYTES)
    with reading(path):
        return _checked(path.stem, found)


def _checked(name: str, found: dict[str, Ints]) -> Data:
    missing = [entry for entry in _ARRAYS if entry not in found]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    for entry in _ARRAYS:
        values, dimensions = found[entry], 1 if entry.startswith("labels") else 2
        if values.dtype.kind not in "iu" or values.ndim != dimensions or not values.size:
            shape = "[n, features]" if dimensions == 2 else "[n]"
            raise ValueError(f"{entry} must be integers {shape}, not {values.dtype} {values.shape}")
        most = 255 if dimensions == 2 else 4095
        if not 0 <= values.min() <= values.max() <= most:
            wrong = values[(values < 0) | (values > most)][0]
            raise ValueError(f"{entry} must be in 0..{most}, not {wrong}")
    for part in ("", "_test"):
        x, labels = found[f"x{part}"], found[f"labels{part}"]
        if len(x) != len(labels):
            raise ValueError(f"x{part} has {len(x)} rows and labels{part} has {len(labels)}")
    if found["x"].shape[1] != found["x_test"].shape[1]:
        raise ValueError(
            f"x has {found['x'].shape[1]} features and x_test has {found['x_test'].shape[1]}"
        )
    x, labels, x_test, labels_test = (found[entry].astype(np.int64) for entry in _ARRAYS)
    bits = max(1, int(max(x.max(), x_test.max())).bit_length())
    classes = int(max(labels.max(), labels_test.max())) + 1
    return Data(name, x, labels, x_test, labels_test, bits, max(2, classes))
