"""The networks that the family is compared on: an MLP, a convnet, and one with skip additions."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn


def perceptron() -> nn.Module:
    """Return the MLP for scikit-learn's digits: 64, 64, 32 and 10 values, 6,464 products."""
    return nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class FashionConvnet(nn.Module):
    """Three convolutions and two dense layers for images of 28 x 28: 1,148,032 products.

    3 x 3 windows to 16, 24 and 32 channels, each normalised, clipped at 0 and halved by maxima;
    then 288 values to 64 to 10. Or to other channels, and by way of another number of values.
    """

    def __init__(self, channels: tuple[int, ...] = (16, 24, 32), hidden: int = 64) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for inputs, outputs in pairwise((1, *channels)):
            parts += [_conv(inputs, outputs), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*parts)
        head = nn.Linear(channels[-1] * 9, hidden), nn.ReLU(), nn.Linear(hidden, 10)
        self.head = nn.Sequential(nn.Flatten(), *head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores [V, 10] of images [V, 1, 28, 28]."""
        return self.head(self.features(x))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = _conv(inputs, outputs, stride=stride)
        self.second = _conv(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.skip = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.skip(x))


class FashionResidual(nn.Module):
    """Three blocks with skip additions for images of 28 x 28: 645,216 products.

    After ResNet-8 of MLPerf Tiny (Banbury et al., arXiv 2106.07597) with half of its channels: a
    stem to 8 channels at half size, blocks of two convolutions to 8, 16 and 32 channels, the means
    of the channels, and a dense layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(1, 8, stride=2), nn.ReLU())
        self.blocks = nn.Sequential(_Block(8, 8, 1), _Block(8, 16, 2), _Block(16, 32, 2))
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores [V, 10] of images [V, 1, 28, 28]."""
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


NETS: dict[str, Callable[[], nn.Module]] = {
    "digits-mlp": perceptron,
    "fashion-convnet": FashionConvnet,
    "fashion-residual": FashionResidual,
}
