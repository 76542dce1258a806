"""Who stands beside whom on a data set: trained, read, and as hardware, each in a few sizes.

Trained networks are kept under the current folder, so that an interrupted table goes on.
"""

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nomul import ledger
from nomul.experiments.lutnet import area, perceptrons
from nomul.experiments.lutnet.density_tables import density_of
from nomul.experiments.lutnet.training_tables import TRAIN, networks, select, study
from nomul.golden import importers, lutnet
from nomul.golden.lutnet import files
from nomul.synth.emit import Emitted
from nomul.train import trees
from nomul.train.data import Data
from nomul.train.lutnet.encoder import Encoding
from nomul.train.rivals import gates, mlp

KEPT = Path("build/lutnet/rivals")
SEEDS = (1, 2, 3, 4, 5)

# Target and registers to the design; a pipeline where these follow every layer.
Hardware = Callable[[str, lutnet.Registers], Emitted]

# Delay of a stage of da4ml's pipelines, about that of one of our layers.
CUTOFF = 4.0


@dataclasses.dataclass(frozen=True)
class Contender:
    """One network of several seeds.

    Attributes
    ----------
    family, network
        What it is, and its size.
    accuracies
        On the test images, for each seed; one where training is the same every time.
    seconds
        Processor time of one training; None for networks that come with nomul.
    hardware
        The design of the first seed, or of the seed that held-out images chose.
    content
        What stands for that network: a digest.
    """

    family: str
    network: str
    accuracies: list[float]
    seconds: float | None
    hardware: Hardware
    content: str


@dataclasses.dataclass(frozen=True)
class Trees:
    """Trees by their program, and bits of a leaf."""

    program: str
    options: dict[str, Any]
    bits: int
    size: str


@dataclasses.dataclass(frozen=True)
class Field:
    """What is trained for a data set: chosen on images held out of its training set."""

    trees: tuple[Trees, ...]
    perceptrons: tuple[mlp.Recipe, ...]
    gates: tuple[gates.Recipe, ...]
    noise: Encoding
    seeds: tuple[int, ...]
    gate_seeds: tuple[int, ...]


def contenders(data: Data, field: Field) -> Iterator[Contender]:
    """Yield all that is trained for a data set, family by family."""
    for tree in field.trees:
        yield _trees(data, tree)
    for recipe in field.perceptrons:
        yield _perceptron(data, recipe, field)
    for gate in field.gates:
        yield _gates(data, gate, field)


def of_studies(name: str, shapes: tuple[tuple[float, int, str], ...]) -> Iterator[Contender]:
    """Yield networks of a committed study by density, K and wires: those of its first seed."""
    trained = networks(name)
    for density, k, wires in shapes:
        runs = select(study(name), density=density, k=k, wires=wires)
        kind = "XNOR" if k < 2 else "LUTNet"
        family = f"{kind}, learned wires" if wires == "learned" else f"{kind}, pruned"
        size = density_of(density) if k < 2 else f"K = {k}, {density_of(density)}"
        network = trained[files.named(runs[0]["case"])]
        yield Contender(
            family, size, [run["accuracy"] for run in runs], None, *_of_network(network)
        )


def own(presets: tuple[str, ...]) -> Iterator[Contender]:
    """Yield networks that come with nomul: the seed is the one that held-out images chose."""
    for name in presets:
        network = committed(name)
        yield Contender("ours", name, network.about["test"], None, *_of_network(network))


def committed(name: str) -> lutnet.Network:
    """Return a network that comes with nomul."""
    path = TRAIN / f"{name}.npz"
    return lutnet.Network.load(path) if path.is_file() else lutnet.Config.preset(name).load()


def _of_network(network: lutnet.Network) -> tuple[Hardware, str]:
    """Return a network as hardware, and what stands for it."""

    def hardware(target: str, registers: lutnet.Registers) -> Emitted:
        return area.design(network, target, registers)

    return hardware, ledger.stamp(network.to_dict())


def _right(network: lutnet.Network, data: Data) -> float:
    return float((lutnet.predict(network, data.x_test) == data.labels_test).mean())


def kept(what: str, about: Any, data: Data, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a result and the processor seconds it took, made if there is none yet."""

    def timed() -> dict[str, Any]:
        start = time.process_time()
        return make() | {"seconds": time.process_time() - start}

    known = {"rival": what, "about": about, "data": data.digest()}
    return ledger.kept(ledger.Folder(KEPT), known, timed)


def _trees(data: Data, tree: Trees) -> Contender:
    def make() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            if tree.program == "XGBoost":
                path.write_text(_xgboost(tree, data))
            else:
                import sklearn.ensemble

                model = getattr(sklearn.ensemble, tree.program)(random_state=1, **tree.options)
                trees.save_trees(model.fit(data.x, data.labels), path)
            options: dict[str, Any] = {"input_bits": data.bits, "leaf_bits": tree.bits}
            network = importers.load(path, "xgboost", **options)
        return {"network": network.to_dict()}

    package = "xgboost-cpu" if tree.program == "XGBoost" else "scikit-learn"
    about = {**dataclasses.asdict(tree), "version": version(package)}
    run = kept("trees", about, data, make)
    network = lutnet.Network.from_dict(run["network"])
    family = tree.program.removesuffix("Classifier")
    accuracies = [_right(network, data)]
    return Contender(family, tree.size, accuracies, run["seconds"], *_of_network(network))


def _xgboost(tree: Trees, data: Data) -> str:
    try:
        import xgboost
    except ModuleNotFoundError as error:
        error.add_note("the trees are XGBoost's: pip install xgboost-cpu")
        raise
    model = xgboost.XGBClassifier(n_jobs=1, random_state=1, **tree.options)
    model.fit(data.x, data.labels)
    return json.dumps(json.loads(model.get_booster().save_raw("json")))


def _perceptron(data: Data, recipe: mlp.Recipe, field: Field) -> Contender:
    def make() -> dict[str, Any]:
        graphs = mlp.train(recipe, field.noise, data, field.seeds)
        found = [mlp.predict(graph, data.x_test, data.bits) for graph in graphs]
        return {
            "accuracies": [float((labels == data.labels_test).mean()) for labels in found],
            "graph": mlp.text(graphs[0]),
        }

    about = {
        "recipe": dataclasses.asdict(recipe),
        "noise": dataclasses.asdict(field.noise),
        "seeds": field.seeds,
        "version": version("da4ml"),
    }
    run = kept("perceptron", about, data, make)

    def hardware(target: str, registers: lutnet.Registers) -> Emitted:
        cutoff = CUTOFF if registers == "layers" else 0.0
        return perceptrons.hardware(mlp.read(run["graph"]), target, data.bits, cutoff)

    size = f"{recipe.hidden} hidden neurons"
    seconds = run["seconds"] / len(field.seeds)
    content = ledger.digest(run["graph"])
    return Contender("da4ml", size, run["accuracies"], seconds, hardware, content)


def _gates(data: Data, recipe: gates.Recipe, field: Field) -> Contender:
    runs = []
    for seed in field.gate_seeds:
        about = {
            "recipe": dataclasses.asdict(recipe),
            "noise": dataclasses.asdict(field.noise),
            "seed": seed,
            "version": version("torchlogix"),
        }

        def make(seed: int = seed) -> dict[str, Any]:
            return {"network": gates.train(recipe, field.noise, data, seed).to_dict()}

        runs.append(kept("gates", about, data, make))
    found = [lutnet.Network.from_dict(run["network"]) for run in runs]
    size = f"K = {recipe.k}, {' + '.join(map(str, recipe.sizes))}"
    if recipe.candidates:
        size += f", wires of {recipe.candidates}"
    accuracies = [_right(network, data) for network in found]
    return Contender("torchlogix", size, accuracies, runs[0]["seconds"], *_of_network(found[0]))
