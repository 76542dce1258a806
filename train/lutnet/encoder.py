"""How training makes bits of integer codes, and the same as the first layer of a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nomul.golden import lutnet
from nomul.golden.lutnet.layers import Layer


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Bits of codes, with noise on the codes while training.

    Parameters
    ----------
    levels
        Thresholds of the thermometer, the same for every feature. Where there are none, the bits
        of the codes themselves go in: no comparators, so no look-up tables for the encoder.
    noise
        Standard deviation of the noise on codes during training.
    jitter
        Standard deviation, in pixels, by which training moves each edge of an image: it is
        shifted, turned, sheared and stretched.
    shift
        Share of the images that training moves by a pixel: up, down, left or right.
    stride, side
        Thresholds that cost a comparator, all but half of the range, are offered on every
        ``stride``-th row and column only, of images of ``side`` x ``side``.
    """

    levels: tuple[int, ...] = ()
    noise: float = 1.0
    jitter: float = 0.0
    shift: float = 0.0
    stride: int = 1
    side: int = 0

    def offered(self, width: int, features: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return feature and threshold, or number of the bit, of every bit that is made."""
        if not self.levels:
            places = np.arange(features * width)
            return places // width, places % width
        place = np.arange(features * len(self.levels))
        feature, level = place // len(self.levels), np.array(self.levels)[place % len(self.levels)]
        if self.stride == 1:
            return feature, level
        start = self.stride // 2
        on_grid = [(v % self.stride == start) for v in (feature // self.side, feature % self.side)]
        keep = (level == 1 << (width - 1)) | (on_grid[0] & on_grid[1])
        return feature[keep], level[keep]

    def bits(self, codes: Tensor, width: int, generator: torch.Generator | None) -> Tensor:
        """Return the bits uint8[offered, n] of codes uint8[n, features] of ``width`` bits.

        A generator stands for noise; without one the result is that of :meth:`layer`.
        """
        x = self.codes(codes, width, generator).T.contiguous()
        feature, place = (torch.as_tensor(v) for v in self.offered(width, x.shape[0]))
        place = place.to(torch.uint8)[:, None]
        chosen = x.index_select(0, feature)
        return (chosen >= place).to(torch.uint8) if self.levels else (chosen >> place) & 1

    def codes(self, codes: Tensor, width: int, generator: torch.Generator | None) -> Tensor:
        """Return codes uint8[n, features] with the noise that a generator stands for."""
        if generator is None or not (self.noise or self.jitter or self.shift):
            return codes
        # The noise is drawn feature by feature, as networks of bits take it.
        real = self.moved(codes, generator) if self.jitter else codes.float()
        real = self.shifted(real, generator) if self.shift else real
        noise = torch.randn(real.T.shape, generator=generator).mul_(self.noise)
        return noise.add_(real.T).round_().clamp_(0, (1 << width) - 1).to(torch.uint8).T

    def moved(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Return images float[n, features] under small random affine maps, one for each."""
        images = codes.float().reshape(len(codes), 1, self.side, self.side)
        step = 2 * self.jitter / self.side
        maps = torch.eye(2, 3) + step * torch.randn(len(codes), 2, 3, generator=generator)
        grid = nn.functional.affine_grid(maps, list(images.shape), align_corners=False)
        moved = nn.functional.grid_sample(images, grid, align_corners=False)
        return moved.reshape(len(codes), -1)

    def shifted(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Return images float[n, features], some of them a pixel away; zeros enter at the edge."""
        images = codes.reshape(len(codes), self.side, self.side)
        padded = nn.functional.pad(images, (1, 1, 1, 1))
        way = torch.randint(4, (len(codes),), generator=generator)
        moves = torch.rand(len(codes), generator=generator) < self.shift
        for number, (row, column) in enumerate(((0, 1), (2, 1), (1, 0), (1, 2))):
            some = moves & (way == number)
            places = slice(row, row + self.side), slice(column, column + self.side)
            images = torch.where(some[:, None, None], padded[:, *places], images)
        return images.reshape(len(codes), -1)

    def layer(
        self, wires: NDArray[np.int64], width: int, features: int
    ) -> tuple[Sequence[Layer], NDArray[np.int64]]:
        """Return a thermometer of those bits alone that are in use, and the wires behind it."""
        if not self.levels:
            return [], wires
        used, places = np.unique(wires, return_inverse=True)
        feature, level = (values[used] for values in self.offered(width, features))
        return [lutnet.Thermometer(feature=feature, threshold=level)], places.reshape(wires.shape)
