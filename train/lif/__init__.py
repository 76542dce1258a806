"""Spiking networks trained for the hardware: snnTorch's rules in plain PyTorch."""

from nomul.train.data import FASHION
from nomul.train.lif.fit import PRESETS, Options, Trained, accuracy, fit, rates
from nomul.train.lif.module import RULES, Net, Spiking
from nomul.train.lif.samples import load

__all__ = [
    "FASHION",
    "PRESETS",
    "RULES",
    "Net",
    "Options",
    "Spiking",
    "Trained",
    "accuracy",
    "fit",
    "load",
    "rates",
]
