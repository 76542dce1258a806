"""Spiking layers of leaky integrate-and-fire neurons, with the reset rule declared.

After Ali, Navardi and Mohsenin, arXiv 2411.01628, and Carpegna, Savino and Di Carlo, "Spiker",
arXiv 2201.06993; the rules of snnTorch under their own names. The file format is our own.
"""

from nomul.golden.lif import files
from nomul.golden.lif.coders import CODERS, encode
from nomul.golden.lif.config import Config, trained
from nomul.golden.lif.layer import RESETS, ROUNDINGS, SPIKER22, Layer
from nomul.golden.lif.model import as_network, model, pixels, stimuli
from nomul.golden.lif.network import Network, counts, predict, responses
from nomul.golden.lif.neuron import error_bound, leaked, shifted
from nomul.golden.lif.readouts import READOUTS, Answer, read
from nomul.golden.lif.response import Counts, Response, count, ideal, membrane

__all__ = [
    "CODERS",
    "READOUTS",
    "RESETS",
    "ROUNDINGS",
    "SPIKER22",
    "Answer",
    "Config",
    "Counts",
    "Layer",
    "Network",
    "Response",
    "as_network",
    "count",
    "counts",
    "encode",
    "error_bound",
    "files",
    "ideal",
    "leaked",
    "membrane",
    "model",
    "pixels",
    "predict",
    "read",
    "responses",
    "shifted",
    "stimuli",
    "trained",
]
