"""A convolutional network for SONIC: trained on Fashion-MNIST, pruned layer by layer, clustered.

``python -m nomul.train.sonic OUT`` trains it, and writes the integer networks of 16 and of 64
levels into the folder OUT, with the accuracies on the way.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from nomul.golden import sonic
from nomul.golden.arrays import Floats, Ints
from nomul.golden.sonic import network
from nomul.golden.sonic.network import Layer
from nomul.train import fashion

ACT_BITS, LEVEL_BITS, SCALE_BITS = 16, 16, 16
SPARSITY = (0.4, 0.6, 0.7, 0.5)
# A pixel 0..255 is used as the integer 128 times it: 255 stands for 1.0 nearly.
PIXEL_SHIFT = 7


class Net(nn.Module):
    """Two convolutions with batch norm, ReLU and pooling, then two fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 8, 5, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.fc1, self.fc2 = nn.Linear(400, 64), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits [B, 10] of images [B, 1, 28, 28]."""
        return self.stages(x)[-1]

    def stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of every layer, after what follows it."""
        a = nn.functional.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)
        b = nn.functional.max_pool2d(torch.relu(self.norm2(self.conv2(a))), 2)
        c = torch.relu(self.fc1(b.flatten(1)))
        return [a, b, c, self.fc2(c)]

    def weights(self) -> list[torch.Tensor]:
        """Return the weights of the four layers."""
        return [self.conv1.weight, self.conv2.weight, self.fc1.weight, self.fc2.weight]


def images_of(part: fashion.Part) -> torch.Tensor:
    """Return images as floats [n, 1, 28, 28], as the integer network will see them."""
    scale = 2.0 ** (PIXEL_SHIFT - (ACT_BITS - 1))
    return torch.from_numpy(part.images.astype(np.float32)[:, None] * scale)


def prune(net: Net, part: float) -> None:
    """Set the smallest weights of every layer to zero: ``part`` of its final sparsity."""
    with torch.no_grad():
        for weight, sparsity in zip(net.weights(), SPARSITY, strict=True):
            count = round(weight.numel() * sparsity * part)
            if count:
                limit = weight.abs().flatten().kthvalue(count).values
                weight[weight.abs() <= limit] = 0


def train(part: fashion.Part, epochs: int, pruned_from: float, seed: int = 1) -> Net:
    """Return a network trained for some epochs, pruned ever further from ``pruned_from`` on.

    Layer-wise pruning during training, by magnitude; the sparsity of every layer rises linearly
    over half of what is left, and pruned weights stay zero.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net, x, labels = Net(), images_of(part), torch.from_numpy(part.labels)
    batch = 100
    steps = epochs * len(x) // batch
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    first = int(steps * pruned_from)
    net.train()
    order = torch.randperm(len(x))
    for step in range(steps):
        place = step * batch % len(x)
        if place == 0:
            order = torch.randperm(len(x))
        chosen = order[place : place + batch]
        loss = nn.functional.cross_entropy(net(x[chosen]), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if pruned_from < 1 and step >= first:
            prune(net, min(1.0, 2 * (step - first + 1) / (steps - first)))
    return net.eval()


def accuracy(net: Net, part: fashion.Part) -> float:
    """Return the fraction of images that the floating-point network tells right."""
    with torch.no_grad():
        guesses = torch.cat([net(x).argmax(1) for x in images_of(part).split(1000)])
    return float((guesses.numpy() == part.labels).mean())


def clustered(net: Net, clusters: int) -> tuple[Net, list[tuple[Floats, Ints]]]:
    """Return the network with clustered weights, and codebook and codes of every layer."""
    copy = Net()
    copy.load_state_dict(net.state_dict())
    tables = []
    with torch.no_grad():
        for weight in copy.weights():
            codebook, codes = sonic.cluster(weight.numpy(), clusters)
            weight.copy_(torch.from_numpy(codebook[codes].astype(np.float32)))
            tables.append((codebook, codes))
    return copy.eval(), tables


def _affine(net: Net) -> list[tuple[Floats, Floats]]:
    """Return gain and offset that follow each layer's sums: batch norm, or bias."""
    result = []
    for norm in (net.norm1, net.norm2):
        mean, var = norm.running_mean, norm.running_var
        assert isinstance(mean, torch.Tensor)
        assert isinstance(var, torch.Tensor)
        gain = norm.weight / torch.sqrt(var + norm.eps)
        offset = norm.bias - mean * gain
        result.append((gain, offset))
    for layer in (net.fc1, net.fc2):
        result.append((torch.ones_like(layer.bias), layer.bias))
    return [(g.detach().double().numpy(), o.detach().double().numpy()) for g, o in result]


def integers(net: Net, tables: list[tuple[Floats, Ints]], part: fashion.Part) -> list[Layer]:
    """Return the network in integers; ranges of activations are those of 2,000 training images."""
    with torch.no_grad():
        stages = net.stages(images_of(part)[:2000])
    layers, exponent = [], -(ACT_BITS - 1)
    for number, (stage, (gain, offset)) in enumerate(zip(stages, _affine(net), strict=True)):
        codebook, codes = tables[number]
        levels, unit = sonic.levels(codebook, LEVEL_BITS)
        top = float(stage.abs().max())
        follows = int(np.ceil(np.log2(top / ((1 << (ACT_BITS - 1)) - 1))))
        # z 2^-follows = (y gain 2^(exponent + unit) + offset) 2^-follows, in units of 2^-shift.
        real = gain * 2.0 ** (exponent + unit - follows)
        most = (1 << (SCALE_BITS - 1)) - 1
        shift = int(np.floor(np.log2(most / np.abs(real).max())))
        layers.append(
            Layer(
                codes=codes,
                levels=levels,
                scale=np.rint(real * 2.0**shift).astype(np.int64),
                bias=np.rint(offset * 2.0 ** (shift - follows)).astype(np.int64),
                shift=shift,
                relu=number < 3,
                pool=2 if number < 2 else 1,
            )
        )
        exponent = follows
    return layers


def pixels(part: fashion.Part) -> Ints:
    """Return images as the integers that the first layer takes, [n, 1, 28, 28]."""
    return part.images.astype(np.int64)[:, None] << PIXEL_SHIFT


@dataclasses.dataclass
class Report:
    """Accuracies on the test set, and what pruning left."""

    dense: float
    pruned: float
    sparsity: list[float]
    parameters: int
    left: int
    clustered: dict[str, float]
    integer: dict[str, float]


def main(out: Path, epochs: int = 4, images: int = 30_000) -> dict[str, Any]:
    """Train, prune, cluster; write ``<levels>.npz`` and ``report.json``.

    Both networks, dense and pruned, see the first ``images`` training images ``epochs`` times;
    accuracies are those of the whole test set.
    """
    data, test = fashion.load("train"), fashion.load("test")
    data = fashion.Part(data.images[:images], data.labels[:images])
    dense = train(data, epochs, pruned_from=1.0)
    pruned = train(data, epochs, pruned_from=0.3)
    weights = [weight.detach().numpy() for weight in pruned.weights()]
    report = Report(
        dense=accuracy(dense, test),
        pruned=accuracy(pruned, test),
        sparsity=[float((weight == 0).mean()) for weight in weights],
        parameters=sum(weight.size for weight in weights),
        left=sum(int((weight != 0).sum()) for weight in weights),
        clustered={},
        integer={},
    )
    out.mkdir(parents=True, exist_ok=True)
    for levels in (16, 64):
        net, tables = clustered(pruned, levels - 1)
        layers = integers(net, tables, data)
        network.save(out / f"{levels}.npz", layers)
        report.clustered[str(levels)] = accuracy(net, test)
        cfg = sonic.Config()
        right = network.accuracy(cfg, layers, pixels(test), test.labels)
        report.integer[str(levels)] = right
    values = dataclasses.asdict(report)
    (out / "report.json").write_text(json.dumps(values, indent=2) + "\n")
    return values


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *map(int, sys.argv[2:])), indent=2))
