"""A network whose products are looked up: prototypes and tables, trained straight through.

As networks of PQ-DNN are trained (AbouElhamayed et al., arXiv 2305.18334, of which the abstract was
read; the method is reconstructed): prototypes begin as k-means of a layer's inputs, and are trained
with the weights that tables are made of. The nearest prototype's entry is looked up, rounded as it
will be stored; gradients are passed on as if all prototypes were mixed, the nearer the more
(Tang et al., "LUT-NN", arXiv 2302.03213). Passed on as if x had stayed as it is, gradients made the
perceptron for digits worse than it was before training.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from nomul.golden import pq
from nomul.golden.arrays import Ints
from nomul.golden.network import Conv2d, Dense, Network, reals
from nomul.golden.network.evaluate import Sums
from nomul.golden.network.reals import Graph
from nomul.train.networks.tune import Tuned, gently

LENGTH = 8
BITS = 8
CODE = float((1 << BITS) - 1)  # prototypes are learned as fractions of it, as weights are small
SOFTNESS = 0.1  # of the mixture: the distance that counts e times less, by the mean distance
SAMPLES = 2000  # vectors that a layer's prototypes begin with


def settings(
    shape: tuple[int, int], length: int, prototypes: int, metric: pq.config.Metric = "l1"
) -> pq.Config:
    """Return the array for weights of a shape [inputs, outputs]."""
    return pq.Config(
        inputs=shape[0],
        outputs=shape[1],
        length=length,
        prototypes=prototypes,
        metric=metric,
        act_signed=False,
        weight_bits=BITS,
        units=(1, 1, 1),
    )


class Looked(Tuned):
    """A graph whose products are sums of table entries of the nearest prototypes.

    Parameters
    ----------
    graph, calibration
        As for :class:`nomul.train.networks.tune.Tuned`, of 8 bits.
    length, prototypes
        V and Np of every layer.
    """

    def __init__(self, graph: Graph, calibration: ArrayLike, length: int, prototypes: int):
        super().__init__(graph, calibration, BITS, BITS)
        self.configs: dict[str, pq.Config] = {}
        self.codes = nn.ParameterDict()
        self.found: dict[str, torch.Tensor] = {}
        with torch.no_grad():
            self(torch.from_numpy(np.asarray(calibration, dtype=np.float32)))
        for key, seen in self.found.items():
            step = self._product(key)
            shape = (step.w.size // step.outputs, step.outputs)
            cfg = settings(shape, length, prototypes)
            rng = np.random.default_rng(1)
            chosen = seen.numpy()[rng.permutation(len(seen))[:SAMPLES]]
            begun = pq.fit(cfg, np.zeros(shape, dtype=np.int64), chosen.astype(np.int64))
            self.configs[key] = cfg
            codes = torch.tensor(begun.prototypes, dtype=torch.float32)
            self.codes[key] = nn.Parameter(codes / CODE)

    def _product(self, key: str) -> reals.Product:
        step = self.start.steps[int(key)]
        assert isinstance(step, reals.Product)
        if step.groups != 1:
            raise ValueError(f"{step.name}: groups must be 1 for tables, not {step.groups}")
        return step

    def _unit(self, value: int) -> torch.Tensor:
        """Return the scale of the codes that a value has: that of the quantiser behind it."""
        step = self.start.steps[value - 1]
        if isinstance(step, reals.Quant):
            return self.step[str(value - 1)].abs()
        if not isinstance(step, reals.Flat) and not (
            isinstance(step, reals.Pool) and not step.mean
        ):
            raise ValueError(f"{step.name}: inputs of a product must be codes")
        return self._unit(step.sources[0])

    def output(self, key: str, step: reals.Step, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Return what a step makes of its inputs now; of a product, sums of table entries."""
        if not isinstance(step, reals.Product):
            return super().output(key, step, inputs)
        unit, x = self._unit(step.sources[0]).detach(), inputs[0]
        size: tuple[int, ...] = ()
        if step.w.ndim == 4:
            top, left, bottom, right = step.padding
            x = nn.functional.pad(x, (left, right, top, bottom))
            kernel = tuple(int(n) for n in step.w.shape[2:])
            size = tuple(
                (n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, step.stride, strict=True)
            )
            x = nn.functional.unfold(x, kernel, stride=step.stride).transpose(1, 2)
        rows = x.reshape(-1, x.shape[-1]) / unit
        if key not in self.codes:
            self.found[key] = torch.round(rows.detach())
            y = rows @ self._integers(key)
        else:
            y = self._looked_up(key, rows)
        scale = gently(self.scale[key], len(rows[0]), self.most).abs().reshape(1, -1)
        y = y * scale * unit + self.bias[key]
        if not size:
            return y
        return y.reshape(len(inputs[0]), -1, step.outputs).transpose(1, 2).unflatten(2, size)

    def _integers(self, key: str) -> torch.Tensor:
        """Return the codes of weights [inputs, outputs], with gradients straight through."""
        w, step = self.w[key], self._product(key)
        flat = w if w.ndim == 2 else w.flatten(1).T
        scale = self.scale[key].abs().reshape(1, -1).expand(1, step.outputs)
        inside = torch.clamp(flat / scale, -self.most, self.most)
        return inside + (torch.round(inside) - inside).detach()

    def _looked_up(self, key: str, rows: torch.Tensor) -> torch.Tensor:
        """Return sums of table entries, in units of one, for codes [n, inputs]."""
        cfg, w = self.configs[key], self._integers(key)
        more = cfg.subvectors * cfg.length - cfg.inputs
        parts = nn.functional.pad(rows, (0, more)).reshape(len(rows), cfg.subvectors, cfg.length)
        codes = self.codes[key] * CODE
        held = codes + (torch.clamp(torch.round(codes), 0, CODE) - codes).detach()
        apart = torch.cdist(parts.transpose(0, 1).contiguous(), held, p=1.0)
        near = torch.nn.functional.one_hot(apart.detach().argmin(2), cfg.prototypes).float()
        soft = torch.softmax(-apart / (SOFTNESS * apart.detach().mean()), 2)
        near = near + soft - soft.detach()
        cut = nn.functional.pad(w, (0, 0, 0, more)).reshape(cfg.subvectors, cfg.length, cfg.outputs)
        tables = held @ cut
        most = (1 << (cfg.table_bits - 1)) - 1
        largest = float(tables.detach().abs().max())
        unit = 2.0 ** max(0, int(np.ceil(np.log2(max(1.0, largest / (most + 0.5))))))
        inside = torch.clamp(tables / unit, -most - 1, most)
        tables = (inside + (torch.round(inside) - inside).detach()) * unit
        return torch.bmm(near, tables).sum(0)

    def packed(self, key: str, w: Ints) -> pq.Packed:
        """Return the tile of a layer's weights int64[inputs, outputs], its tables made."""
        cfg = self.configs[key]
        codes = torch.clamp(torch.round(self.codes[key].detach() * CODE), 0, CODE)
        whole = codes.numpy().astype(np.int64)
        shift = pq.least_shift(cfg, w, whole)
        cfg = cfg.replace(table_shift=shift)
        return pq.Packed(whole, pq.tables(cfg, w, whole), cfg=cfg)

    def tiles(self, net: Network) -> dict[int, pq.Packed]:
        """Return the tile of each layer of products of a network that :meth:`network` made."""
        numbers = [i for i, layer in enumerate(net.layers) if isinstance(layer, Dense | Conv2d)]
        pairs = zip(numbers, self.codes, strict=True)
        return {number: self.packed(key, matrix(net, number)) for number, key in pairs}


def matrix(net: Network, number: int) -> Ints:
    """Return a layer's weights as int64[inputs, outputs]."""
    layer = net.layers[number]
    assert isinstance(layer, Dense | Conv2d)
    return layer.w if isinstance(layer, Dense) else layer.w.reshape(len(layer.w), -1).T


def sums(tiles: Mapping[int, pq.Packed]) -> dict[int, Sums]:
    """Return what layers of tables give, for :func:`nomul.golden.network.model`."""

    def looked_up(packed: pq.Packed) -> Sums:
        return lambda x: pq.model(packed.cfg, packed, x) << packed.cfg.table_shift

    return {number: looked_up(packed) for number, packed in tiles.items()}
