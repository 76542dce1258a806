"""Training with ESSOP in the loop: PyTorch layers whose weight gradients are stochastic.

The forward pass and the gradients of activations are exact; the gradient of a weight matrix is
:func:`nomul.golden.essop.updates` of the layer's inputs and output gradients, to the bit.
"""

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nomul.golden import bitstream, essop


class Unit:
    """An outer-product unit as training uses it: sources that run on from batch to batch.

    Parameters
    ----------
    source, stream_bits
        As in :class:`nomul.golden.essop.Config`.
    seed
        Chooses the first states of the sources' registers.
    width
        W, bits of a magnitude.
    """

    def __init__(self, source: bitstream.Source, stream_bits: int, seed: int = 1, width: int = 8):
        self.source, self.stream_bits, self.width = source, stream_bits, width
        first, second = np.random.default_rng(seed).integers(1, 1 << 16, 2)
        self.seeds = (int(first), int(second))
        self.served = 0
        self._configs: dict[tuple[int, int], essop.Config] = {}

    def config(self, rows: int, cols: int) -> essop.Config:
        """Return the configuration for a layer of ``rows`` inputs and ``cols`` outputs."""
        if (rows, cols) not in self._configs:
            self._configs[rows, cols] = essop.Config(
                rows=rows,
                cols=cols,
                width=self.width,
                stream_bits=self.stream_bits,
                source=self.source,
                seeds=self.seeds,
            )
        return self._configs[rows, cols]

    def update(self, x: Tensor, delta: Tensor) -> Tensor:
        """Return the sum of the outer products of x [V, M] and delta [V, N], as [N, M]."""
        cfg = self.config(x.shape[1], delta.shape[1])
        total = essop.update(_array(x), _array(delta), cfg, self.served)
        self.served += len(x)
        return torch.from_numpy(np.ascontiguousarray(total.T)).to(x.dtype)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().double().cpu().numpy()


class _LinearGradient(torch.autograd.Function):
    """y = x w^T, with the unit's estimate as the gradient of w."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, unit: Unit) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.unit = unit
        return x @ weight.T

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, Tensor, None]:
        x, weight = ctx.saved_tensors
        below = delta @ weight if ctx.needs_input_grad[0] else None
        return below, ctx.unit.update(x, delta), None


class Linear(nn.Linear):
    """A linear layer whose weight gradient comes from an outer-product unit.

    Parameters
    ----------
    n_in, n_out
        Features of input and output.
    unit
        The unit, or None for exact gradients.
    """

    def __init__(self, n_in: int, n_out: int, unit: Unit | None):
        super().__init__(n_in, n_out)
        self.unit = unit

    def forward(self, x: Tensor) -> Tensor:
        """Return x w^T + b for x [V, n_in]."""
        if self.unit is None:
            return super().forward(x)
        y: Tensor = _LinearGradient.apply(x, self.weight, self.unit)  # type: ignore[no-untyped-call]
        return y + self.bias


class Conv2d(nn.Conv2d):
    """A convolution whose weight gradient is a sum of outer products, one per output position.

    Patches of the input are the unit's x, the gradients of all output channels at the same place
    its delta; stride, padding and dilation are as in ``torch.nn.Conv2d``, groups are not supported.

    Parameters
    ----------
    n_in, n_out, size
        Channels of input and output, and side of the kernel.
    unit
        The unit, or None for exact gradients.
    options
        Further arguments of ``torch.nn.Conv2d``.
    """

    def __init__(self, n_in: int, n_out: int, size: int, unit: Unit | None, **options: Any):
        super().__init__(n_in, n_out, size, **options)
        if self.groups != 1:
            raise ValueError(f"Conv2d.groups must be 1, not {self.groups}")
        self.unit = unit

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of x [V, n_in, H, W]."""
        if self.unit is None:
            return super().forward(x)
        geometry: dict[str, Any] = {
            "dilation": self.dilation,
            "padding": self.padding,
            "stride": self.stride,
        }
        patches = functional.unfold(x, self.kernel_size, **geometry).transpose(1, 2)
        flat = patches.reshape(-1, patches.shape[2])
        weight = self.weight.flatten(1)
        sums: Tensor = _LinearGradient.apply(flat, weight, self.unit)  # type: ignore[no-untyped-call]
        pads = [int(pad) for pad in self.padding]  # numbers, though the stubs allow a name
        height, width = (
            (side + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for side, pad, dilation, kernel, stride in zip(
                x.shape[2:], pads, self.dilation, self.kernel_size, self.stride, strict=True
            )
        )
        y = sums.reshape(len(x), height, width, -1).permute(0, 3, 1, 2)
        return y if self.bias is None else y + self.bias[:, None, None]


def mlp(unit: Unit | None, sizes: tuple[int, ...] = (64, 32, 32, 10)) -> nn.Sequential:
    """Return the three-layer ReLU network for scikit-learn's digits."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [Linear(n_in, n_out, unit), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convnet(unit: Unit | None, channels: tuple[int, int] = (8, 16)) -> nn.Sequential:
    """Return the small convolutional network for 28 x 28 images."""
    first, second = channels
    return nn.Sequential(
        Conv2d(1, first, 5, unit, stride=2, padding=2),
        nn.ReLU(),
        Conv2d(first, second, 3, unit, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        Linear(second * 49, 10, unit),
    )


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al., 2016, with the parameter-free shortcut)."""

    def __init__(self, n_in: int, n_out: int, unit: Unit | None):
        super().__init__()
        stride = 1 if n_in == n_out else 2
        self.stride, self.extra = stride, n_out - n_in
        self.conv1 = Conv2d(n_in, n_out, 3, unit, stride=stride, padding=1, bias=False)
        self.conv2 = Conv2d(n_out, n_out, 3, unit, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(n_out), nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for x [V, n_in, H, W]."""
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        shortcut = functional.pad(x[:, :, :: self.stride, :: self.stride], (0,) * 5 + (self.extra,))
        return torch.relu(y + shortcut)


def resnet32(unit: Unit | None) -> nn.Sequential:
    """Return ResNet-32 for 32 x 32 colour images, the network of the paper's abstract."""
    layers: list[nn.Module] = [
        Conv2d(3, 16, 3, unit, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
    ]
    width = 16
    for stage in (16, 32, 64):
        for _ in range(5):
            layers.append(Block(width, stage, unit))
            width = stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(64, 10, unit))
