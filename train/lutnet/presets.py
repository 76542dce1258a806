"""Training of direct look-up-table networks on digits and Fashion-MNIST, to a network file."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nomul import ledger
from nomul.golden import lutnet
from nomul.golden.arrays import Ints
from nomul.train.data import FASHION, Data, load
from nomul.train.lutnet.direct import DirectNet
from nomul.train.lutnet.encoder import Encoding
from nomul.train.lutnet.fit import Recipe, fit
from nomul.train.lutnet.numbers import NumberNet
from nomul.train.lutnet.runs import Run, several, threads
from nomul.train.lutnet.streamed import Streaming
from nomul.version import __version__

__all__ = ["FASHION", "PRESETS", "Preset", "Trained", "load", "measure", "train"]


DIGITS = Encoding(levels=(4, 8, 12), noise=1.5, jitter=0.2, side=8)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """What to train.

    Parameters
    ----------
    data
        Name of the data set.
    sizes, k
        Tables per direct layer, and inputs of each.
    choices
        Inputs that a wire chooses between, per layer; see
        :class:`nomul.train.lutnet.direct.Wiring`.
    encoding
        Bits of the codes, and noise.
    units
        Learned numbers per class in place of a popcount; see
        :class:`nomul.train.lutnet.numbers.NumberNet`. Each takes K tables of the only direct
        layer, and the rest of these are votes. 0: group sums.
    temperature
        Of the class scores, relative to 1.5 sqrt(direct tables per class).
    spread
        The entries of direct tables begin in -spread .. spread.
    recipe
        Epochs, batch size, rates.
    """

    data: str = "digits"
    sizes: tuple[int, ...] = (200,)
    k: int = 6
    choices: tuple[int, ...] = (1 << 40,)
    encoding: Encoding = DIGITS
    units: int = 0
    temperature: float = 0.4
    spread: float = 1.0
    recipe: Recipe = dataclasses.field(default_factory=Recipe)


def fashion(
    tables: int,
    *,
    epochs: int,
    stride: int = 1,
    choices: int = 256,
    noise: float = 1.0,
    wire_every: int = 4,
) -> Preset:
    """Return a preset for Fashion-MNIST: one layer of six-input tables.

    A threshold of 8 is a pixel's top bit and costs nothing; ``stride`` bounds how many comparators
    with 2 there can be, which matters where they would outnumber the tables.
    """
    return Preset(
        data="fashion-mnist",
        sizes=(tables,),
        choices=(choices,),
        encoding=Encoding(levels=(2, 8), noise=noise, stride=stride, side=28),
        temperature=0.3,
        recipe=Recipe(epochs=epochs, wire_rate=0.1, wire_every=wire_every),
    )


def streamed(
    tables: int, *, epochs: int, noise: float = 0.7, shift: float = 0.0, wire_every: int = 4
) -> Preset:
    """Return a preset for Fashion-MNIST: a layer of tables behind edges that are counted."""
    grids = ((4, 2, (2, 8)), (8, 4, (2, 8, 20, 40)))
    return Preset(
        data="fashion-mnist",
        sizes=(tables,),
        choices=(128,),
        encoding=Streaming(levels=(2, 5, 9), noise=noise, shift=shift, side=28, grids=grids),
        temperature=0.3,
        spread=0.3,
        recipe=Recipe(epochs=epochs, wire_rate=0.1, wire_every=wire_every, ahead=8),
    )


PRESETS: dict[str, Preset] = {
    "digits-xc7": Preset(sizes=(240,), recipe=Recipe(epochs=120)),
    "digits-70": Preset(sizes=(70,), recipe=Recipe(epochs=120)),
    # Fifteen tables per class, twelve of which are added by two learned numbers of three tables.
    "digits-numbers": Preset(sizes=(150,), units=2, recipe=Recipe(epochs=400)),
    # One threshold per pixel: a bit in use is a register, the dearest thing in silicon.
    "digits-tiny": Preset(
        sizes=(120,),
        k=4,
        encoding=dataclasses.replace(DIGITS, levels=(8,)),
        recipe=Recipe(epochs=120),
    ),
    "digits-hx1k": Preset(sizes=(300,), k=4, recipe=Recipe(epochs=120)),
    "fashion-250": fashion(80, epochs=10, stride=3, choices=1 << 40),
    "fashion-1000": fashion(380, epochs=8, stride=2, choices=512),
    "fashion-4000": fashion(1500, epochs=12, noise=0.5, wire_every=8),
    "fashion-10000": fashion(4700, epochs=10, noise=0.7, wire_every=8),
    "fashion-25000": fashion(12000, epochs=10, noise=0.9, wire_every=8),
    "fashion-50000": fashion(24000, epochs=10, noise=0.9, wire_every=8),
    "digits-streamed": Preset(
        sizes=(300,),
        k=4,
        encoding=Streaming(
            levels=(4, 8, 12), noise=1.5, jitter=0.2, side=8, grids=((4, 2, (2, 6)),)
        ),
        spread=0.3,
        recipe=Recipe(epochs=120),
    ),
    "streamed-7000": streamed(4000, epochs=2),
    "streamed-8000": streamed(5200, epochs=8, shift=0.5, wire_every=2),
    "streamed-15000": streamed(10800, epochs=8, shift=0.5, wire_every=2),
    "streamed-20000": streamed(14800, epochs=8, shift=0.5, wire_every=2),
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network and the fraction of images that its integer model labels rightly."""

    network: lutnet.Network
    accuracy_train: float
    accuracy: float


def train(
    preset: Preset,
    data: Data,
    seed: int = 1,
    *,
    checkpoint: Path | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Trained:
    """Train direct layers and return the network, measured by the integer model.

    The float network and the integer model must agree on every test image, or this raises
    AssertionError: straight-through training computes with the very bits. An interrupted run goes
    on from its checkpoint; ``advance`` is called after each epoch with its mean loss.
    """
    torch.set_num_threads(threads(max(preset.sizes)))
    generator = torch.Generator().manual_seed(seed)
    n_in = len(preset.encoding.offered(data.bits, data.x.shape[1])[0])
    net: DirectNet | NumberNet
    spread = preset.spread
    if preset.units:
        votes = preset.sizes[0] // data.classes - preset.k * preset.units
        shape = preset.k, preset.units, votes, data.classes
        net = NumberNet(n_in, *shape, generator, spread=spread)
    else:
        sizes = preset.sizes, preset.k, data.classes
        net = DirectNet(n_in, *sizes, generator, preset.choices, spread=spread)
    net.temperature *= preset.temperature
    recipe = dataclasses.replace(preset.recipe, seed=seed)
    run(net, preset.encoding, data, recipe, checkpoint=checkpoint, advance=advance)
    network = assemble(net.layers(), preset.encoding, data, {"seed": seed})
    agree(net, preset.encoding, network, data)
    result = measure(network, data)
    network.about |= {"seeds": [seed], "test": [round(result.accuracy, 4)]}
    return result


def run(net: nn.Module, encoding: Encoding, data: Data, recipe: Recipe, **options: Any) -> None:
    """Fit a network to the training samples; the options are those of :func:`fit`."""

    def prepare(codes: Tensor, generator: torch.Generator | None) -> Tensor:
        return encoding.bits(codes, data.bits, generator)

    x = torch.tensor(data.x, dtype=torch.uint8)
    fit(net, x, torch.tensor(data.labels), recipe, prepare, **options)


def agree(net: nn.Module, encoding: Encoding, network: lutnet.Network, data: Data) -> None:
    """Demand that float network and integer model give every test image the same label."""
    codes = torch.tensor(data.x_test, dtype=torch.uint8)
    with torch.no_grad():
        parts = [net(encoding.bits(c, data.bits, None)).argmax(dim=1) for c in codes.split(1000)]
    expected = lutnet.predict(network, data.x_test)
    if not np.array_equal(torch.cat(parts).numpy(), expected):
        raise AssertionError("training and integer model disagree")


def assemble(
    layers: list[Any], encoding: Encoding, data: Data, about: dict[str, Any]
) -> lutnet.Network:
    """Return encoder, direct layers, group sums unless the last layer adds, and argmax."""
    encoder, wires = encoding.layer(layers[0].idx, data.bits, data.x.shape[1])
    first = lutnet.DirectLut(k=layers[0].k, idx=wires, tt=layers[0].tt)
    head: list[Any] = [lutnet.Argmax()]
    if isinstance(layers[-1], lutnet.DirectLut):
        head = [lutnet.GroupSum(groups=data.classes), *head]
    about = {"data": data.name, **about}
    return lutnet.Network([*encoder, first, *layers[1:], *head], data.x.shape[1], data.bits, about)


def measure(network: lutnet.Network, data: Data) -> Trained:
    """Return a network with its accuracies."""

    def right(x: Ints, labels: Ints) -> float:
        return float((lutnet.predict(network, x) == labels).mean())

    return Trained(network, right(data.x, data.labels), right(data.x_test, data.labels_test))


def choose(
    preset: Preset,
    data: Data,
    seeds: list[int],
    folder: Path,
    advance: Callable[[float], None] = lambda _: None,
) -> Trained:
    """Train with several seeds; return the network of that which is best on held-out samples.

    Every seed is trained twice: on four fifths of the training samples, judged by the last fifth,
    and on all of them. The first run chooses the seed (of equal ones the lowest), the second gives
    the network. The test set has no say; the network's ``about`` holds what every seed reaches on
    both. As many runs go on at a time as there are cores.

    Parameters
    ----------
    preset, data
        What to train, on what.
    seeds
        The seeds.
    folder
        Where finished runs and checkpoints lie; an interrupted choice goes on from there.
    advance
        Called after each epoch of each run with its mean loss.
    """
    store = ledger.Folder(folder)
    parts = {"validation": data.held_out(), "test": data}
    places = [(seed, split) for seed in seeds for split in parts]
    abouts = [
        {
            "preset": dataclasses.asdict(preset),
            "split": split,
            "seed": seed,
            "data": {"name": data.name, "digest": parts[split].digest()},
            "tools": {"nomul": __version__, "torch": torch.__version__},
        }
        for seed, split in places
    ]
    networks: dict[int, Any] = {}
    runs: list[tuple[int, Run]] = []
    for place, (about, (seed, split)) in enumerate(zip(abouts, places, strict=True)):
        known = store.get(about)
        if known is None:
            checkpoint = folder / f"{split}-{seed}.pt"
            runs.append((place, Run(train, preset, parts[split], seed, checkpoint)))
            continue
        networks[place] = known["network"]
        for _ in range(preset.recipe.epochs):
            advance(float("nan"))
    for which, trained in several([run for _, run in runs], advance):
        place = runs[which][0]
        networks[place] = trained
        store.put(abouts[place], {"network": trained})
    splits: dict[str, list[Trained]] = {split: [] for split in parts}
    for place, (_, split) in enumerate(places):
        network = lutnet.Network.from_dict(networks[place])
        splits[split].append(measure(network, parts[split]))
    scores = {split: [round(one.accuracy, 4) for one in each] for split, each in splits.items()}
    best = scores["validation"].index(max(scores["validation"]))
    chosen = splits["test"][best]
    chosen.network.about |= {"seeds": list(seeds), **scores}
    return chosen
