"""Fine-tuning a network that is quantised as it runs, and under what a datapath can hold.

Rounding passes gradients straight through (Bengio et al., arXiv 1308.3432), and scales are learned
with the step sizes of Esser et al., "Learned step size quantization" (arXiv 1902.08153).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from nomul.golden.arrays import Ints
from nomul.golden.network import reals
from nomul.golden.network.calibrate import coded, fold, prepare, quantisers_in_place
from nomul.golden.network.lower import lower
from nomul.golden.network.network import Network
from nomul.golden.network.reals import Graph

Project = Callable[[Ints], Ints]
Shares = Callable[[tuple[int, int]], Ints | None]


def rounded(x: torch.Tensor, scale: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Return x as codes of a scale, in real numbers, with gradients to both."""
    inside = torch.clamp(x / scale, low, high)
    return (inside + (torch.round(inside) - inside).detach()) * scale


def gently(scale: torch.Tensor, n: int, high: int) -> torch.Tensor:
    """Return a scale whose gradient is divided by the square root of n high (LSQ, section 2.2)."""
    share = (n * high) ** -0.5
    return (scale - scale * share).detach() + scale * share


class Tuned(nn.Module):
    """A graph of steps as a module, quantised as its network of integers will be.

    Parameters
    ----------
    graph
        In real numbers, without quantisers.
    calibration
        What the first scales are chosen by.
    weight_bits, act_bits
        Widths.
    project
        What a datapath makes of weights int64[window, columns], its member's ``project``; None: it
        holds any.
    shares
        Of the shape of such weights, which stored value each of them is, int64[window, columns], or
        None where each is one of its own. Weights of one stored value then have one gradient: an
        optimiser that scales each weight's gradient by itself, as Adam does, would have them pull
        in their own directions, of which projecting leaves the mean of the signs.
    follow
        Choose scales anew with each projection, so that weights that are left may outgrow the
        largest of those that are gone; for widths of which the largest weight does not cost
        resolution. Else scales stay as they were chosen first.
    """

    def __init__(
        self,
        graph: Graph,
        calibration: ArrayLike,
        weight_bits: int,
        act_bits: int,
        project: Project | None = None,
        shares: Shares | None = None,
        follow: bool = False,
    ):
        super().__init__()
        self.start = prepare(graph, calibration, weight_bits, act_bits)
        self.most = (1 << (weight_bits - 1)) - 1
        self.bits = weight_bits
        self.project, self.follow = project, follow
        self.w, self.bias, self.scale, self.step = (nn.ParameterDict() for _ in range(4))
        self.held: dict[str, torch.Tensor] = {}
        self.shared: dict[str, torch.Tensor] = {}
        plain = quantisers_in_place(fold(graph))
        for number, (before, after) in enumerate(zip(plain.steps, self.start.steps, strict=True)):
            key = str(number)
            if isinstance(before, reals.Product) and isinstance(after, reals.Product):
                assert after.scale is not None
                self.w[key] = nn.Parameter(_tensor(before.w))
                self.bias[key] = nn.Parameter(_tensor(before.bias))
                self.scale[key] = nn.Parameter(_tensor(after.scale), project is None)
            elif isinstance(after, reals.Quant):
                self.step[key] = nn.Parameter(_tensor(np.array(after.scale)))
        for key, w in self.w.items():
            if shares is not None:
                self._share(w, int(key), shares)
        self.hold()

    def _share(self, w: nn.Parameter, number: int, shares: Shares) -> None:
        """Let weights of one stored value have the sum of their gradients, each of them."""
        step = self.start.steps[number]
        assert isinstance(step, reals.Product)
        rows = w.numel() // step.outputs
        columns = step.outputs // step.groups
        found = shares((rows, columns))
        if found is None:
            return
        found = found - found.min()
        each = torch.from_numpy(np.ascontiguousarray(found if w.ndim == 2 else found.T)).reshape(-1)
        count = int(each.max()) + 1
        numbers = torch.cat([each + group * count for group in range(step.groups)])
        self.shared[str(number)] = numbers

        def summed(gradient: torch.Tensor) -> torch.Tensor:
            sums = torch.zeros(count * step.groups).index_add(0, numbers, gradient.reshape(-1))
            return sums[numbers].reshape(gradient.shape)

        w.register_hook(summed)

    @torch.no_grad()
    def hold(self) -> None:
        """Project the weights as they are now; to be called after each step of the optimiser."""
        if self.project is None:
            return
        for key, w in self.w.items():
            step = self.start.steps[int(key)]
            assert isinstance(step, reals.Product)
            if self.follow and key in self.held:
                self._follow(key)
            codes = coded(replace(step, w=_array(w)), _array(self.scale[key]), self.bits).codes
            assert codes is not None
            self.held[key] = _tensor(self._projected(step, codes))

    def _follow(self, key: str) -> None:
        """Let the largest weight of each output that is held have the largest code."""
        w, scale = self.w[key], self.scale[key]
        kept = w.abs() * (self.held[key] != 0)
        most = kept.amax(0) if w.ndim == 2 else kept.flatten(1).amax(1)
        # An output of which nothing is held keeps its scale.
        scale.data = torch.where(most > 0, most / self.most, scale.reshape(-1)).reshape(scale.shape)

    def _projected(self, step: reals.Product, codes: Ints) -> Ints:
        assert self.project is not None
        if codes.ndim == 2:
            return self.project(codes)
        parts = []
        for part in np.split(codes, step.groups):
            parts.append(self.project(part.reshape(len(part), -1).T).T.reshape(part.shape))
        return np.concatenate(parts)

    def weights(self, key: str) -> torch.Tensor:
        """Return the weights of a product as they will be."""
        w, step = self.w[key], self.start.steps[int(key)]
        assert isinstance(step, reals.Product)
        shape = (1, -1) if w.ndim == 2 else (-1, 1, 1, 1)
        scale = gently(self.scale[key], w.numel() // step.outputs, self.most).reshape(shape)
        if key in self.held:
            return w + (self.held[key] * scale - w).detach()
        return rounded(w, scale, -self.most, self.most)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores [V, classes] of real inputs [V, ...]."""
        values = [x]
        for number, step in enumerate(self.start.steps):
            values.append(self.output(str(number), step, [values[s] for s in step.sources]))
        return values[-1]

    def output(self, key: str, step: reals.Step, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Return what a step makes of its inputs now; ``key`` is its number."""
        x = inputs[0]
        match step:
            case reals.Product() if step.w.ndim == 2:
                return x @ self.weights(key) + self.bias[key]
            case reals.Product():
                x = _padded(x, step.padding, 0.0)
                return nn.functional.conv2d(
                    x, self.weights(key), self.bias[key], step.stride, groups=step.groups
                )
            case reals.Quant():
                scale = gently(self.step[key], x[0].numel(), step.high)
                return rounded(x, scale, step.low, step.high)
            case reals.Affine():
                shape = (1, -1) + (1,) * (x.ndim - 2)
                return x * _tensor(step.gain).reshape(shape) + _tensor(step.shift).reshape(shape)
            case reals.Clip():
                return torch.clamp(x, step.low, step.high)
            case reals.Pool(mean=True):
                x = _padded(x, step.padding, 0.0)
                return nn.functional.avg_pool2d(x, step.kernel, step.stride)
            case reals.Pool():
                x = _padded(x, step.padding, float("-inf"))
                return nn.functional.max_pool2d(x, step.kernel, step.stride)
            case reals.GlobalMean():
                return x.mean((2, 3))
            case reals.Sum():
                return x + inputs[1]
            case reals.Flat():
                return x.flatten(1)
        raise ValueError(f"{step.name}: {type(step).__name__} cannot be trained")

    def network(self) -> Network:
        """Return the network of integers as it is now."""
        steps = list(self.start.steps)
        for number, step in enumerate(steps):
            key = str(number)
            if isinstance(step, reals.Product):
                scale = np.abs(_array(self.scale[key]))
                step = replace(step, w=_array(self.w[key]), bias=_array(self.bias[key]))
                step = coded(step, scale, self.bits)
                if self.project is not None:
                    assert step.codes is not None
                    codes = self._projected(step, step.codes)
                    step = replace(step, codes=codes, w=codes * step.per_output(scale))
                steps[number] = step
            elif isinstance(step, reals.Quant):
                steps[number] = replace(step, scale=float(np.abs(_array(self.step[key]))))
        return lower(replace(self.start, steps=steps))


def tune(
    net: Tuned,
    x: torch.Tensor,
    labels: torch.Tensor,
    epochs: int = 2,
    rate: float = 1e-3,
    batch: int = 128,
    seed: int = 1,
    every: int = 1,
    relative: bool = False,
) -> None:
    """Train a quantised network further, with Adam and a rate that falls as a cosine.

    Parameters
    ----------
    net
        What is trained.
    x, labels
        float32[n, ...] and int64[n].
    every
        Steps from one projection to the next; the last step has one.
    relative
        Let scales move by shares of themselves: one of eight bits may be less than the rate.
    """
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(_groups(net, rate, relative), lr=rate)
    steps = epochs * -(-len(x) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    done = 0
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(x), generator=draw), batch):
            done += 1
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(net(x[chosen]), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            if done % every == 0 or done == steps:
                net.hold()


def _groups(net: Tuned, rate: float, relative: bool) -> list[dict[str, object]]:
    """Return the parameters to train, with a rate of their own where they are scales."""
    scales = [*net.scale.values(), *net.step.values()] if relative else []
    taken = {id(p) for p in scales}
    groups: list[dict[str, object]] = [
        {"params": [p for p in net.parameters() if p.requires_grad and id(p) not in taken]}
    ]
    for scale in scales:
        if scale.requires_grad:
            groups.append({"params": [scale], "lr": rate * float(scale.detach().abs().mean())})
    return groups


def _padded(x: torch.Tensor, padding: tuple[int, ...], value: float) -> torch.Tensor:
    top, left, bottom, right = padding
    if not any(padding):
        return x
    return nn.functional.pad(x, (left, right, top, bottom), value=value)


def _tensor(array: NDArray[np.generic]) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float32)


def _array(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().numpy().astype(np.float64)
