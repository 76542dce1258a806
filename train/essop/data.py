"""Images for training with ESSOP in the loop: digits, Fashion-MNIST, CIFAR-10; none is fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nomul.train import digits, fashion


@dataclass(frozen=True)
class Split:
    """Images float32[n, ...] and labels int64[n], for training and for test."""

    x: Tensor
    labels: Tensor
    x_test: Tensor
    labels_test: Tensor


def load(network: str, path: Path | None = None, images: int | None = None) -> Split:
    """Return the images that a network learns: digits, Fashion-MNIST, or CIFAR-10 from ``path``.

    Parameters
    ----------
    network
        ``mlp``, ``convnet`` or ``resnet32``.
    path
        Folder of the data set; for ``convnet`` Debian's ``dataset-fashion-mnist`` if None.
    images
        How many to train on; all if None.

    Raises
    ------
    FileNotFoundError
        With what to install or to give.
    ValueError
        The network takes no folder.
    """
    if network == "mlp":
        if path is not None:
            raise ValueError("mlp learns the digits that come with scikit-learn, so no --data")
        data = digits.load(seed=0)
        arrays: tuple[NDArray[Any], ...] = data.x, data.labels, data.x_test, data.labels_test
    elif network == "convnet":
        arrays = _fashion(path or fashion.FOLDER)
    else:
        if path is None:
            raise FileNotFoundError("resnet32 learns CIFAR-10: give its python version with --data")
        arrays = _cifar10(path)
    x, labels, x_test, labels_test = (torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
    return Split(x.float()[:images], labels[:images], x_test.float(), labels_test)


def _fashion(folder: Path) -> tuple[NDArray[Any], ...]:
    """Return the images of Fashion-MNIST in 0..1 as float32[n, 1, 28, 28], and their labels."""
    parts = [fashion.load(name, folder) for name in ("train", "test")]
    return tuple(
        array for part in parts for array in (part.images[:, None] / np.float32(255), part.labels)
    )


def _cifar10(folder: Path) -> tuple[NDArray[Any], ...]:
    """Read the five training batches and the test batch of CIFAR-10's python version.

    Channels are brought to mean 0 and deviation 1 over the training images.
    """
    import pickle

    def batch(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        file = folder / name
        if not file.exists():
            raise FileNotFoundError(f"{file} is not there; --data names the unpacked folder")
        with file.open("rb") as stream:
            content = pickle.load(stream, encoding="bytes")
        images = np.asarray(content[b"data"], np.float32).reshape(-1, 3, 32, 32) / 255
        return images, np.asarray(content[b"labels"], np.int64)

    parts = [batch(f"data_batch_{n}") for n in range(1, 6)]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    test, labels_test = batch("test_batch")
    mean, deviation = (f(images, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.std))
    return (images - mean) / deviation, labels, (test - mean) / deviation, labels_test


def moved(x: Tensor) -> Tensor:
    """Return images [n, C, H, W] moved by up to four pixels and mirrored, each at random."""
    n, _, height, width = x.shape
    padded = nn.functional.pad(x, (4,) * 4)
    across, down, mirror = (torch.randint(most, (n,)) for most in (9, 9, 2))
    cut = zip(padded, across.tolist(), down.tolist(), mirror.tolist(), strict=True)
    return torch.stack(
        [
            (image.flip(2) if flip else image)[:, top : top + height, left : left + width]
            for image, left, top, flip in cut
        ]
    )
