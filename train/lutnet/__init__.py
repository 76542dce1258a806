"""Training of direct look-up-table networks on digits and Fashion-MNIST, to a network file."""

from nomul.train.data import FASHION, load
from nomul.train.lutnet.presets import (
    DIGITS,
    PRESETS,
    Preset,
    Trained,
    agree,
    assemble,
    choose,
    fashion,
    measure,
    run,
    train,
)

__all__ = [
    "DIGITS",
    "FASHION",
    "PRESETS",
    "Preset",
    "Trained",
    "agree",
    "assemble",
    "choose",
    "fashion",
    "load",
    "measure",
    "run",
    "train",
]
