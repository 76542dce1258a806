"""The Sparse DNN Graph Challenge: networks of ReLU layers with 32 equal weights per neuron.

After Kepner et al., "Sparse Deep Neural Network Graph Challenge", arXiv 1909.05631, which defines
the networks, and Hidayetoglu et al., "At-Scale Sparse Deep Neural Network Inference With Efficient
GPU Implementation", arXiv 2007.14152, the record that is quoted.
"""

from nomul.golden.spdnn.config import BIASES, Config, Engine, offset
from nomul.golden.spdnn.evaluate import categories, ideal, model, stimuli
from nomul.golden.spdnn.files import (
    Images,
    read_images,
    read_layer,
    read_network,
    tsv,
    write_categories,
)
from nomul.golden.spdnn.layers import Layer, balanced, generate, layer, maps, shift
from nomul.golden.spdnn.words import Edges, cycles, edges, members

__all__ = [
    "BIASES",
    "Config",
    "Edges",
    "Engine",
    "Images",
    "Layer",
    "balanced",
    "categories",
    "cycles",
    "edges",
    "generate",
    "ideal",
    "layer",
    "maps",
    "members",
    "model",
    "offset",
    "read_images",
    "read_layer",
    "read_network",
    "shift",
    "stimuli",
    "tsv",
    "write_categories",
]
