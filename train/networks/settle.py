"""Begins networks whose weights share stored values where the networks before them were.

A stored value is the mean of the n weights that it makes. Where these have nothing to do with each
other, the mean is sqrt(n) times smaller than they are, and outputs that were apart come together:
quantisers behind them, whose scales were chosen before, see all or nothing of them, pass on no
gradient, and training stands still, as it did for every fifth epitome of sixteen times fewer cells.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike

from nomul.golden.network import reals
from nomul.train.networks.tune import Tuned

# Structures whose networks begin with outputs as they were.
SETTLED = ("epitome",)


@torch.no_grad()
def settle(net: Tuned, calibration: ArrayLike) -> None:
    """Let layers whose weights share stored values give outputs of the mean and spread of before.

    Layer by layer, on what the layers before it give now: weights of one stored value become their
    mean, all of a layer are scaled until the mean variance of its outputs is that of the weights
    before, and each output's bias until its mean is (after the data-dependent start of Mishkin and
    Matas, arXiv 1511.06422, and the bias correction of Nagel et al., arXiv 1906.04721).

    Parameters
    ----------
    net
        As it was made: projected once, and not trained.
    calibration
        Real inputs [n, ...].
    """
    x = torch.from_numpy(np.asarray(calibration, dtype=np.float32))
    held, net.held = net.held, {}
    was = [x]
    for number, step in enumerate(net.start.steps):
        was.append(net.output(str(number), step, [was[source] for source in step.sources]))
    net.held = held
    now = [x]
    for number, step in enumerate(net.start.steps):
        key, given = str(number), [now[source] for source in step.sources]
        if key in net.shared:
            assert isinstance(step, reals.Product)
            _match(net, key, step, given, was[number + 1])
        now.append(net.output(key, step, given))


def _match(
    net: Tuned, key: str, step: reals.Product, given: list[torch.Tensor], want: torch.Tensor
) -> None:
    """Scale a layer's shared weights, and move its biases, until its outputs are as wanted."""
    w, numbers = net.w[key], net.shared[key]
    counts = torch.bincount(numbers)
    sums = torch.zeros(len(counts)).index_add(0, numbers, w.reshape(-1))
    w.data = (sums / counts.clamp(min=1))[numbers].reshape(w.shape)
    net.hold()
    spread = [_variance(y) for y in (want, net.output(key, step, given))]
    # Inputs that do not differ, or weights that are all zero, have no spread to go by.
    if min(spread) > 0:
        w.data *= (spread[0] / spread[1]) ** 0.5
        net.hold()
    net.bias[key].data += _means(want) - _means(net.output(key, step, given))


def _means(y: torch.Tensor) -> torch.Tensor:
    """Return the mean of each output, over vectors and places."""
    return y.mean(0) if y.ndim == 2 else y.mean((0, 2, 3))


def _variance(y: torch.Tensor) -> float:
    """Return the mean variance of the outputs."""
    return float(y.var(0).mean() if y.ndim == 2 else y.transpose(0, 1).flatten(1).var(1).mean())
