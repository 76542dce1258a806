"""LUTNet, tiled, as PyTorch trains it: tables shared by all tiles, and weights of each.

After Wang et al. (IEEE TC 2020). A table reads K - P activations and P stored weight bits. TM x TN
tiles share tables and wires, as in :class:`nomul.golden.lutnet.LutNetTiled`: a table is learned
from all tiles together, and its weights are all that tells these apart. Both are real numbers whose
signs are the bits; the gradient of a weight is that of an input of its table.
"""

from typing import Any

import torch
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.train.lutnet.direct import LookUp, bits_of
from nomul.train.lutnet.sums import BinarySums, sign
from nomul.train.lutnet.unrolled import Net


class TiledSums(nn.Module):
    """Sums of the outputs of tables that tiles share.

    Parameters
    ----------
    n_in, n_out
        Inputs and sums.
    k, p
        Inputs of a table, and how many of them are weights.
    tile_m, tile_n
        Tiles along sums and inputs, which divide ``n_out`` and ``n_in``.
    fan_in
        Tables that each sum adds, over all tiles; a multiple of ``tile_n``.
    generator
        Source of wires, weights and tables. A table begins as the sign of a sum of products, one
        for each activation; weights serve in turn, and the first product counts most.
    """

    wires: Tensor

    def __init__(
        self,
        n_in: int,
        n_out: int,
        k: int,
        p: int,
        tile_m: int,
        tile_n: int,
        fan_in: int,
        generator: torch.Generator,
    ):
        super().__init__()
        self.k, self.p, self.n_in, self.n_out = k, p, n_in, n_out
        self.tile_m, self.tile_n = tile_m, tile_n
        self.neurons, self.each = n_out // tile_m, fan_in // tile_n
        n_ops, few, size = self.neurons * self.each, k - p, n_in // tile_n
        need = n_ops * few
        order = [torch.randperm(size, generator=generator) for _ in range(-(-need // size))]
        self.register_buffer("wires", torch.cat(order)[:need].reshape(n_ops, few))
        shape = tile_m * tile_n, n_ops, p
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-1, 1, generator=generator))
        address = torch.arange(1 << k)
        signs = [(address >> j & 1) * 2.0 - 1 for j in range(k)]
        products = torch.stack([signs[j] * signs[few + j % p] for j in range(few)])
        share = torch.rand(n_ops, few, generator=generator) * 0.3
        share[:, 0] = 0.5
        self.tables = nn.Parameter((share @ products).clamp(-0.9, 0.9))

    def forward(self, x: Tensor) -> Tensor:
        """Return sums[n_out, batch] of +-1 table outputs for bits x[n_in, batch]."""
        stored = sign(self.weight).reshape(-1, 1).expand(-1, x.shape[1])
        tiles = self.tile_m * self.tile_n
        few = self.wires.shape[1]
        first = torch.arange(tiles) % self.tile_n * (self.n_in // self.tile_n)
        own = (first[:, None, None] + self.wires).reshape(-1, few)
        words = self.n_in + torch.arange(stored.shape[0]).reshape(-1, self.p)
        y = LookUp.apply(  # type: ignore[no-untyped-call]
            torch.cat([x.to(stored.dtype), stored]),
            torch.cat([own, words], dim=1),
            self.tables.repeat(tiles, 1),
        )
        shape = self.tile_m, self.tile_n, self.neurons, self.each, x.shape[1]
        sums: Tensor = (2 * y - 1).reshape(shape).sum(dim=(1, 3)).reshape(self.n_out, -1)
        return sums

    def clip(self) -> None:
        """Keep entries and weights in -1..1."""
        with torch.no_grad():
            self.tables.clamp_(-1, 1)
            self.weight.clamp_(-1, 1)

    def layer(self, **thresholds: Any) -> lutnet.LutNetTiled:
        """Return the layer in the data model."""
        bits = (self.weight.detach() > 0).long()
        return lutnet.LutNetTiled(
            k=self.k,
            p=self.p,
            n_in=self.n_in,
            n_out=self.n_out,
            tile_m=self.tile_m,
            tile_n=self.tile_n,
            idx=self.wires.numpy(),
            tt=bits_of(self.tables),
            out=torch.arange(self.neurons).repeat_interleave(self.each).numpy(),
            weight=(bits << torch.arange(self.p)).sum(dim=2).numpy(),
            **thresholds,
        )


def tiled(
    n_in: int, hidden: int, classes: int, shape: tuple[int, ...], fan_in: int, seed: int
) -> Net:
    """Return a network of a tiled layer and a binary one, nothing pruned.

    Parameters
    ----------
    n_in, hidden, classes
        Inputs, hidden neurons, and scores.
    shape
        K, P, TM and TN of the first layer.
    fan_in
        Tables per hidden neuron.
    seed
        Of wires, weights and tables.
    """
    generator = torch.Generator().manual_seed(seed)
    k, p, tile_m, tile_n = shape
    first = TiledSums(n_in, hidden, k, p, tile_m, tile_n, fan_in, generator)
    second = BinarySums(hidden, classes, 1, generator)
    return Net(first, second, nn.BatchNorm1d(hidden))
