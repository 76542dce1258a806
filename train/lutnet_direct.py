"""Training of direct look-up-table layers: tables by straight-through, learnable first wiring.

The tables of a layer are real numbers whose signs are the bits. A look-up passes its gradient to
the entry it read and, to each input, the difference of the entries which that input chooses
between, near addresses weighing more. These extended finite differences and the learnable wiring
are those of Bacellar et al., "Differentiable Weightless Neural Networks" (ICML 2024), the group
sums those of Petersen et al., "Deep Differentiable Logic Gate Networks" (NeurIPS 2022).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nomul.golden import lutnet

Ints = NDArray[np.int64]


class LookUp(torch.autograd.Function):
    """Bits of tables at addresses of bits; see the module's docstring for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor) -> Tensor:
        """Return y[batch, n] in {0, 1} for x[batch, n, K] in {0, 1} and table[n, 2**K]."""
        k = x.shape[2]
        address = (x.long() << torch.arange(k)).sum(dim=2)
        flat = address + torch.arange(table.shape[0]) * table.shape[1]
        ctx.save_for_backward(flat, table)
        ctx.k = k
        return (table.reshape(-1)[flat] > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """Pass on the gradient."""
        (grad,), (flat, table) = grads, ctx.saved_tensors
        values = table.clamp(-1, 1)
        slope = torch.zeros(values.numel()).index_add_(0, flat.reshape(-1), grad.reshape(-1))
        steps = [
            grad * (values @ weight).reshape(-1)[flat] for weight in differences(ctx.k).unbind()
        ]
        return torch.stack(steps, dim=2), slope.reshape(table.shape)


@cache
def differences(k: int) -> Tensor:
    """Return what each entry weighs in the slope along each input: float[K, 2**K, 2**K].

    [j, b, a] is the weight of entry b at address a: positive where bit j of b is one, and a third
    for every other bit in which a and b differ.
    """
    addresses = torch.arange(1 << k)
    away = addresses[:, None] ^ addresses[None, :]
    weights = []
    for bit in range(k):
        other = away & ~(1 << bit)
        distance = sum((other >> j) & 1 for j in range(k))
        sign = ((addresses >> bit) & 1) * 2.0 - 1.0
        weights.append(0.5 * 0.75 ** (k - 1) * 3.0 ** (-1.0 * distance) * sign[:, None])
    return torch.stack(weights)


class Choice(torch.autograd.Function):
    """Wires chosen by the largest score; a score's gradient is as if its input were added."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scores: Tensor) -> Tensor:
        """Return x[:, argmax of scores[wires, n_in]]."""
        ctx.save_for_backward(x)
        return x[:, scores.argmax(dim=1)]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        """Pass on the gradient; the inputs of the network need none."""
        (x,) = ctx.saved_tensors
        return None, grads[0].T @ (2 * x - 1)


class DirectNet(nn.Module):
    """Direct layers with a group-sum head.

    Parameters
    ----------
    n_in
        Input bits.
    sizes
        Tables per layer; the last is a multiple of ``classes``.
    k
        Inputs per table.
    classes
        Number of classes.
    generator
        Source of the initial tables and wires.
    """

    def __init__(
        self, n_in: int, sizes: tuple[int, ...], k: int, classes: int, generator: torch.Generator
    ):
        super().__init__()
        self.k, self.classes = k, classes
        self.tables = nn.ParameterList()
        self.wires: list[Tensor] = []
        for before, size in itertools.pairwise((n_in, *sizes)):
            table = torch.empty(size, 1 << k).uniform_(-1, 1, generator=generator)
            self.tables.append(nn.Parameter(table))
            order = torch.cat(
                [torch.randperm(before, generator=generator) for _ in range(-(-size * k // before))]
            )
            self.wires.append(order[: size * k])
        first = torch.rand(sizes[0] * k, n_in, generator=generator)
        self.scores = nn.Parameter(first)
        self.temperature = 1.5 * (sizes[-1] / classes) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[batch, classes] of bits x[batch, n_in]."""
        for number, table in enumerate(self.tables):
            if number == 0:
                wired = Choice.apply(x, self.scores)  # type: ignore[no-untyped-call]
            else:
                wired = x[:, self.wires[number]]
            x = LookUp.apply(  # type: ignore[no-untyped-call]
                wired.reshape(len(x), -1, self.k), table
            )
        return x.reshape(len(x), self.classes, -1).sum(dim=2) / self.temperature

    def layers(self) -> list[lutnet.DirectLut]:
        """Return the layers in the data model."""
        wires = [self.scores.argmax(dim=1), *self.wires[1:]]
        result = []
        for wire, table in zip(wires, self.tables, strict=True):
            bits = (table.detach() > 0).numpy()
            tt = [sum(1 << a for a in np.flatnonzero(row).tolist()) for row in bits]
            idx = wire.reshape(-1, self.k).numpy()
            result.append(lutnet.DirectLut(k=self.k, idx=idx, tt=tt))
        return result


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train.

    Parameters
    ----------
    epochs, batch, rate
        Passes over the data, samples per step, first learning rate of Adam (cosine to zero).
    seed
        Of weights, wires and the order of samples.
    """

    epochs: int = 60
    batch: int = 128
    rate: float = 0.02
    seed: int = 1


def fit(
    net: nn.Module,
    x: Tensor,
    labels: Tensor,
    recipe: Recipe,
    prepare: Callable[[Tensor, torch.Generator], Tensor] = lambda x, _: x,
) -> None:
    """Minimise the cross-entropy of ``net`` on x[n, ...], of which ``prepare`` makes bits."""
    generator = torch.Generator().manual_seed(recipe.seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=recipe.rate)
    steps = recipe.epochs * -(-len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    net.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(len(x), generator=generator)
        for chosen in torch.split(order, recipe.batch):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(prepare(x[chosen], generator)), labels[chosen])
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                for name, values in net.named_parameters():
                    if "tables" in name or (name.endswith("weight") and values.dim() == 2):
                        values.clamp_(-1, 1)
    net.eval()
