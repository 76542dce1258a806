"""Studies of LUTNet against the pruned XNOR network: density, K, first tables, residual levels."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nomul.golden import lutnet
from nomul.train.data import Data, load
from nomul.train.lutnet import agree, measure, run
from nomul.train.lutnet_encoder import Encoding
from nomul.train.lutnet_fit import Recipe
from nomul.train.lutnet_unrolled import STARTS, Net, dense, expanded

SEEDS = (1, 2, 3, 4, 5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Sizes of the networks of a study, and their training.

    Parameters
    ----------
    data
        Name of the data set.
    hidden
        Neurons of the first layer.
    encoding
        Thermometer and noise.
    recipe
        Of each of the phases: dense, pruned, and expanded to tables. The XNOR network that a
        LUTNet is compared with trains for as many epochs: it goes on where the other is expanded.
    levels
        Residual levels of the hidden neurons.
    """

    data: str = "digits"
    hidden: int = 100
    encoding: Encoding
    recipe: Recipe
    levels: int = 1

    def keep(self, density: float) -> tuple[int, int]:
        """Return the products that each neuron of both layers keeps.

        The second layer, which has few products, is pruned half as much.
        """
        n_in = {"digits": 64, "fashion-mnist": 784}[self.data] * len(self.encoding.levels)
        second = min(self.hidden, round(2 * density * self.hidden))
        return max(1, round(density * n_in)), max(1, second)


PLANS = {
    "digits": Plan(
        encoding=Encoding(levels=(4, 8, 12), noise=2.5),
        recipe=Recipe(epochs=40, batch=64, rate=0.01),
    ),
    "fashion-mnist": Plan(
        data="fashion-mnist",
        hidden=100,
        encoding=Encoding(levels=(2, 6, 11), noise=1.0),
        recipe=Recipe(epochs=2, batch=128, rate=0.01),
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One network of a study: ``k`` is 0 for the XNOR network, else K of the LUTNet."""

    data: str
    density: float
    k: int
    seed: int
    start: str = "recovery"
    levels: int = 1


def cases(study: str) -> list[Case]:
    """Return the networks of a study, those that share a dense network beside each other.

    ``density``: XNOR and K = 2..6 on digits. ``fashion``: the same for fewer sizes.
    ``start``: first tables. ``levels``: residual levels 1 and 2; three seeds each.
    """
    if study == "density":
        wide = [(density, 0) for density in (0.05, 0.1, 0.2)]
        tables = [(0.025, 4), (0.025, 6), *((0.05, k) for k in (2, 3, 4, 5, 6))]
        grid = sorted(wide + tables)
        return [Case(data="digits", density=d, k=k, seed=s) for s in SEEDS for d, k in grid]
    if study == "fashion":
        grid = [(0.005, 4), (0.005, 6), (0.01, 4), (0.01, 0), (0.02, 0), (0.04, 0)]
        return [Case(data="fashion-mnist", density=d, k=k, seed=1) for d, k in sorted(grid)]
    if study == "start":
        return [
            Case(data="digits", density=0.05, k=4, seed=s, start=start)
            for s in SEEDS[:3]
            for start in STARTS
        ]
    if study == "levels":
        return [
            Case(data="digits", density=0.05, k=k, seed=s, levels=levels)
            for s in SEEDS[:3]
            for levels in (1, 2)
            for k in (0, 4)
        ]
    raise ValueError(f"study must be one of density, fashion, start, levels, not {study!r}")


def study(
    name: str,
    file: Path,
    *,
    networks: Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Train the networks of a study that a file does not have yet; return all its lines.

    Parameters
    ----------
    name
        As for :func:`cases`.
    file
        JSON lines, appended to; an interrupted study goes on from there.
    networks
        Folder for the trained networks; none are kept if None.
    advance
        Called for each network.
    """
    done = {json.dumps(line["case"]): line for line in _lines(file)}
    plain: dict[Any, tuple[Net, list[torch.Tensor]]] = {}
    result = []
    for case in cases(name):
        key = json.dumps(dataclasses.asdict(case))
        if key not in done:
            done[key] = _one(case, plain, networks)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(json.dumps(done[key]) + "\n")
        result.append(done[key])
        advance()
    return result


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.is_file():
        yield from map(json.loads, file.read_text().splitlines())


def _one(case: Case, plain: dict[Any, Any], networks: Path | None) -> dict[str, Any]:
    """Train one network, and say how good it is and what its tables do."""
    torch.set_num_threads(1)
    began = time.process_time()
    plan = dataclasses.replace(PLANS[case.data], levels=case.levels)
    data = load(case.data)
    net = train(plan, case, data, plain)
    network = assemble(net, plan, data)
    agree(net, plan.encoding, network, data)
    result = measure(network, data)
    if networks is not None:
        networks.mkdir(parents=True, exist_ok=True)
        text = "-".join(str(value) for value in dataclasses.asdict(case).values())
        network.save(networks / f"{text}.npz")
    first = network.layers[1]
    tables = isinstance(first, lutnet.LutLayer)
    return {
        "case": dataclasses.asdict(case),
        "products": [len(layer.out) for layer in network.layers[1:3]],  # type: ignore[attr-defined]
        "accuracy": round(result.accuracy, 4),
        "training": round(result.accuracy_train, 4),
        "xnor": round(lutnet.share_xnor(first), 4) if tables else None,
        "support": _support(first) if tables else None,
        "seconds": round(time.process_time() - began, 1),
    }


def _support(layer: Any) -> list[float]:
    """Return the share of a layer's tables that depend on 0, 1, ... K inputs."""
    counts = np.bincount([len(lutnet.support(t, layer.k)) for t in layer.tt], minlength=layer.k + 1)
    return [round(float(share), 4) for share in counts / len(layer.tt)]


def train(plan: Plan, case: Case, data: Data, plain: dict[Any, Any]) -> Net:
    """Return a trained network; ``plain`` keeps the binary ones that cases have in common."""
    recipe = dataclasses.replace(plan.recipe, seed=case.seed)

    def fitted(net: Net) -> Net:
        run(net, plan.encoding, data, recipe)
        return net

    def copy(net: Net) -> Net:
        twin = dense(n_in, plan.hidden, data.classes, plan.levels, case.seed)
        twin.load_state_dict(net.state_dict())
        return twin

    n_in = len(plan.encoding.offered(data.bits, data.x.shape[1])[0])
    whole = (plan, case.seed)
    if whole not in plain:
        plain.clear()
        plain[whole] = fitted(dense(n_in, plan.hidden, data.classes, plan.levels, case.seed))
    weights = [layer.weight.detach() for layer in (plain[whole].first, plain[whole].second)]
    pruned = (*whole, case.density)
    if pruned not in plain:
        net = copy(plain[whole])
        for layer, keep in zip((net.first, net.second), plan.keep(case.density), strict=True):
            layer.prune(keep)  # type: ignore[operator]
        plain[pruned] = fitted(net)
    if case.k:
        return fitted(expanded(plain[pruned], weights, case.k, case.start, case.seed))
    return fitted(copy(plain[pruned]))


def assemble(net: Net, plan: Plan, data: Data) -> lutnet.Network:
    """Return encoder, both layers and argmax; of the encoder's bits only those in use."""
    first, second = net.layers()
    encoder, wires = plan.encoding.layer(first.idx, data.bits, data.x.shape[1])
    first = dataclasses.replace(first, idx=wires)
    about = {"data": data.name}
    layers = [*encoder, first, second, lutnet.Argmax()]
    return lutnet.Network(layers, data.x.shape[1], data.bits, about)
