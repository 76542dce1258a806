"""Training of look-up-table networks on digits and Fashion-MNIST, from data to a network file."""

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nomul.golden import lutnet
from nomul.train.data import FASHION, Data, load
from nomul.train.lutnet_direct import DirectNet, Recipe, fit
from nomul.train.lutnet_unrolled import Plan, binary, expanded

Ints = NDArray[np.int64]

__all__ = ["FASHION", "PRESETS", "Preset", "Trained", "load", "measure", "train"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """What to train.

    Parameters
    ----------
    data
        Name of the data set.
    sizes, k
        Tables per direct layer, and inputs of each.
    levels
        Thresholds of the thermometer, the same for every feature.
    noise
        Standard deviation of the noise on codes during training.
    temperature
        Of the group sums, relative to 1.5 sqrt(tables per class).
    recipe
        Epochs, batch size, rate.
    """

    data: str = "digits"
    sizes: tuple[int, ...] = (200,)
    k: int = 6
    levels: tuple[int, ...] = (4, 8, 12)
    noise: float = 1.5
    temperature: float = 0.4
    recipe: Recipe = dataclasses.field(default_factory=Recipe)


PRESETS: dict[str, Preset] = {
    "digits-xc7": Preset(),
    "digits-hx1k": Preset(sizes=(260,), k=4),
    "fashion-250": Preset(
        data="fashion-mnist",
        sizes=(100,),
        levels=(1, 3, 6, 9, 12),
        noise=1.0,
        recipe=Recipe(epochs=6, batch=200),
    ),
    "fashion-1000": Preset(
        data="fashion-mnist",
        sizes=(400,),
        levels=(1, 3, 6, 9, 12),
        noise=1.0,
        recipe=Recipe(epochs=6, batch=200),
    ),
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network and the fraction of images that its integer model labels rightly."""

    network: lutnet.Network
    accuracy_train: float
    accuracy: float


def train(preset: Preset, data: Data, seed: int = 1) -> Trained:
    """Train direct layers and return the network, measured by the integer model.

    The float network and the integer model must agree on every test image, or this raises
    AssertionError: straight-through training computes with the very bits.
    """
    torch.set_num_threads(1)
    encode, noisy = encoder(preset)
    generator = torch.Generator().manual_seed(seed)
    n_in = data.x.shape[1] * len(preset.levels)
    net = DirectNet(n_in, preset.sizes, preset.k, data.classes, generator)
    net.temperature *= preset.temperature
    recipe = dataclasses.replace(preset.recipe, seed=seed)
    x, labels = torch.tensor(data.x, dtype=torch.float32), torch.tensor(data.labels)
    fit(net, x, labels, recipe, noisy)
    network = assemble(net.layers(), preset.levels, data, {"seed": seed})
    with torch.no_grad():
        codes = torch.tensor(data.x_test, dtype=torch.float32)
        parts = [net(encode(part)).argmax(dim=1) for part in torch.split(codes, 1000)]
    assert np.array_equal(torch.cat(parts).numpy(), lutnet.predict(network, data.x_test))
    return measure(network, data)


def assemble(
    layers: list[Any], levels: tuple[int, ...], data: Data, about: dict[str, Any]
) -> lutnet.Network:
    """Return encoder, layers, group sums and argmax; of the encoder's bits only those in use."""
    used, wires = np.unique(layers[0].idx, return_inverse=True)
    first = lutnet.DirectLut(k=layers[0].k, idx=wires.reshape(layers[0].idx.shape), tt=layers[0].tt)
    encoder = lutnet.Thermometer(
        feature=used // len(levels), threshold=np.array(levels)[used % len(levels)]
    )
    head = [lutnet.GroupSum(groups=data.classes), lutnet.Argmax()]
    about = {"data": data.name, **about}
    return lutnet.Network([encoder, first, *layers[1:], *head], data.x.shape[1], data.bits, about)


def measure(network: lutnet.Network, data: Data) -> Trained:
    """Return a network with its accuracies."""

    def right(x: Ints, labels: Ints) -> float:
        return float((lutnet.predict(network, x) == labels).mean())

    return Trained(network, right(data.x, data.labels), right(data.x_test, data.labels_test))


def encoder(preset: Preset) -> tuple[Any, Any]:
    """Return what makes bits of codes, without and with the preset's noise."""
    levels = torch.tensor(preset.levels, dtype=torch.float32)

    def encode(codes: Tensor) -> Tensor:
        return (codes[:, :, None] >= levels).reshape(len(codes), -1).float()

    def noisy(codes: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(codes.shape, generator=generator)
        return encode(codes + preset.noise * noise)

    return encode, noisy


def train_lutnet(plan: Plan, preset: Preset, data: Data, seed: int = 1) -> tuple[Trained, Trained]:
    """Train a pruned XNOR network and the LUTNet expanded from it; return both, in this order."""
    torch.set_num_threads(1)
    _, noisy = encoder(preset)
    recipe = dataclasses.replace(preset.recipe, seed=seed)
    x, labels = torch.tensor(data.x, dtype=torch.float32), torch.tensor(data.labels)

    def run(net: torch.nn.Module) -> None:
        fit(net, x, labels, recipe, noisy)

    n_in = data.x.shape[1] * len(preset.levels)
    narrow, dense = binary(plan, n_in, data.classes, run, seed)
    before = finish(narrow.layers(plan.keep[0]), preset, data, seed)
    wide = expanded(plan, narrow, dense, run, seed)
    return before, finish(wide.layers(plan.keep[0]), preset, data, seed)


def finish(layers: list[Any], preset: Preset, data: Data, seed: int) -> Trained:
    """Put the encoder before summing layers and an argmax behind them, and measure the whole."""
    n = len(preset.levels)
    wires = np.arange(data.x.shape[1] * n)
    first = lutnet.Thermometer(feature=wires // n, threshold=np.array(preset.levels)[wires % n])
    about = {"data": data.name, "seed": seed}
    network = lutnet.Network([first, *layers, lutnet.Argmax()], data.x.shape[1], data.bits, about)
    return measure(network, data)
