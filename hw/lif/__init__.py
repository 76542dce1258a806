"""Spiking layers of leaky integrate-and-fire neurons."""

from nomul.hw.lif.coder import Coder
from nomul.hw.lif.intake import Frames, Lists
from nomul.hw.lif.layer import Layer, Store, Weights
from nomul.hw.lif.readout import Readout
from nomul.hw.lif.top import Top

__all__ = ["Coder", "Frames", "Layer", "Lists", "Readout", "Store", "Top", "Weights"]
