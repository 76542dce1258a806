"""Networks in NIR, the Neuromorphic Intermediate Representation: read, and written.

Pedersen et al., "Neuromorphic intermediate representation: A unified instruction set for
interoperable brain-inspired computing", Nature Communications 15, 2024. A file has neither the time
step nor the reset rule, so both have to be given.

One file, since reading and writing are two directions of one table of nodes and fields.
"""

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.foreign import hdf5, integer, integers
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import library, reading
from nomul.golden.lif.importers import quantize
from nomul.golden.lif.importers.quantize import Precision, Rounded, Trained
from nomul.golden.lif.layer import RESETS, Reset
from nomul.golden.lif.network import Network

# The rules that keep or forget a potential, as NIR's own equations do: no constants beside them.
ALLOWED = RESETS[:-1]
DT = 1e-4
MAX_INPUTS = 1 << 12
# Of all matrices together, and products that make them of convolutions: seconds, half a gigabyte.
MAX_ENTRIES = 1 << 24
MAX_PRODUCTS = 1 << 31


def _package() -> Any:
    try:
        import nir
    except ImportError:
        raise ValueError("reading NIR needs the package nir; try: pip install nir") from None
    return nir


def graph(path: Path) -> Any:
    """Return the graph of a file as the package nir has it.

    Raises
    ------
    OSError
        There is no such file.
    ValueError
        It is none, is damaged or too large, or has a node that is not read.
    """
    nir = _package()
    tree = hdf5.tree(path)
    with reading(path):
        top = tree.get("node")
        if not isinstance(top, dict) or not isinstance(nodes := top.get("nodes"), dict):
            raise ValueError("is no NIR file: it has no group /node/nodes")
        if top.get("type") != "NIRGraph":
            raise ValueError(f"node is of type {shown(top.get('type'))}, not 'NIRGraph'")
        for name, node in nodes.items():
            kind = node.get("type") if isinstance(node, dict) else None
            if kind not in (*NEURONS, *_LINEAR, "Input", "Output"):
                known = ", ".join((*NEURONS, *_LINEAR))
                raise ValueError(f"node {name!r} ({kind}) is refused: there are {known}")
        with library("no NIR file"):
            return nir.dict2NIRNode({**top, "type_check": False})


def load(
    path: Path | str,
    *,
    dt: float | None = None,
    reset: Reset | None = None,
    weight_bits: int = 8,
    fraction: int = 4,
    state_bits: int = 18,
    coder: str = "direct",
    readout: str = "spikes",
    steps: int = 0,
    tolerance: float = 0.01,
) -> tuple[Network, list[Rounded]]:
    """Return the network of a NIR file, in integers, and what rounding did to each layer.

    Layers are ``Linear``, ``Affine`` without a bias, ``Conv2d``, ``SumPool2d`` and ``Flatten``,
    which become one matrix up to the next ``LIF`` or ``IF``. Of ``LIF``, beta = 1 - dt / tau, and a
    current of r dt / tau; of ``IF``, beta = 1 and a current of r.

    Parameters
    ----------
    dt
        Time step in seconds; snnTorch writes files for 1e-4.
    reset
        One of :data:`ALLOWED`.
    weight_bits, fraction, state_bits, tolerance
        As of :func:`nomul.golden.lif.importers.quantize.layer`.
    coder, readout, steps
        Of the network.

    Raises
    ------
    ValueError
        Something is missing, or a node cannot be had; the message names file, node and field.
    """
    _package()
    if dt is None or reset is None:
        missing = " and ".join(n for n, v in (("dt", dt), ("reset", reset)) if v is None)
        raise ValueError(f"{path}: {missing} must be given: a NIR file has neither dt nor reset")
    if reset not in ALLOWED:
        raise ValueError(f"{path}: reset must be one of {', '.join(ALLOWED)}, not {reset!r}")
    if not dt > 0:
        raise ValueError(f"{path}: dt must be more than 0, not {dt!r}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no {path}")
    found = graph(Path(path))
    with reading(Path(path)):
        precision = Precision(weight_bits, fraction, state_bits, tolerance)
        return quantize.network(
            chain(found, dt, reset), precision, coder=coder, readout=readout, steps=steps
        )


def order(graph: Any) -> list[tuple[str, Any]]:
    """Return the nodes of a graph from input to output, which must be a chain."""
    into = Counter(after for _, after in graph.edges)
    following: dict[str, str] = {}
    for before, after in graph.edges:
        if before in following:
            raise ValueError(f"node {before!r} leads to {following[before]!r} and {after!r}")
        following[before] = after
    for name, count in into.items():
        if count > 1:
            raise ValueError(f"node {name!r} has {count} inputs; only chains are read")
    for name in {name for edge in graph.edges for name in edge}:
        if name not in graph.nodes:
            raise ValueError(f"an edge names {name!r}, which is no node")
    starts = [name for name, node in graph.nodes.items() if type(node).__name__ == "Input"]
    if len(starts) != 1:
        raise ValueError(f"a graph must have one Input node, not {len(starts)}")
    chain_of, name = [starts[0]], starts[0]
    while name in following:
        name = following[name]
        if name in chain_of:
            raise ValueError(f"node {name!r} is on a cycle; recurrent networks are refused")
        chain_of.append(name)
    apart = [name for name in graph.nodes if name not in chain_of]
    if apart:
        raise ValueError(f"node {apart[0]!r} is not on the way from the input")
    return [(name, graph.nodes[name]) for name in chain_of]


class Currents:
    """What spikes of a layer's inputs bring so far: the answer to each single input.

    Parameters
    ----------
    shape
        Of the inputs.
    left
        Entries of matrices and products that may still be made, by name.
    """

    def __init__(self, shape: tuple[int, ...], left: dict[str, int]):
        self.shape, self.left = shape, left
        self.inputs = math.prod(shape)
        self._matrix: Floats | None = None

    @property
    def matrix(self) -> Floats:
        """float64[inputs, *shape]; the identity before the first node."""
        if self._matrix is None:
            if self.inputs > MAX_INPUTS:
                raise ValueError(f"{self.inputs} inputs are more than {MAX_INPUTS}")
            self._matrix = np.eye(self.inputs).reshape(-1, *self.shape)
        return self._matrix

    def take(self, matrix: Floats) -> None:
        """Take what a node makes of them."""
        self._matrix, self.shape = matrix, matrix.shape[1:]

    def spend(self, outputs: int, products: int, what: str = "its matrix") -> None:
        """Refuse a matrix of so many outputs, and products per entry, that would be too large."""
        entries = self.inputs * outputs
        self.left["products"] -= entries * products
        if entries > MAX_ENTRIES or self.left["products"] < 0:
            raise ValueError(
                f"{what} would have {entries} entries of {products} products; there may be "
                f"{MAX_ENTRIES}, and {MAX_PRODUCTS} products in all"
            )

    @property
    def linear(self) -> bool:
        """Whether a node has been taken."""
        return self._matrix is not None


def chain(graph: Any, dt: float, reset: Reset) -> list[Trained]:
    """Return the layers of a graph."""
    nodes = order(graph)
    given = np.atleast_1d(next(iter(nodes[0][1].input_type.values())))
    shape = tuple(integers(given, "the input's shape", 1, low=1, high=MAX_INPUTS).tolist())
    if not 1 <= math.prod(shape) <= MAX_INPUTS:
        raise ValueError(f"the input must have 1..{MAX_INPUTS} values, not {list(shape)}")
    left = {"products": MAX_PRODUCTS, "weights": MAX_ENTRIES}
    currents = Currents(shape, left)
    layers: list[Trained] = []
    for name, node in nodes[1:]:
        kind = type(node).__name__
        where = f"node {name!r} ({kind})"
        if kind == "Output":
            continue
        try:
            if kind in NEURONS:
                matrix = currents.matrix.reshape(currents.inputs, -1)
                left["weights"] -= matrix.size
                if left["weights"] < 0:
                    raise ValueError(f"has weights beyond {MAX_ENTRIES} of the whole network")
                layers.append(_neuron(where, node, kind, matrix, dt, reset))
                currents = Currents(currents.shape, left)
            elif kind in _LINEAR:
                currents.take(_LINEAR[kind](node, currents))
            else:
                raise ValueError(f"is refused: there are {', '.join((*NEURONS, *_LINEAR))}")
        except ValueError as error:
            said = str(error)
            raise ValueError(said if said.startswith(where) else f"{where}: {said}") from None
    if currents.linear:
        raise ValueError(f"node {nodes[-2][0]!r} has no neurons after it")
    if not layers:
        raise ValueError("the graph has no neurons")
    return layers


def _values(node: Any, name: str) -> Floats:
    """Return a field as float64; kinds that are no real numbers are refused."""
    values = np.asarray(getattr(node, name))
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        raise ValueError(f"{name} must hold real numbers, not {values.dtype}")
    return values.astype(np.float64)


def _neuron(where: str, node: Any, kind: str, matrix: Floats, dt: float, reset: Reset) -> Trained:
    neurons = matrix.shape[1]

    def each(name: str) -> Floats:
        values = np.atleast_1d(_values(node, name)).ravel()
        if values.size not in (1, neurons):
            raise ValueError(f"{name} must have 1 or {neurons} values, not {values.size}")
        return np.broadcast_to(values, (neurons,))

    for name in ("v_leak", "v_reset"):
        if getattr(node, name, None) is not None and each(name).any():
            raise ValueError(f"{name} must be 0, not {each(name)[each(name) != 0][0]:g}")
    if not np.isfinite(each("r")).all():
        raise ValueError(f"r must be finite, not {each('r')[~np.isfinite(each('r'))][0]}")
    if kind == "IF":
        return Trained(where, matrix * each("r"), 1.0, each("v_threshold"), reset)
    tau = each("tau")
    if not ((tau > 0) & (tau < np.inf)).all():
        wrong = tau[~((tau > 0) & (tau < np.inf))][0]
        raise ValueError(f"tau must be more than 0 and finite, not {wrong:g}")
    if np.ptp(tau) > 1e-6 * tau.max():
        raise ValueError("tau must be the same for all neurons of a layer")
    if dt > tau[0] * (1 + 1e-6):
        raise ValueError(f"tau {tau[0]:g} must be at least dt {dt:g}")
    # snnTorch writes tau in float32; what is within its precision of a shift means that shift.
    share = min(1.0, dt / float(tau[0]))
    gain = each("r") * share
    gain = np.where(np.abs(gain - 1) < 1e-5, 1.0, gain)
    return Trained(where, matrix * gain, 1 - share, each("v_threshold"), reset)


def _dense(node: Any, currents: Currents) -> Floats:
    weight, features = _values(node, "weight"), math.prod(currents.shape)
    if weight.ndim != 2 or weight.shape[1] != features:
        raise ValueError(f"weight must be of shape [neurons, {features}], not {list(weight.shape)}")
    _no_bias(node)
    currents.spend(len(weight), features if currents.linear else 1)
    if not currents.linear:
        return weight.T
    return currents.matrix.reshape(currents.inputs, -1) @ weight.T


def _no_bias(node: Any) -> None:
    bias = _values(node, "bias") if hasattr(node, "bias") else np.zeros(1)
    if bias.any():
        raise ValueError(f"bias must be 0, not {bias[bias != 0].flat[0]:g}")


def _pair(node: Any, name: str, low: int = 1) -> tuple[int, int]:
    value = np.asarray(getattr(node, name))
    if value.dtype.kind not in "iu" or value.size not in (1, 2):
        raise ValueError(f"{name} must be one integer or two, not {shown(value.tolist())}")
    pair = integers(np.broadcast_to(value.ravel(), (2,)), name, 1, low=low, high=MAX_INPUTS)
    return int(pair[0]), int(pair[1])


def _windows(
    node: Any, currents: Currents, size: tuple[int, int], dilation: tuple[int, int], outputs: int
) -> Floats:
    """Return the windows [n, channels, rows, columns, *size] that a kernel sees.

    ``outputs`` are the channels that are made of them; each sums a window of all channels, or of
    its own where there are none.
    """
    if len(currents.shape) != 3:
        raise ValueError("its input must be of shape [channels, rows, columns]")
    if isinstance(node.padding, str):
        raise ValueError(f"padding must be numbers, not {node.padding!r}")
    channels, *sides = currents.shape
    padding, stride = _pair(node, "padding", low=0), _pair(node, "stride")
    span = [d * (s - 1) + 1 for s, d in zip(size, dilation, strict=True)]
    padded = [n + 2 * p for n, p in zip(sides, padding, strict=True)]
    if padded[0] < span[0] or padded[1] < span[1]:
        raise ValueError("its kernel is larger than its input")
    currents.spend(channels * math.prod(padded), 1, "its input with padding")
    places = [(n - s) // t + 1 for n, s, t in zip(padded, span, stride, strict=True)]
    products = math.prod(size) * (channels if outputs else 1)
    currents.spend((outputs or channels) * math.prod(places), products)
    rows, columns = padding
    images = np.pad(currents.matrix, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    windows = np.lib.stride_tricks.sliding_window_view(images, span, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _convolution(node: Any, currents: Currents) -> Floats:
    weight = _values(node, "weight")
    _no_bias(node)
    if integer(node.groups, "groups") != 1:
        raise ValueError(f"groups must be 1, not {node.groups}")
    if len(currents.shape) == 3 and (weight.ndim != 4 or weight.shape[1] != currents.shape[0]):
        raise ValueError(f"weight must have {currents.shape[0]} input channels")
    if weight.ndim != 4 or not weight.size:
        raise ValueError(f"weight must have 4 axes and entries, not {list(weight.shape)}")
    size = (weight.shape[2], weight.shape[3])
    windows = _windows(node, currents, size, _pair(node, "dilation"), len(weight))
    return np.einsum("ncyxkl,ockl->noyx", windows, weight)


def _pool(node: Any, currents: Currents) -> Floats:
    windows = _windows(node, currents, _pair(node, "kernel_size"), (1, 1), 0)
    return windows.sum(axis=(4, 5))


def _flatten(node: Any, currents: Currents) -> Floats:
    return currents.matrix.reshape(currents.inputs, -1)


NEURONS = ("LIF", "IF")
_LINEAR: dict[str, Callable[[Any, Currents], Floats]] = {
    "Linear": _dense,
    "Affine": _dense,
    "Conv2d": _convolution,
    "SumPool2d": _pool,
    "Flatten": _flatten,
}


def save(path: Path | str, network: Network, dt: float = DT) -> None:
    """Write a network as NIR, which says neither its reset rule nor its rounding.

    Weights and thresholds are the integers. tau = dt / (1 - beta), and ``IF`` where there is no
    leak, so that :func:`load` with the same dt, bits and reset gives the network again.

    Raises
    ------
    ValueError
        A layer has a neuron that NIR has not.
    """
    nir = _package()
    nodes: list[Any] = [nir.Input(input_type=np.array([network.inputs]))]
    for number, (config, w) in enumerate(zip(network.layers, network.weights, strict=True)):
        if config.reset == "spiker22":
            raise ValueError(f"layer {number}: NIR has no neuron for reset 'spiker22'")
        nodes.append(nir.Linear(weight=w.T.astype(np.float64)))
        theta = np.broadcast_to(np.array(config.threshold, dtype=np.float64), (config.neurons,))
        ones = np.ones(config.neurons)
        if config.shifts:
            tau = dt / (1 - config.beta)
            nodes.append(
                nir.LIF(tau=ones * tau, r=ones * tau / dt, v_leak=ones * 0, v_threshold=theta)
            )
        else:
            nodes.append(nir.IF(r=ones, v_threshold=theta))
    nodes.append(nir.Output(output_type=np.array([network.layers[-1].neurons])))
    names = ["input"]
    for number in range(len(network.layers)):
        names += [f"weights{number}", f"neurons{number}"]
    names.append("output")
    graph = nir.NIRGraph(nodes=dict(zip(names, nodes, strict=True)), edges=list(pairwise(names)))
    nir.write(str(path), graph)
