"""Training with ESSOP in the loop: PyTorch layers whose weight gradients are stochastic.

The forward pass and the gradients of activations are exact; the gradient of a weight matrix is
:func:`nomul.golden.essop.update` of the layer's inputs and output gradients, to the bit.
"""

from nomul.train.essop.layers import Block, Conv2d, Linear, Unit, convnet, mlp, resnet32

__all__ = [
    "Block",
    "Conv2d",
    "Linear",
    "Unit",
    "convnet",
    "mlp",
    "resnet32",
]
