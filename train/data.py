"""Data sets as integer codes: digits and Fashion-MNIST, nothing fetched."""

import dataclasses
from pathlib import Path

import numpy as np

from nomul import ledger
from nomul.golden.arrays import Ints
from nomul.train import digits, fashion

FASHION = fashion.FOLDER


@dataclasses.dataclass(frozen=True)
class Data:
    """Codes int64[n, features] of ``bits`` bits and labels int64[n], for training and test."""

    name: str
    x: Ints
    labels: Ints
    x_test: Ints
    labels_test: Ints
    bits: int
    classes: int = 10

    def held_out(self, share: float = 0.2, seed: int = 1) -> "Data":
        """Return training samples only, split anew: ``share`` of them stand for the test set.

        What is chosen (noise, rates, sizes, a seed) is chosen on such a split, never on the test
        set.
        """
        order = np.random.default_rng(1000 + seed).permutation(len(self.x))
        few = int(share * len(order))
        test, rest = order[:few], order[few:]
        x, labels = self.x, self.labels
        return dataclasses.replace(
            self, x=x[rest], labels=labels[rest], x_test=x[test], labels_test=labels[test]
        )

    def digest(self) -> str:
        """Return what stands for the samples and labels of both sets, whatever their name."""
        parts = (self.x, self.labels, self.x_test, self.labels_test)
        digests = [ledger.digest(np.ascontiguousarray(part).data) for part in parts]
        return ledger.digest(" ".join(digests))


def load(name: str, folder: Path = FASHION) -> Data:
    """Return a data set.

    ``digits``: scikit-learn's 8 x 8 digits, 1,437 for training and 360 for test, pixels 0..16 in
    four bits, 16 as 15. ``fashion-mnist``: 60,000 and 10,000 images of 28 x 28, pixels in four
    bits, from the IDX files of a folder.
    """
    if name == "digits":
        d = digits.load(1)
        x, x_test = (np.minimum(np.rint(v * 16), 15).astype(np.int64) for v in (d.x, d.x_test))
        return Data(name, x, d.labels, x_test, d.labels_test, 4)
    if name == "fashion-mnist":
        parts = [fashion.load(part, folder) for part in ("train", "test")]
        x, x_test = (p.images.reshape(len(p.images), -1).astype(np.int64) >> 4 for p in parts)
        return Data(name, x, parts[0].labels, x_test, parts[1].labels, 4)
    raise ValueError(f"data must be one of digits, fashion-mnist, not {name!r}")
