"""Networks of torchlogix, trained here with its own layers.

torchlogix is the library of Gerlach et al., "WARP-LUTs" (arXiv 2510.15655), and follows Petersen et
al., "Deep Differentiable Logic Gate Networks" (NeurIPS 2022). Its layers are used as they are:
tables of K inputs by their coefficients, fixed or learned wires, group sums.
"""

import dataclasses
import importlib
import itertools
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import torch

from nomul.golden import importers, lutnet
from nomul.train.data import Data
from nomul.train.lutnet.encoder import Encoding

INSTALL = "the gates are torchlogix's: pip install --no-deps torchlogix==0.2.2"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to train, and how.

    Parameters
    ----------
    sizes, k
        Tables per layer, the last a multiple of the classes; and inputs of each.
    parametrization, sampling
        Of the tables, as torchlogix calls them: ``raw``, ``warp`` or ``light``; ``soft``, ``hard``,
        ``gumbel_soft`` or ``gumbel_hard``.
    candidates
        Inputs that each wire of the first layer chooses between; 0 for random wires. Those of
        later layers are random.
    init
        Of the tables: ``residual`` or ``random``.
    temperature
        By which group sums are divided.
    epochs, batch, rate
        Passes over the data, samples per step, and first learning rate of Adam (cosine to zero).
    """

    sizes: tuple[int, ...]
    k: int = 2
    parametrization: str = "light"
    sampling: str = "soft"
    candidates: int = 0
    init: str = "residual"
    temperature: float = 4.0
    epochs: int = 200
    batch: int = 128
    rate: float = 0.02


def library() -> types.ModuleType:
    """Return torchlogix.

    Its module of compiled circuits is written in the syntax of Python 3.12. It has no part in
    training, so an older Python gets an empty one in its place.

    Raises
    ------
    ModuleNotFoundError
        It is not installed; the message says how to install it.
    """
    if sys.version_info < (3, 12) and "torchlogix.circuit" not in sys.modules:
        empty: Any = types.ModuleType("torchlogix.circuit")
        empty.Circuit = None
        sys.modules["torchlogix.circuit"] = empty
    try:
        return importlib.import_module("torchlogix.layers")
    except ModuleNotFoundError as error:
        error.add_note(INSTALL)
        raise


def train(recipe: Recipe, encoding: Encoding, data: Data, seed: int) -> lutnet.Network:
    """Return a network of torchlogix as our importer reads it.

    ``encoding`` makes the bits, and the noise of training, as for our own networks.
    """
    layers = library()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    features = data.x.shape[1]
    sizes = (len(encoding.levels) * features, *recipe.sizes)
    net = torch.nn.Sequential(
        *(
            layers.LogicDense(
                *(before, size),
                lut_rank=recipe.k,
                parametrization=recipe.parametrization,
                parametrization_kwargs={
                    "forward_sampling": recipe.sampling,
                    "weight_init": recipe.init,
                },
                **_wires(recipe, number),
            )
            for number, (before, size) in enumerate(itertools.pairwise(sizes))
        ),
        layers.GroupSum(data.classes, recipe.temperature),
    )
    codes, labels = torch.tensor(data.x, dtype=torch.uint8), torch.tensor(data.labels)
    optimiser = torch.optim.Adam(net.parameters(), lr=recipe.rate)
    steps = recipe.epochs * -(-len(codes) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    net.train()
    for _ in range(recipe.epochs):
        for chosen in torch.randperm(len(codes), generator=generator).split(recipe.batch):
            bits = encoding.bits(codes[chosen], data.bits, generator).T.float().contiguous()
            loss = torch.nn.functional.cross_entropy(net(bits), labels[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    net.eval()
    network = _read(net, recipe, encoding, data)
    codes = torch.tensor(data.x_test, dtype=torch.uint8)
    with torch.no_grad():
        said = net(encoding.bits(codes, data.bits, None).T.float().contiguous()).argmax(dim=1)
    if not (said.numpy() == lutnet.predict(network, data.x_test)).all():
        raise AssertionError("torchlogix and the imported network disagree")
    return network


def _wires(recipe: Recipe, layer: int) -> dict[str, Any]:
    """Return the options of a layer's wires."""
    if layer or not recipe.candidates:
        return {"connections": "fixed"}
    return {
        "connections": "learnable",
        "connections_kwargs": {"num_candidates": recipe.candidates},
    }


def _read(net: torch.nn.Module, recipe: Recipe, encoding: Encoding, data: Data) -> lutnet.Network:
    """Return a trained network through our importer."""
    state = dict(net.state_dict())
    # A code is at least a level where it is above the middle between the level and the one below.
    levels = torch.tensor(encoding.levels, dtype=torch.float32) - 0.5
    state["thresholds"] = levels.repeat(data.x.shape[1], 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gates.pt"
        torch.save(state, path)
        return importers.load(
            path,
            "torchlogix",
            classes=data.classes,
            input_bits=data.bits,
            parametrization=recipe.parametrization,
        )
