"""What a member makes of a network: tiles, cycles, storage, accuracy, operands to measure on."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nomul.experiments.compare.choices import SIZES, Candidate
from nomul.experiments.compare.subject import Subject
from nomul.golden import network, products
from nomul.golden.arrays import Ints
from nomul.golden.engine.program import code_format
from nomul.golden.engine.projection import held
from nomul.golden.network import Conv2d, Dense, Network
from nomul.golden.network.evaluate import Sums, fitted, vectors
from nomul.golden.products.planner import matrices

# Test images whose activations are counted, and vectors whose energy is measured.
IMAGES = 4
VECTORS = 6

# Vectors that the tables of a member are fitted to, and images that these are drawn from.
SAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of products.

    Attributes
    ----------
    number
        In the network.
    w, groups
        As :func:`nomul.golden.products.plan` takes them.
    windows
        Vectors of one inference.
    """

    number: int
    name: str
    w: Ints
    groups: int
    windows: int

    @property
    def outputs(self) -> int:
        """Of all groups."""
        return int(self.w.shape[1 if self.w.ndim == 2 else 0])

    @property
    def inputs(self) -> int:
        """Of all groups: of a convolution those of a window."""
        return int(len(self.w) if self.w.ndim == 2 else self.groups * self.w[0].size)


def layers(net: Network) -> list[Layer]:
    """Return the layers of a network that multiply."""
    found = []
    for number, layer in enumerate(net.layers):
        if isinstance(layer, Dense | Conv2d):
            windows = int(np.prod(net.shapes[number + 1][1:], dtype=np.int64))
            groups = layer.groups if isinstance(layer, Conv2d) else 1
            size = "x".join(map(str, layer.w.shape))
            found.append(
                Layer(number, f"layer {number}, {layer.kind} {size}", layer.w, groups, windows)
            )
    return found


def configured(candidate: Candidate, net: Network) -> Any:
    """Return a candidate's configuration for the widths of a network.

    Activations are unsigned where no layer takes negative ones; a member that takes signed ones
    alone gets a bit more, and so do all where some layer takes negative ones and another those of
    ``act_bits`` without a sign.
    """
    needed, signed = code_format(net)
    bits = max(net.act_bits, needed)
    inputs, outputs = SIZES[candidate.size]
    given = {"inputs": inputs, "outputs": outputs, "weight_bits": net.weight_bits}
    given |= candidate.settings
    try:
        return products.configure(candidate.member, act_bits=bits, act_signed=signed, **given)
    except ValueError:
        if signed:
            raise
        return products.configure(candidate.member, act_bits=bits + 1, act_signed=True, **given)


def with_weights(net: Network, plans: dict[int, products.Plan]) -> Network:
    """Return a network whose layers of products have the weights of their plans."""
    made = list(net.layers)
    for number, plan in plans.items():
        layer = net.layers[number]
        assert isinstance(layer, Dense | Conv2d)
        made[number] = held(layer, plan)
    return net.replace(layers=made)


def fit(subject: Subject, candidate: Candidate, net: Network | None = None) -> dict[str, Any]:
    """Return what a candidate makes of a network, of values that JSON can carry.

    Parameters
    ----------
    net
        The network with other weights, that were trained for the member; the subject's if None.

    Returns
    -------
    ``structure`` (``exact`` where the member holds all weights as they are, ``imposed`` where it
    holds others, ``approximated`` where its sums are not W^T x),
    ``accuracy`` on the whole test set, and for each layer in ``layers`` its tiles, words, cycles
    and bits, and the operands of its first tile (``w``, or an epitome's ``e`` and ``entries``) with
    vectors ``x``, and the ``samples`` that its tables are fitted to if it has any; or ``refused``,
    why it cannot be held.
    """
    net = net or subject.net
    cfg = configured(candidate, net)
    if not cfg.exact:
        return _approximated(subject, candidate.member, cfg)
    values = network.trace(net, subject.codes[: max(IMAGES, VECTORS)])
    plans: dict[int, products.Plan] = {}
    refused: dict[int, dict[str, Any]] = {}
    imposed = False
    for layer in layers(net):
        try:
            plans[layer.number], changed = _held(candidate.member, cfg, layer)
        except ValueError as error:
            refused[layer.number] = {"layer": layer.name, "refused": str(error)}
            continue
        imposed = imposed or changed
    made = with_weights(net, plans)
    if imposed:
        # Activations behind weights that have changed are others, too.
        values = network.trace(made, subject.codes[: max(IMAGES, VECTORS)])
    same = net is subject.net and not imposed
    return {
        "structure": "imposed" if imposed else "exact",
        "accuracy": subject.own_accuracy if same else subject.accuracy(made),
        "layers": [
            refused.get(layer.number)
            or _counted(layer, plans[layer.number], vectors(made, layer.number, values))
            for layer in layers(net)
        ],
    }


def _approximated(subject: Subject, member: str, cfg: Any) -> dict[str, Any]:
    """Return what :func:`fit` does, for a member whose sums are not W^T x but fitted to inputs.

    Layer by layer, so that each is fitted to what the layers before it give.
    """
    net, plans, seen = subject.net, dict[int, products.Plan](), dict[int, Ints]()
    named = {layer.number: layer for layer in layers(net)}

    def place(number: int, samples: Ints) -> Sums:
        layer, seen[number] = named[number], samples
        plans[number] = products.plan(member, cfg, layer.w, layer.groups, samples=samples)
        # The same prototypes with all outputs beside one another, so that each is found once.
        wide = cfg.replace(outputs=layer.outputs)
        whole = products.plan(member, wide, layer.w, layer.groups, samples=samples)
        return partial(_scaled, whole, 1 << int(cfg.table_shift))

    sums = fitted(net, subject.calibration, place, SAMPLES)
    values = network.trace(net, subject.codes[: max(IMAGES, VECTORS)], sums)
    found = list[dict[str, Any]]()
    for number, plan in plans.items():
        part = _counted(named[number], plan, vectors(net, number, values))
        rows = plan.tiles[0].rows
        given = np.zeros((len(seen[number]), cfg.inputs), dtype=np.int64)
        given[:, : len(rows)] = seen[number][:, rows]
        found.append(part | {"samples": given.tolist()})
    return {
        "structure": "approximated",
        "accuracy": subject.accuracy(net, sums),
        "layers": found,
    }


def _scaled(plan: products.Plan, unit: int, x: Ints) -> Ints:
    return plan.model(x) * unit


def _held(member: str, cfg: Any, layer: Layer) -> tuple[products.Plan, bool]:
    """Return a layer's plan, and whether its weights had to change for it."""
    try:
        return products.plan(member, cfg, layer.w, layer.groups), False
    except ValueError:
        return products.plan(member, cfg, layer.w, layer.groups, project=True), True


def _operands(layer: Layer, plan: products.Plan, placed: products.Placed) -> dict[str, Any]:
    """Return what a bench is given of a tile; of one of tables, what they are made from."""
    if plan.cfg.exact:
        return {name: values.tolist() for name, values in placed.packed.operands().items()}
    w = np.zeros((layer.inputs, layer.outputs), dtype=np.int64)
    for number, block in enumerate(matrices(layer.w, layer.groups)):
        height, breadth = block.shape
        w[number * height :, number * breadth :][:height, :breadth] = block
    tile = np.zeros((plan.cfg.inputs, plan.cfg.outputs), dtype=np.int64)
    tile[: len(placed.rows), : len(placed.columns)] = w[np.ix_(placed.rows, placed.columns)]
    return {"w": tile.tolist()}


def _counted(layer: Layer, plan: products.Plan, x: Ints) -> dict[str, Any]:
    """Return what one inference takes of a layer, the mean of a few images."""
    tiles, cfg, images = plan.tiles, plan.cfg, x[:IMAGES]
    cycles = [plan.cycles_for(image) for image in images]
    fetched = [
        placed.packed.fetched(part)
        for image in images
        for placed, part in zip(tiles, plan.parts(image), strict=True)
    ]
    rows = sum(len(placed.rows) for placed in tiles)
    columns = sum(len(placed.columns) for placed in tiles)
    first = tiles[0]
    rng = np.random.default_rng(1)
    flat = x.reshape(-1, x.shape[-1])
    chosen = flat[rng.permutation(len(flat))[:VECTORS]]
    return {
        "layer": layer.name,
        "weights": int(layer.w.size),
        "tiles": len(tiles),
        "windows": layer.windows,
        "beats": plan.beats,
        "first": sum(placed.packed.first for placed in tiles),
        "bits": plan.bits,
        "utilisation": plan.utilisation,
        "cycles": sum(cycles) / len(cycles),
        "fetched": sum(fetched) / len(images),
        "moved": layer.windows * (rows * cfg.act_bits + columns * cfg.y_bits),
        **_operands(layer, plan, first),
        "x": plan.parts(chosen)[0].tolist(),
    }
