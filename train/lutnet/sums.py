"""Sums of products and of tables, as PyTorch trains them.

Signals are ``[wires, batch]``, as in :mod:`nomul.train.lutnet.direct`.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet.cases import STARTS, WIRES
from nomul.train.lutnet.direct import Wiring, bits_of


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
        wires, levels = self.kept, len(self.scales)
        weight = (self.weight.detach().gather(1, wires) > 0).long().numpy()
        n_out, n_in = self.mask.shape
        return lutnet.Xnor(
            idx=np.concatenate([wires.numpy().ravel() + level * n_in for level in range(levels)]),
            weight=np.tile(weight.ravel(), levels),
            out=np.tile(np.repeat(np.arange(n_out), wires.shape[1]), levels),
            n_out=n_out,
            alpha=self.scales,
            level=np.repeat(np.arange(levels), wires.numel()),
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
    wires
        ``random``: a table keeps the wires it begins with, those of Wang et al. ``learned``: every
        wire may become any input of the layer; see :class:`nomul.train.lutnet.direct.Wiring`.
    generator
        Chooses the further inputs, and random tables.
    """

    def __init__(
        self,
        source: BinarySums,
        dense: Tensor,
        k: int,
        start: str,
        wires: str,
        generator: torch.Generator,
    ):
        super().__init__()
        if wires not in WIRES:
            raise ValueError(f"wires must be one of {', '.join(WIRES)}, not {wires!r}")
        self.k, self.scales = k, source.scales
        kept, n_in = source.kept, dense.shape[1]
        self.n_out, self.fan_in = kept.shape
        first = torch.stack([self._first(row, n_in, generator) for row in kept])
        own = source.weight.detach().gather(1, kept)
        own = own.sign() * own.abs().clamp(0.3, 0.7)
        terms = [dense.gather(1, first[:, :, j]) for j in range(1, k)]
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
        flat = first.reshape(-1, k)
        shifted = torch.cat([flat + level * n_in for level in range(levels)])
        choices = levels * n_in if wires == "learned" else 0
        self.wiring = Wiring(levels * n_in, len(shifted), k, choices, generator)
        self.wiring.begin(shifted)

    def _first(self, kept: Tensor, n_in: int, generator: torch.Generator) -> Tensor:
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
        y = self.wiring.look_up(x, self.tables)
        shape = len(self.scales), self.n_out, self.fan_in, x.shape[1]
        parts = (2 * y - 1).reshape(shape).sum(dim=2)
        return sum(scale * part for scale, part in zip(self.scales, parts, strict=True))

    def clip(self) -> None:
        """Keep the entries in -1..1, and choose the wires."""
        with torch.no_grad():
            self.tables.clamp_(-1, 1)
        self.wiring.refresh()

    def layer(self, **thresholds: Any) -> lutnet.LutLayer:
        """Return the layer in the data model."""
        levels = len(self.scales)
        per_level = self.n_out * self.fan_in
        return lutnet.LutLayer(
            k=self.k,
            idx=self.wiring.fixed.numpy(),
            tt=bits_of(self.tables),
            out=np.tile(np.repeat(np.arange(self.n_out), self.fan_in), levels),
            n_out=self.n_out,
            alpha=self.scales,
            level=np.repeat(np.arange(levels), per_level),
            **thresholds,
        )
