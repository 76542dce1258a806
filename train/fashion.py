"""Fashion-MNIST from IDX files, as Debian's package dataset-fashion-mnist installs them."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path("/usr/share/datasets/fashion-mnist")
_PARTS = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class Part:
    """Images uint8[n, 28, 28] and labels int64[n]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load(part: str, folder: Path = FOLDER) -> Part:
    """Return the ``train`` or the ``test`` part.

    Xiao, Rasul, Vollgraf, arXiv 1708.07747.

    Raises
    ------
    FileNotFoundError
        The files are not there; the message says where they come from.
    ValueError
        A file is not what its name says.
    """
    stem = _PARTS[part]
    images = _idx(folder / f"{stem}-images-idx3-ubyte.gz", (-1, 28, 28))
    labels = _idx(folder / f"{stem}-labels-idx1-ubyte.gz", (len(images),))
    return Part(images, labels.astype(np.int64))


def available(folder: Path = FOLDER) -> bool:
    """Whether the files are there."""
    return all((folder / f"{stem}-images-idx3-ubyte.gz").is_file() for stem in _PARTS.values())


def _idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file of a shape, in which -1 stands for any size."""
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no {path}; try: apt-get install dataset-fashion-mnist, or name a folder "
            "that has its IDX files"
        )
    content = gzip.decompress(path.read_bytes())
    header = 4 + 4 * len(shape)
    sizes = tuple(np.frombuffer(content[4:header], dtype=">u4").tolist())
    fits = all(want in (-1, size) for want, size in zip(shape, sizes, strict=True))
    if content[:4] != bytes([0, 0, 8, len(shape)]) or not fits:
        raise ValueError(f"{path} must hold bytes of shape {list(shape)}, not {list(sizes)}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
