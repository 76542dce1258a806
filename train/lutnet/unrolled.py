"""LUTNet as PyTorch trains it: a pruned binary network, and the tables it is expanded to.

After Wang et al. (FCCM 2019, IEEE TC 2020). Each neuron keeps the same number of products, those of
its largest weights. A surviving product becomes a table over its own input and K - 1 pruned inputs
of the same neuron, which it keeps, or from which its wires go on to learn. With two residual levels
a hidden neuron gives two bits, of which the second refines the first (Ghasemzadeh et al., "ReBNet",
FCCM 2018), and every level has tables of its own.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet.sums import BinarySums, TableSums, scales, sign


class Net(nn.Module):
    """Two summing layers with batch normalisation and residual signs between them.

    Parameters
    ----------
    first, second
        The layers, both of products or both of tables.
    norm
        Batch normalisation of the hidden sums.
    """

    def __init__(self, first: nn.Module, second: nn.Module, norm: nn.BatchNorm1d):
        super().__init__()
        self.first, self.second, self.norm = first, second, norm
        self.scale = nn.Parameter(torch.tensor(-1.5))
        self.levels = len(second.scales)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[batch, classes] of bits x[n_in, batch]."""
        rest = self.norm(self.first(x).T).T
        bits = []
        for scale in scales(self.levels):
            bits.append(sign(rest))
            rest = rest - scale / scales(self.levels)[0] * (2 * bits[-1] - 1)
        logits: Tensor = self.second(torch.cat(bits)).T * self.scale.exp()
        return logits

    def settle(self) -> None:
        """After a step: keep weights and tables in -1..1."""
        self.first.clip()  # type: ignore[operator]
        self.second.clip()  # type: ignore[operator]

    def layers(self) -> list[Any]:
        """Return both layers in the data model."""
        norm = self.norm
        values: list[Any] = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
        gamma, beta, mu, var = (v.detach().numpy().astype(np.float64) for v in values)
        first = self.first.layer()  # type: ignore[operator]
        fan_in = len(getattr(first, "unrolled", first).out) // first.n_out
        # The second bit: is the sum above -1 where the first is 0, above 1 where it is 1?
        offsets = (0.0,) if self.levels == 1 else (0.0, 1.0, -1.0)
        folded = [
            lutnet.fold_batchnorm(gamma, beta + offset, mu, var, norm.eps, fan_in)
            for offset in offsets
        ]
        theta = np.clip(np.stack([t for t, _ in folded], axis=1), -1, fan_in + 2)
        return [
            self.first.layer(theta=theta, flip=folded[0][1]),  # type: ignore[operator]
            self.second.layer(),  # type: ignore[operator]
        ]


def dense(n_in: int, hidden: int, classes: int, levels: int, seed: int) -> Net:
    """Return a binary network with random weights, nothing pruned."""
    generator = torch.Generator().manual_seed(seed)
    first = BinarySums(n_in, hidden, 1, generator)
    second = BinarySums(hidden, classes, levels, generator)
    return Net(first, second, nn.BatchNorm1d(hidden))


def expanded(net: Net, before: list[Tensor], k: int, start: str, wires: str, seed: int) -> Net:
    """Return a pruned binary network expanded to tables.

    Parameters
    ----------
    net
        The binary network; it is left as it is.
    before
        The weights of both layers before pruning.
    k, start, wires
        As for :class:`nomul.train.lutnet.sums.TableSums`.
    seed
        Of the wires.
    """
    generator = torch.Generator().manual_seed(seed + 1000)
    parts = []
    for layer, weights in zip((net.first, net.second), before, strict=True):
        assert isinstance(layer, BinarySums)
        parts.append(TableSums(layer, weights, k, start, wires, generator))
    norm = nn.BatchNorm1d(net.norm.num_features)
    norm.load_state_dict(net.norm.state_dict())
    wide = Net(parts[0], parts[1], norm)
    wide.scale.data.copy_(net.scale.data)
    return wide
