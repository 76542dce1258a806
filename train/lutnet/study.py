"""Studies of LUTNet: density and K against pruned XNOR, first tables, residual levels, tiles."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nomul import ledger
from nomul.golden import lutnet
from nomul.golden.lutnet import files
from nomul.train.data import Data, load
from nomul.train.lutnet.cases import FAN_IN, SEEDS, TILED, Case, Tiles, cases
from nomul.train.lutnet.encoder import Encoding
from nomul.train.lutnet.fit import Recipe
from nomul.train.lutnet.presets import agree, measure, run
from nomul.train.lutnet.tiled import tiled
from nomul.train.lutnet.unrolled import Net, dense, expanded
from nomul.version import __version__


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
        recipe=Recipe(epochs=120, batch=64, rate=0.01),
    ),
    "fashion-mnist": Plan(
        data="fashion-mnist",
        hidden=100,
        encoding=Encoding(levels=(2, 6, 11), noise=1.0),
        recipe=Recipe(epochs=4, batch=128, rate=0.01, wire_every=4),
    ),
}


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
        As for :func:`nomul.train.lutnet.cases.cases`.
    file
        JSON lines, appended to; an interrupted study goes on from there. Lines of other plans, or
        of another version of nomul or PyTorch, are not taken for those of this one.
    networks
        Archive for the networks of the first seed; none are kept if None.
    advance
        Called for each network.
    """
    store = ledger.Lines(file)
    plain: dict[Any, tuple[Net, list[torch.Tensor]]] = {}
    result = []
    for case in cases(name):
        make = partial(_one, case, plain, networks)
        result.append(ledger.kept(store, _depends_on(case), make))
        advance()
    return result


def _depends_on(case: Case | Tiles) -> dict[str, Any]:
    """Return what the line of a case depends on, as plain values."""
    plan = PLANS["digits" if isinstance(case, Tiles) else case.data]
    return {
        "case": dataclasses.asdict(case),
        "plan": dataclasses.asdict(plan),
        "tools": {"nomul": __version__, "torch": torch.__version__},
    }


def _one(case: Case | Tiles, plain: dict[Any, Any], networks: Path | None) -> dict[str, Any]:
    """Train one network, and say how good it is and what its tables do."""
    torch.set_num_threads(1)
    began = time.process_time()
    if isinstance(case, Tiles):
        plan, data = PLANS["digits"], load("digits")
        net = _tiled(plan, case, data)
    else:
        plan = dataclasses.replace(PLANS[case.data], levels=case.levels)
        data = load(case.data)
        net = train(plan, case, data, plain)
    network = assemble(net, plan, data)
    agree(net, plan.encoding, network, data)
    result = measure(network, data)
    if networks is not None and case.seed == SEEDS[0]:
        networks.parent.mkdir(parents=True, exist_ok=True)
        files.add(networks, name_of(case), network)
    first, second = network.layers[1:3]
    counted: list[Any] = [getattr(layer, "unrolled", layer) for layer in (first, second)]
    tables = first if isinstance(first, lutnet.LutLayer) else None
    return {
        "case": dataclasses.asdict(case),
        "products": [len(layer.out) for layer in counted],
        "accuracy": round(result.accuracy, 4),
        "training": round(result.accuracy_train, 4),
        "xnor": round(lutnet.share_xnor(tables), 4) if tables else None,
        "support": _support(tables) if tables else None,
        "seconds": round(time.process_time() - began, 1),
    }


def name_of(case: Case | Tiles) -> str:
    """Return the name of a case's network in the archive of its study."""
    return files.named(dataclasses.asdict(case))


def _tiled(plan: Plan, case: Tiles, data: Data) -> Net:
    """Return a trained network with a tiled layer; all its training is one phase."""
    n_in = len(plan.encoding.offered(data.bits, data.x.shape[1])[0])
    net = tiled(n_in, TILED, data.classes, case.shape, FAN_IN, case.seed)
    run(net, plan.encoding, data, dataclasses.replace(plan.recipe, epochs=80, seed=case.seed))
    return net


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
        wide = expanded(plain[pruned], weights, case.k, case.start, case.wires, case.seed)
        return fitted(wide)
    return fitted(copy(plain[pruned]))


def assemble(net: Net, plan: Plan, data: Data) -> lutnet.Network:
    """Return encoder, both layers and argmax; of the encoder's bits only those in use.

    A tiled layer, whose tables read all tiles, takes every bit.
    """
    first, second = net.layers()
    features = data.x.shape[1]
    if isinstance(first, lutnet.LutNetTiled):
        encoder, _ = plan.encoding.layer(np.arange(first.n_in), data.bits, features)
    else:
        encoder, wires = plan.encoding.layer(first.idx, data.bits, features)
        first = dataclasses.replace(first, idx=wires)
    about = {"data": data.name}
    layers = [*encoder, first, second, lutnet.Argmax()]
    return lutnet.Network(layers, features, data.bits, about)
