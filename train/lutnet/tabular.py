"""Training of a direct look-up-table network on real features, with their edges in the network."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nomul import ledger
from nomul.golden import lutnet
from nomul.golden.arrays import Ints
from nomul.golden.foreign.numbers import reals
from nomul.train.lutnet import budget
from nomul.train.lutnet.direct import DirectNet
from nomul.train.lutnet.fit import Recipe, fit
from nomul.version import __version__

# Chosen on splits of small tables of numbers: tables begin near the middle, and a code of 15 edges
# is moved by one as a standard deviation.
NOISE, START, TEMPERATURE = 1.0, 0.3, 0.5
# Above so many bits a wire chooses between a part of them.
ALL_BITS, CHOICES = 1024, 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train: see :func:`nomul.train.fit`."""

    luts: int
    bits: int
    edges: str
    epochs: int
    seed: int


class Encoder:
    """Bits of codes: [code >= 1], [code >= 2] and so on for every edge of every feature.

    Parameters
    ----------
    quantiser
        The edges.
    """

    def __init__(self, quantiser: lutnet.Quantiser):
        counts = np.array([len(edges) for edges in quantiser.edges])
        self.feature = np.repeat(np.arange(len(counts)), counts)
        self.threshold = np.concatenate([np.arange(1, n + 1) for n in counts]).astype(np.int64)
        self.spread = torch.tensor(NOISE / 15 * counts, dtype=torch.float32)[:, None]

    def bits(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the bits uint8[edges, n] of codes[n, features]; a generator stands for noise."""
        x = codes.T.to(torch.float32)
        if generator is not None:
            x = (x + torch.randn(x.shape, generator=generator) * self.spread).round_()
        threshold = torch.as_tensor(self.threshold)[:, None]
        return (x[torch.as_tensor(self.feature)] >= threshold).to(torch.uint8)


def train(
    plan: Plan,
    x: NDArray[Any],
    labels: Ints,
    classes: int,
    checkpoint: Path | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> tuple[lutnet.Network, int]:
    """Return a network trained on features x[n, features], and the look-up tables of its budget.

    The float network and the integer model must agree on every sample, or this raises
    AssertionError.
    """
    size = budget.tables(plan.luts, classes)
    net, encoder, quantiser = begun(plan, x, classes, size)
    codes = torch.tensor(quantiser.codes(x))
    place = checkpoint and own_checkpoint(checkpoint, plan, x, labels)
    fit(
        *(net, codes, torch.tensor(labels), recipe(plan, len(labels)), encoder.bits),
        checkpoint=place,
        advance=advance,
    )
    network = assemble(net, encoder, quantiser, (lutnet.GroupSum(groups=classes), lutnet.Argmax()))
    with torch.no_grad():
        parts = [net(encoder.bits(part, None)).argmax(dim=1) for part in codes.split(1000)]
    if not np.array_equal(torch.cat(parts).numpy(), lutnet.predict(network, x)):
        raise AssertionError("training and integer model disagree")
    network.about |= {"luts": budget.luts(classes, size), "seed": plan.seed}
    return network, budget.luts(classes, size)


def begun(
    plan: Plan, x: NDArray[Any], groups: int, size: int
) -> tuple[DirectNet, Encoder, lutnet.Quantiser]:
    """Return a network of so many groups of tables before training, and what makes bits of x.

    Raises
    ------
    ValueError
        No feature differs between samples.
    """
    torch.set_num_threads(1)
    quantiser = edges(x, plan.bits, plan.edges)
    encoder = Encoder(quantiser)
    offered = len(encoder.feature)
    if not offered:
        raise ValueError("X must have a feature that is not the same in all samples")
    generator = torch.Generator().manual_seed(plan.seed)
    choices = 1 << 40 if offered <= ALL_BITS else CHOICES
    net = DirectNet(offered, (groups * size,), 6, groups, generator, (choices,))
    net.temperature *= TEMPERATURE
    with torch.no_grad():
        net.tables[0].mul_(START)
    return net, encoder, quantiser


def recipe(plan: Plan, samples: int) -> Recipe:
    """Return how long and how fast to train on so many samples."""
    return Recipe(epochs=plan.epochs, batch=64 if samples <= 5000 else 128, seed=plan.seed)


def own_checkpoint(path: Path, plan: Plan, x: NDArray[Any], labels: NDArray[Any]) -> Path:
    """Return a path that stands for the run: another plan or other samples have another one."""
    data = [ledger.digest(np.ascontiguousarray(part).data) for part in (x, labels)]
    tools = {"nomul": __version__, "torch": torch.__version__}
    about = {"plan": dataclasses.asdict(plan), "data": data, "tools": tools}
    return path.with_name(f"{path.name}-{ledger.stamp(about)[:12]}.pt")


def edges(x: NDArray[Any], bits: int, kind: str) -> lutnet.Quantiser:
    """Return a quantiser to codes of ``bits`` bits, by ``quantile`` or ``uniform`` edges.

    Uniform edges divide the range of each feature into 2**bits parts; as float32, and those alone
    that lie above the least value.
    """
    if kind == "quantile":
        return lutnet.Quantiser.fit(x, bits)
    columns = reals(x, "x", 2).astype(np.float32)
    steps = np.arange(1, 1 << bits) / (1 << bits)
    found = []
    for column in columns.T:
        low, high = float(column.min()), float(column.max())
        places = np.unique((low + (high - low) * steps).astype(np.float32))
        found.append(places[(places > low) & (places <= high)])
    return lutnet.Quantiser(edges=found)


def assemble(
    net: DirectNet,
    encoder: Encoder,
    quantiser: lutnet.Quantiser,
    head: Sequence[lutnet.GroupSum | lutnet.Argmax],
) -> lutnet.Network:
    """Return quantiser, encoder, tables and their head, with the edges in use alone."""
    (layer,) = net.layers()
    used, wires = np.unique(layer.idx, return_inverse=True)
    feature, threshold = encoder.feature[used], encoder.threshold[used]
    kept, rank = [], np.zeros(len(used), dtype=np.int64)
    for i, given in enumerate(quantiser.edges):
        own = feature == i
        kept.append(given[threshold[own] - 1])
        rank[own] = np.arange(1, own.sum() + 1)
    fewer = lutnet.Quantiser(edges=kept)
    return lutnet.Network(
        [
            lutnet.Thermometer(feature=feature, threshold=rank),
            lutnet.DirectLut(k=layer.k, idx=wires.reshape(layer.idx.shape), tt=layer.tt),
            *head,
        ],
        inputs=len(kept),
        input_bits=fewer.bits,
        quantiser=fewer,
    )
