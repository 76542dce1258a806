"""Spiking networks trained for the hardware: snnTorch's rules in plain PyTorch."""

from nomul.train.lif.fit import Options, Trained, accuracy, fit, rates
from nomul.train.lif.module import RULES, Net, Spiking

__all__ = ["RULES", "Net", "Options", "Spiking", "Trained", "accuracy", "fit", "rates"]
