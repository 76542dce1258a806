"""LUTNet as PyTorch trains it: a pruned binary network, and the tables it is expanded to.

After Wang et al. (FCCM 2019, IEEE TC 2020). Each neuron keeps the same number of products, those of
its largest weights. A surviving product becomes a table over its own input and K - 1 pruned inputs
of the same neuron. With two residual levels a hidden neuron gives two bits, of which the second
refines the first (Ghasemzadeh et al., "ReBNet", FCCM 2018), and every level has tables of its own.

Signals are ``[wires, batch]``, as in :mod:`nomul.train.lutnet_direct`.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet_cases import STARTS
from nomul.train.lutnet_direct import LookUp, bits_of


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


def sign(x: Tensor) -> Tensor:
    """Return bits in {0, 1}."""
    bits: Tensor = Sign.apply(x)  # type: ignore[no-untyped-call]
    return bits


def scales(levels: int) -> tuple[int, ...]:
    """Return the scale of each residual level: every one half of the one before."""
    return tuple(1 << (levels - 1 - level) for level in range(levels))


class BinarySums(nn.Module):
    """Sums of products of +-1 inputs and +-1 weights, some of them pruned.

    Parameters
    ----------
    n_in, n_out, levels
        Inputs, each of ``levels`` bits, and sums.
    generator
        Source of the initial weights.
    """

    mask: Tensor

    def __init__(self, n_in: int, n_out: int, levels: int, generator: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1, generator=generator))
        self.register_buffer("mask", torch.ones(n_out, n_in))
        self.scales = scales(levels)

    def forward(self, x: Tensor) -> Tensor:
        """Return sums[n_out, batch] for bits x[levels n_in, batch]."""
        parts = (2.0 * x - 1.0).split(self.weight.shape[1])
        value = sum(scale * part for scale, part in zip(self.scales, parts, strict=True))
        sums: Tensor = ((2 * sign(self.weight) - 1) * self.mask) @ value
        return sums

    def prune(self, keep: int) -> None:
        """Keep the ``keep`` largest weights of each neuron."""
        order = self.weight.detach().abs().argsort(dim=1, descending=True)
        self.mask = torch.zeros_like(self.weight).scatter_(1, order[:, :keep], 1.0)

    def clip(self) -> None:
        """Keep the weights in -1..1."""
        with torch.no_grad():
            self.weight.clamp_(-1, 1)

    @property
    def kept(self) -> Tensor:
        """Inputs of the surviving products, int64[n_out, keep]."""
        keep = int(self.mask[0].sum())
        return self.mask.argsort(dim=1, descending=True, stable=True)[:, :keep].sort(dim=1).values

    def layer(self, **thresholds: Any) -> lutnet.Xnor:
        """Return the layer in the data model."""
        kept, levels = self.kept, len(self.scales)
        weight = (self.weight.detach().gather(1, kept) > 0).long().numpy()
        n_out, n_in = self.mask.shape
        return lutnet.Xnor(
            idx=np.concatenate([kept.numpy().ravel() + level * n_in for level in range(levels)]),
            weight=np.tile(weight.ravel(), levels),
            out=np.tile(np.repeat(np.arange(n_out), kept.shape[1]), levels),
            n_out=n_out,
            alpha=self.scales,
            level=np.repeat(np.arange(levels), kept.numel()),
            **thresholds,
        )


class TableSums(nn.Module):
    """Sums of the outputs of tables, expanded from a pruned binary layer.

    Parameters
    ----------
    source
        The binary layer, pruned.
    dense
        Its weights before pruning, [n_out, n_in].
    k
        K.
    start
        How the tables begin. ``recovery``: as the sign of the weighted sum of all K inputs, the
        weights of pruned ones included, the own weight kept away from zero and from the clip
        boundary. With K = 2 that sign is the larger weight's, and every table would be an XNOR.
        There sums are moved by nine tenths of the own weight, up in one table and down in the
        next: where the other weight is not tiny the tables are OR and AND, which on the same
        inputs would add up to the sum of these.
        ``plain``: as the XNOR they come from, away from the boundary. ``boundary``: as the XNOR,
        on the boundary. ``random``: at random, with the same wires.
    generator
        Chooses the further inputs, and random tables.
    """

    wires: Tensor

    def __init__(
        self, source: BinarySums, dense: Tensor, k: int, start: str, generator: torch.Generator
    ):
        super().__init__()
        self.k, self.scales = k, source.scales
        kept, n_in = source.kept, dense.shape[1]
        self.n_out, self.fan_in = kept.shape
        wires = torch.stack([self._chosen(row, n_in, generator) for row in kept])
        own = source.weight.detach().gather(1, kept)
        own = own.sign() * own.abs().clamp(0.3, 0.7)
        terms = [dense.gather(1, wires[:, :, j]) for j in range(1, k)]
        weights = torch.stack([own, *terms], dim=2).reshape(-1, k)
        address = torch.arange(1 << k)
        signs = torch.stack([(address >> j & 1) * 2.0 - 1 for j in range(k)])
        if start == "recovery":
            sums = weights @ signs
            if k == 2:
                sums[0::2] += 0.9 * weights[0::2, :1].abs()
                sums[1::2] -= 0.9 * weights[1::2, :1].abs()
            table = sums.clamp(-0.9, 0.9)
        elif start in ("plain", "boundary"):
            table = weights[:, :1] @ signs[:1]
            table = table.sign() if start == "boundary" else table
        elif start == "random":
            table = torch.empty(len(weights), 1 << k).uniform_(-1, 1, generator=generator)
        else:
            raise ValueError(f"start must be one of {', '.join(STARTS)}, not {start!r}")
        levels = len(self.scales)
        self.tables = nn.Parameter(table.repeat(levels, 1))
        flat = wires.reshape(-1, k)
        shifted = torch.cat([flat + level * n_in for level in range(levels)])
        self.register_buffer("wires", shifted)

    def _chosen(self, kept: Tensor, n_in: int, generator: torch.Generator) -> Tensor:
        """Return the wires [fan_in, K] of one neuron: its own ones, then pruned ones."""
        pruned = torch.as_tensor(np.setdiff1d(np.arange(n_in), kept.numpy()))
        if not len(pruned):
            pruned = torch.arange(n_in)
        need = len(kept) * (self.k - 1)
        order = [
            torch.randperm(len(pruned), generator=generator) for _ in range(need // len(pruned) + 1)
        ]
        others = pruned[torch.cat(order)[:need]].reshape(len(kept), self.k - 1)
        return torch.cat([kept[:, None], others], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return sums[n_out, batch] of +-1 table outputs for bits x[levels n_in, batch]."""
        y = LookUp.apply(x, self.wires, self.tables)  # type: ignore[no-untyped-call]
        shape = len(self.scales), self.n_out, self.fan_in, x.shape[1]
        parts = (2 * y - 1).reshape(shape).sum(dim=2)
        return sum(scale * part for scale, part in zip(self.scales, parts, strict=True))

    def clip(self) -> None:
        """Keep the entries in -1..1."""
        with torch.no_grad():
            self.tables.clamp_(-1, 1)

    def layer(self, **thresholds: Any) -> lutnet.LutLayer:
        """Return the layer in the data model."""
        levels = len(self.scales)
        per_level = self.n_out * self.fan_in
        return lutnet.LutLayer(
            k=self.k,
            idx=self.wires.numpy(),
            tt=bits_of(self.tables),
            out=np.tile(np.repeat(np.arange(self.n_out), self.fan_in), levels),
            n_out=self.n_out,
            alpha=self.scales,
            level=np.repeat(np.arange(levels), per_level),
            **thresholds,
        )


class Net(nn.Module):
    """Two summing layers with batch normalisation and residual signs between them.

    Parameters
    ----------
    first, second
        The layers, both :class:`BinarySums` or :class:`TableSums`.
    norm
        Batch normalisation of the hidden sums.
    """

    def __init__(self, first: nn.Module, second: nn.Module, norm: nn.BatchNorm1d):
        super().__init__()
        self.first, self.second, self.norm = first, second, norm
        self.scale = nn.Parameter(torch.tensor(-1.5))
        self.levels = len(second.scales)  # type: ignore[arg-type]
        self.learning = True

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


def expanded(net: Net, before: list[Tensor], k: int, start: str, seed: int) -> Net:
    """Return a pruned binary network expanded to tables.

    Parameters
    ----------
    net
        The binary network; it is left as it is.
    before
        The weights of both layers before pruning.
    k, start
        As for :class:`TableSums`.
    seed
        Of the wires.
    """
    generator = torch.Generator().manual_seed(seed + 1000)
    parts = []
    for layer, weights in zip((net.first, net.second), before, strict=True):
        assert isinstance(layer, BinarySums)
        parts.append(TableSums(layer, weights, k, start, generator))
    norm = nn.BatchNorm1d(net.norm.num_features)
    norm.load_state_dict(net.norm.state_dict())
    wide = Net(parts[0], parts[1], norm)
    wide.scale.data.copy_(net.scale.data)
    return wide
