"""LUTNet: networks whose operators are learned look-up tables; data model and golden model.

After Wang, Davis, Cheung and Constantinides, "LUTNet: Rethinking Inference in FPGA Soft Logic"
(FCCM 2019) and "LUTNet: Learning FPGA Configurations for Highly Efficient Neural Network Inference"
(IEEE TC 2020). The file format, the integer thresholds and the tiled array are our own.
"""

from nomul.golden.lutnet.config import WEIGHTS, Config, Registers, stimuli, trained
from nomul.golden.lutnet.examples import KINDS
from nomul.golden.lutnet.fold import expand, fold_batchnorm, reverse_address, share_xnor, support
from nomul.golden.lutnet.heads import Argmax, GroupSum, LutNetTiled, TableNeuron, Thermometer
from nomul.golden.lutnet.layers import MAX_K, DirectLut, LutLayer, Xnor
from nomul.golden.lutnet.network import VERSION, Network, ideal, model, predict
from nomul.golden.lutnet.quantiser import Quantiser
from nomul.golden.lutnet.stream import Kernels, Windows

__all__ = [
    "KINDS",
    "MAX_K",
    "VERSION",
    "WEIGHTS",
    "Argmax",
    "Config",
    "DirectLut",
    "GroupSum",
    "Kernels",
    "LutLayer",
    "LutNetTiled",
    "Network",
    "Quantiser",
    "Registers",
    "TableNeuron",
    "Thermometer",
    "Windows",
    "Xnor",
    "expand",
    "fold_batchnorm",
    "ideal",
    "model",
    "predict",
    "reverse_address",
    "share_xnor",
    "stimuli",
    "support",
    "trained",
]
