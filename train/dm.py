"""Bayesian perceptrons for digits: means and deviations of weights, or dropout, by PyTorch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden.arrays import Floats
from nomul.train.digits import Data

HIDDEN, EPOCHS, BATCH, RATE = 32, 150, 64, 3e-3


@dataclass(frozen=True)
class Gaussian:
    """A layer y = x W + b whose weights are independent normal numbers.

    Attributes
    ----------
    mu, sigma
        float64[inputs, outputs].
    bias
        float64[outputs], which is not drawn.
    """

    mu: Floats
    sigma: Floats
    bias: Floats


class _Layer(nn.Module):
    """A layer that is trained by sampling its sums, whose mean and variance are known."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.mu = nn.Parameter(torch.randn(inputs, outputs) * (2 / inputs) ** 0.5)
        self.rho = nn.Parameter(torch.full((inputs, outputs), -4.0))
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def sigma(self) -> Tensor:
        return nn.functional.softplus(self.rho)

    def forward(self, x: Tensor) -> Tensor:
        mean = x @ self.mu + self.bias
        variance = (x**2) @ (self.sigma**2)
        return mean + torch.randn_like(mean) * (variance + 1e-9).sqrt()

    def divergence(self, prior: float) -> Tensor:
        """Return the Kullback-Leibler divergence from a normal prior of that deviation."""
        ratio = (self.sigma / prior) ** 2
        return 0.5 * (ratio + (self.mu / prior) ** 2 - 1 - ratio.log()).sum()

    def gaussian(self) -> Gaussian:
        """Return the layer as arrays."""
        parts = (self.mu, self.sigma, self.bias)
        return Gaussian(*(part.detach().numpy().astype(np.float64) for part in parts))


def bayesian(data: Data, seed: int, prior: float = 0.3) -> list[Gaussian]:
    """Return a 64-32-10 network of normal weights, trained by variational inference.

    The loss is the cross-entropy of one sample plus the divergence from a normal prior, weighed as
    the evidence lower bound has it.
    """
    torch.manual_seed(seed)
    first, second = _Layer(64, HIDDEN), _Layer(HIDDEN, 10)
    x = torch.tensor(data.x, dtype=torch.float32)
    labels = torch.tensor(data.labels)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=RATE)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for part in order.split(BATCH):
            logits = second(torch.relu(first(x[part])))
            cross = nn.functional.cross_entropy(logits, labels[part])
            loss = cross + (first.divergence(prior) + second.divergence(prior)) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return [first.gaussian(), second.gaussian()]


def dropout(data: Data, seed: int, share: float = 0.2) -> list[Gaussian]:
    """Return a 64-32-10 network trained with dropout of hidden neurons; its deviations are 0."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Dropout(share), nn.Linear(HIDDEN, 10))
    x, labels = torch.tensor(data.x, dtype=torch.float32), torch.tensor(data.labels)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(net(x[part]), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    layers = []
    for module in (net[0], net[3]):
        assert isinstance(module, nn.Linear)
        weight = module.weight.detach().numpy().T.astype(np.float64)
        bias = module.bias.detach().numpy().astype(np.float64)
        layers.append(Gaussian(weight, np.zeros_like(weight), bias))
    return layers
