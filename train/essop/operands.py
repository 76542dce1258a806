"""Operands of a real weight update, kept as a file: what energies are measured on.

``python -m nomul.train.essop.operands FILE`` trains a 64-32-32-10 network on scikit-learn's
digits for three epochs and writes the operands of its middle layer, 32 x 32, for 32 images.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from nomul.train import digits

SIZES = (64, 32, 32, 10)
LAYER, EPOCHS, PAIRS = 1, 3, 32


def measure(seed: int = 1, pairs: int = PAIRS) -> digits.Operands:
    """Return activations and gradients of the layer, float64[pairs, 32] each, rounded to FP16."""
    rng = np.random.default_rng(seed)
    data = digits.load(seed)
    weights = digits.train(data, rng, EPOCHS, sizes=SIZES)
    batch = rng.permutation(len(data.x))[:pairs]
    operands = digits.backward(weights, data.x[batch], data.labels[batch])[LAYER]
    rounded = (
        side.astype(np.float16).astype(np.float64)
        for side in (operands.activations, operands.gradients)
    )
    return digits.Operands(*rounded)


def write(operands: digits.Operands, path: Path) -> None:
    """Write operands as JSON, a vector per line."""
    sides = {"activations": operands.activations, "gradients": operands.gradients}
    text = [
        f' "{name}": [\n  ' + ",\n  ".join(json.dumps(row) for row in side.tolist()) + "\n ]"
        for name, side in sides.items()
    ]
    path.write_text("{\n" + ",\n".join(text) + "\n}\n")


def main() -> None:
    """Train, and write the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    write(measure(), parser.parse_args().file)


if __name__ == "__main__":
    main()
