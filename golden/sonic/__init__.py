"""SONIC: sparse vector dot products, zeros dropped on one side and gated on the other.

After Sunny, Nikdast, Pasricha, "SONIC: A Sparse Neural Network Inference Accelerator with Silicon
Photonics for Energy-Efficient Deep Learning", ASP-DAC 2022, arXiv 2109.04459. Everything digital is
modelled to the bit; the optics between the converters is a device model, see ``sonic_device``.
"""

from nomul.golden.sonic.clusters import cluster, levels
from nomul.golden.sonic.config import Config
from nomul.golden.sonic.devices import device
from nomul.golden.sonic.dot import Result, conv, fc, ideal, model, quantise, resolved
from nomul.golden.sonic.output import post, rne
from nomul.golden.sonic.stimuli import layers, stimuli

__all__ = [
    "Config",
    "Result",
    "cluster",
    "conv",
    "device",
    "fc",
    "ideal",
    "layers",
    "levels",
    "model",
    "post",
    "quantise",
    "resolved",
    "rne",
    "stimuli",
]
