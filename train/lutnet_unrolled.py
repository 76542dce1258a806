"""Training of LUTNet: a binary network, pruned, expanded to tables, retrained.

After Wang et al. (FCCM 2019, IEEE TC 2020). Each neuron keeps the same number of products, those of
its largest weights. A surviving product becomes a table over its own input and K - 1 pruned inputs
of the same neuron; the table starts as the sign of the weighted sum of all K, with the own weight
kept away from zero and from the clip boundary, so that retraining can move the entries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet_direct import LookUp


class Sign(torch.autograd.Function):
    """Bit [x > 0], with the gradient of a line between -1 and 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return bits in {0, 1}."""
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Pass on the gradient where the input is not clipped."""
        (x,) = ctx.saved_tensors
        return grads[0] * (x.abs() <= 1) / 2


class BinarySums(nn.Module):
    """Sums of products of +-1 inputs and +-1 weights, some of them pruned."""

    def __init__(self, n_in: int, n_out: int, generator: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1, generator=generator))
        self.mask = torch.ones(n_out, n_in)

    def forward(self, x: Tensor) -> Tensor:
        """Return sums[batch, n_out] for bits x[batch, n_in]."""
        weight = 2 * Sign.apply(self.weight) - 1  # type: ignore[no-untyped-call]
        return (2 * x - 1) @ (weight * self.mask).T

    def prune(self, keep: int) -> None:
        """Keep the ``keep`` largest weights of each neuron."""
        order = self.weight.detach().abs().argsort(dim=1, descending=True)
        self.mask = torch.zeros_like(self.weight).scatter_(1, order[:, :keep], 1.0)

    @property
    def kept(self) -> Tensor:
        """Inputs of the surviving products, int64[n_out, keep]."""
        keep = int(self.mask[0].sum())
        return self.mask.argsort(dim=1, descending=True, stable=True)[:, :keep].sort(dim=1).values

    def layer(self, **thresholds: Any) -> lutnet.Xnor:
        """Return the layer in the data model."""
        kept = self.kept
        weight = self.weight.detach().gather(1, kept) > 0
        return lutnet.Xnor(
            idx=kept.reshape(-1).numpy(),
            weight=weight.reshape(-1).numpy().astype(np.int64),
            out=np.repeat(np.arange(len(kept)), kept.shape[1]),
            n_out=len(kept),
            **thresholds,
        )


class TableSums(nn.Module):
    """Sums of the outputs of tables, expanded from a pruned binary layer."""

    def __init__(self, source: BinarySums, dense: Tensor, k: int, generator: torch.Generator):
        super().__init__()
        kept, n_in = source.kept, dense.shape[1]
        n_out, self.fan_in = kept.shape
        self.k = k
        wires = torch.empty(n_out, self.fan_in, k, dtype=torch.long)
        for neuron in range(n_out):
            pruned = np.setdiff1d(np.arange(n_in), kept[neuron].numpy())
            need = self.fan_in * (k - 1)
            order = torch.cat(
                [
                    torch.randperm(len(pruned), generator=generator)
                    for _ in range(need // len(pruned) + 1)
                ]
            )
            wires[neuron, :, 0] = kept[neuron]
            others = torch.as_tensor(pruned)[order[:need]]
            wires[neuron, :, 1:] = others.reshape(self.fan_in, k - 1)
        own = source.weight.detach().gather(1, kept)
        own = own.sign() * own.abs().clamp(0.3, 0.7)
        terms = torch.stack([dense.gather(1, wires[:, :, j]) for j in range(1, k)], dim=2)
        weights = torch.cat([own[:, :, None], terms], dim=2).reshape(-1, k)
        address = torch.arange(1 << k)
        signs = torch.stack([(address >> j & 1) * 2.0 - 1 for j in range(k)])
        self.tables = nn.Parameter((weights @ signs).clamp(-0.9, 0.9))
        self.wires = wires.reshape(-1, k)

    def forward(self, x: Tensor) -> Tensor:
        """Return sums[batch, n_out] of +-1 table outputs for bits x[batch, n_in]."""
        wired = x[:, self.wires.reshape(-1)].reshape(len(x), -1, self.k)
        y = LookUp.apply(wired, self.tables)  # type: ignore[no-untyped-call]
        return 2 * y.reshape(len(x), -1, self.fan_in).sum(dim=2) - self.fan_in

    def layer(self, **thresholds: Any) -> lutnet.LutLayer:
        """Return the layer in the data model."""
        bits = (self.tables.detach() > 0).numpy()
        n_out = len(bits) // self.fan_in
        return lutnet.LutLayer(
            k=self.k,
            idx=self.wires.numpy(),
            tt=[sum(1 << a for a in np.flatnonzero(row).tolist()) for row in bits],
            out=np.repeat(np.arange(n_out), self.fan_in),
            n_out=n_out,
            **thresholds,
        )


class Net(nn.Module):
    """Two summing layers with batch normalisation and a sign between them."""

    def __init__(self, first: nn.Module, second: nn.Module, hidden: int, norm: Any = None):
        super().__init__()
        self.first, self.second = first, second
        self.norm = norm or nn.BatchNorm1d(hidden)
        self.scale = nn.Parameter(torch.tensor(-1.5))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[batch, classes] of bits x[batch, n_in]."""
        hidden = Sign.apply(self.norm(self.first(x)))  # type: ignore[no-untyped-call]
        logits: Tensor = self.second(hidden) * self.scale.exp()
        return logits

    def layers(self, fan_in: int) -> list[Any]:
        """Return both layers in the data model; every neuron of the first adds ``fan_in`` ones."""
        norm = self.norm
        values: list[Any] = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
        gamma, beta, mu, var = (v.detach().numpy().astype(np.float64) for v in values)
        theta, flip = lutnet.fold_batchnorm(gamma, beta, mu, var, norm.eps, fan_in)
        theta = np.clip(theta, -1, fan_in + 2)
        return [self.first.layer(theta=theta, flip=flip), self.second.layer()]  # type: ignore[operator]


@dataclass(frozen=True)
class Plan:
    """Sizes of a LUTNet and its training.

    Parameters
    ----------
    hidden
        Neurons of the first layer.
    keep
        Products per neuron after pruning, in both layers.
    k
        Inputs of a table.
    """

    hidden: int = 60
    keep: tuple[int, int] = (20, 12)
    k: int = 4


Fit = Callable[[nn.Module], None]


def binary(plan: Plan, n_in: int, classes: int, fit: Fit, seed: int) -> tuple[Net, list[Tensor]]:
    """Train a binary network, prune and retrain it; return it and its weights before pruning."""
    generator = torch.Generator().manual_seed(seed)
    net = Net(
        BinarySums(n_in, plan.hidden, generator),
        BinarySums(plan.hidden, classes, generator),
        plan.hidden,
    )
    fit(net)
    dense = []
    for layer, keep in zip((net.first, net.second), plan.keep, strict=True):
        assert isinstance(layer, BinarySums)
        dense.append(layer.weight.detach().clone())
        layer.prune(keep)
    fit(net)
    return net, dense


def expanded(plan: Plan, net: Net, dense: list[Tensor], fit: Fit, seed: int) -> Net:
    """Expand a pruned binary network to tables, and retrain it."""
    generator = torch.Generator().manual_seed(seed + 1000)
    parts = []
    for layer, weights in zip((net.first, net.second), dense, strict=True):
        assert isinstance(layer, BinarySums)
        parts.append(TableSums(layer, weights, plan.k, generator))
    wide = Net(parts[0], parts[1], plan.hidden, net.norm)
    wide.scale.data.copy_(net.scale.data)
    fit(wide)
    return wide
