"""Networks trained for the products family: PyTorch, its export, and fine-tuning with few bits."""

from nomul.train.networks.export import to_onnx
from nomul.train.networks.nets import NETS, FashionConvnet, FashionResidual, perceptron
from nomul.train.networks.tune import Tuned, tune

__all__ = ["NETS", "FashionConvnet", "FashionResidual", "Tuned", "perceptron", "to_onnx", "tune"]
