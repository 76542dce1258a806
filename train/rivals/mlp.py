"""Multi-layer perceptrons with learned bit widths, made adders by da4ml.

da4ml turns a network of constant weights into a graph of additions that share common parts (Sun et
al., "da4ml: Distributed Arithmetic for Real-time Neural Networks on FPGAs", TRETS 2025). What it
likes is a network whose every weight and activation has as few bits as it needs: widths are learned
beside the values, with a price on operations of bits, after Sun et al., "HGQ: High Granularity
Quantization for Real-time Neural Networks on FPGAs" (FPGA 2026). A width of no bits prunes.
"""

import dataclasses
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nomul.golden.arrays import Ints
from nomul.train.data import Data
from nomul.train.lutnet.encoder import Encoding

INSTALL = "the graphs are da4ml's: pip install 'nomul[rivals]'"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to train, and how.

    Parameters
    ----------
    hidden
        Hidden neurons.
    price
        Of an operation of one bit of a weight with one of its input, in the loss; it grows from a
        hundredth of that in the first half of the training.
    score_bits
        Fractional bits to which scores are rounded down: each more is a bit of every comparison of
        the argmax. None: as many as the weights have.
    centred
        Whether the hidden biases begin where about half of the samples are above zero.
    epochs, batch, rate
        Passes over the data, samples per step, and first learning rate of Adam (cosine to zero).
    """

    hidden: int = 20
    price: float = 1e-4
    score_bits: int | None = None
    centred: bool = False
    epochs: int = 1000
    batch: int = 128
    rate: float = 0.01


class Rounded(torch.autograd.Function):
    """Numbers rounded down to a learned number of fractional bits."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, fraction: Tensor) -> Tensor:
        """Return x rounded; the gradient of the fraction is that of a smaller error."""
        scale = torch.exp2(fraction.round())
        rounded = torch.floor(x * scale) / scale
        ctx.save_for_backward(x - rounded, fraction)
        return rounded

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """Pass the gradient straight through; one bit more halves the error."""
        error, fraction = ctx.saved_tensors
        slope = grads[0] * error * math.log(2)
        return grads[0], slope.sum_to_size(fraction.shape)


class Perceptrons(nn.Module):
    """Several perceptrons of one shape, trained side by side.

    Parameters
    ----------
    runs, features, hidden, classes, bits
        How many there are; their inputs, hidden neurons, outputs, and the bits of a code.
    generator
        Source of the initial weights.
    score_bits
        Fractional bits of the outputs; None for as many as the weights have.
    """

    top: Tensor

    def __init__(
        self,
        runs: int,
        features: int,
        hidden: int,
        classes: int,
        bits: int,
        generator: torch.Generator,
        score_bits: int | None = None,
    ):
        super().__init__()
        self.bits, self.score_bits = bits, score_bits
        sizes = ((features, hidden), (hidden, classes))
        self.weights = nn.ParameterList()
        self.fractions = nn.ParameterList()
        self.biases = nn.ParameterList()
        for before, after in sizes:
            bound = (6 / (before + after)) ** 0.5
            weight = torch.empty(runs, before, after).uniform_(-bound, bound, generator=generator)
            self.weights.append(nn.Parameter(weight))
            self.fractions.append(nn.Parameter(torch.full_like(weight, 5.0)))
            self.biases.append(nn.Parameter(torch.zeros(runs, 1, after)))
        self.taken = nn.Parameter(torch.full((runs, 1, features), float(bits)))
        self.between = nn.Parameter(torch.full((runs, 1, hidden), 4.0))
        self.register_buffer("top", torch.ones(runs, 1, hidden))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits[runs, n, classes] of codes[runs, n, features] as parts of their range."""
        x = Rounded.apply(x, self.taken)  # type: ignore[no-untyped-call]
        x = torch.relu(x @ self.rounded(0) + self.bias(0))
        if self.training:
            highest = x.detach().amax(dim=1, keepdim=True)
            self.top = torch.maximum(highest, 0.999 * self.top)
        x = Rounded.apply(x, self.between)  # type: ignore[no-untyped-call]
        scores = x @ self.rounded(1) + self.bias(1)
        if self.score_bits is not None:
            places = torch.tensor(float(self.score_bits))
            scores = Rounded.apply(scores, places)  # type: ignore[no-untyped-call]
        return scores

    def rounded(self, layer: int) -> Tensor:
        """Return the weights [runs, before, after] of a layer, rounded to the nearest."""
        fraction = self.fractions[layer]
        half = torch.exp2(-fraction.detach().round() - 1)
        y: Tensor = Rounded.apply(self.weights[layer] + half, fraction)  # type: ignore[no-untyped-call]
        return y

    def bias(self, layer: int) -> Tensor:
        """Return the biases [runs, 1, after] of a layer, with four fractional bits."""
        y: Tensor = Rounded.apply(  # type: ignore[no-untyped-call]
            self.biases[layer], torch.full_like(self.biases[layer], 4.0)
        )
        return y

    def operations(self) -> Tensor:
        """Return how many bits of weights meet how many bits of inputs, for each run."""
        inputs = torch.relu(self.taken)
        hidden = torch.relu(self.between + torch.log2(self.top + 1e-6).ceil())
        total = torch.zeros(len(self.taken))
        for layer, bits in ((0, inputs), (1, hidden)):
            # A weight below half of its last place is none: there its bits are zero.
            size = torch.log2(self.weights[layer].abs() + 1e-4) + 1
            own = torch.relu(self.fractions[layer] + size)
            total = total + (own * bits.transpose(1, 2)).sum(dim=(1, 2))
        return total

    def settle(self) -> None:
        """After a step: keep the widths of inputs within a code's."""
        with torch.no_grad():
            self.taken.clamp_(0, self.bits)
            self.between.clamp_(-4, 8)
            for fraction in self.fractions:
                fraction.clamp_(-4, 8)


def train(
    recipe: Recipe,
    encoding: Encoding,
    data: Data,
    seeds: tuple[int, ...],
    advance: Callable[[float], None] = lambda _: None,
) -> list[Any]:
    """Return da4ml's graphs of perceptrons whose inputs are codes as parts of their range.

    ``encoding`` says what noise the codes get while training, as for our own networks; there are no
    thresholds. The runs share one program and nothing else: each has its order of samples and its
    noise. The first seed stands for those of all.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seeds[0])
    runs, features = len(seeds), data.x.shape[1]
    shape = recipe.hidden, data.classes, data.bits
    net = Perceptrons(runs, features, *shape, generator, recipe.score_bits)
    if recipe.centred:
        mean = torch.tensor(data.x.mean(axis=0) / (1 << data.bits), dtype=torch.float32)
        with torch.no_grad():
            net.biases[0].copy_(-(mean @ net.weights[0])[:, None])
    widths = [*net.fractions, net.taken, net.between]
    values = [*net.weights, *net.biases]
    optimiser = torch.optim.Adam(
        [{"params": values, "lr": recipe.rate}, {"params": widths, "lr": 2 * recipe.rate}]
    )
    codes, labels = torch.tensor(data.x, dtype=torch.uint8), torch.tensor(data.labels)
    each = -(-len(codes) // recipe.batch)
    steps = recipe.epochs * each
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    net.train()
    for epoch in range(recipe.epochs):
        orders = torch.stack([torch.randperm(len(codes), generator=generator) for _ in seeds])
        price = recipe.price * 0.01 ** max(0.0, 1 - 2 * epoch / recipe.epochs)
        total = 0.0
        for chosen in orders.split(recipe.batch, dim=1):
            flat = encoding.codes(codes[chosen.reshape(-1)], data.bits, generator)
            x = flat.float().reshape(runs, -1, features) / (1 << data.bits)
            logits = net(x)
            targets = labels[chosen.reshape(-1)]
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets) * runs
            optimiser.zero_grad()
            torch.autograd.backward(loss + price * net.operations().sum())
            optimiser.step()
            schedule.step()
            net.settle()
            total += float(loss.detach())
        advance(total / each / runs)
    # What hidden values reach: on the images themselves, and under noise.
    net.top.zero_()
    for noise in (None, generator, generator, generator):
        x = encoding.codes(codes, data.bits, noise).float() / (1 << data.bits)
        with torch.no_grad():
            net(x.expand(runs, -1, -1))
    net.eval()
    return [graph(net, run, data) for run in range(runs)]


def graph(net: Perceptrons, run: int, data: Data) -> Any:
    """Return one of the trained perceptrons as da4ml's graph.

    Raises
    ------
    ModuleNotFoundError
        da4ml is not installed; the message says how to install it.
    """
    try:
        from da4ml.trace import FixedVariableArray, comb_trace
        from da4ml.trace.ops import quantize, relu
    except ModuleNotFoundError as error:
        error.add_note(INSTALL)
        raise

    def whole(parameter: Tensor) -> NDArray[np.int64]:
        return parameter.detach()[run, 0].round().numpy().astype(np.int64)

    def real(parameter: Tensor) -> NDArray[np.float64]:
        return parameter.detach()[run].numpy().astype(np.float64)

    features = data.x.shape[1]
    zero = np.zeros(features, dtype=np.int64)
    given = FixedVariableArray.from_kif(zero, zero, zero + data.bits)
    x = quantize(given, zero, zero, whole(net.taken))
    # Values that are larger wrap: an eighth of what was reached is left as a margin.
    above = np.ceil(np.log2(1.125 * net.top[run, 0].numpy() + 1e-6)).astype(np.int64)
    hidden = relu(x @ real(net.rounded(0)) + real(net.bias(0))[0], above, whole(net.between))
    scores = hidden @ real(net.rounded(1)) + real(net.bias(1))[0]
    if net.score_bits is not None:
        scores = scores.quantize(f=net.score_bits)
    return comb_trace(given, scores)


def predict(graph: Any, codes: Ints, bits: int) -> Ints:
    """Return the class int64[n] of codes int64[n, features]: of equal scores the first."""
    x = np.ascontiguousarray(codes, dtype=np.float64) / (1 << bits)
    return np.asarray(graph.predict(x).argmax(axis=1), dtype=np.int64)


def text(graph: Any) -> str:
    """Return a graph as text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        graph.save(path)
        return path.read_text()


def read(graph: str) -> Any:
    """Return the graph of a text."""
    from da4ml.types import CombLogic

    return CombLogic.deserialize(json.loads(graph))
