"""Networks in NIR, the Neuromorphic Intermediate Representation: read, and written.

Pedersen et al., "Neuromorphic intermediate representation: A unified instruction set for
interoperable brain-inspired computing", Nature Communications 15, 2024. A file has neither the time
step nor the reset rule, so both have to be given.

One file, since reading and writing are two directions of one table of nodes and fields.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden.arrays import Floats
from nomul.golden.foreign.refusals import library, reading, size
from nomul.golden.lif.importers.quantize import Rounded, Trained, layer
from nomul.golden.lif.layer import RESETS, Reset
from nomul.golden.lif.network import Network

# The rules that keep or forget a potential, as NIR's own equations do: no constants beside them.
ALLOWED = RESETS[:-1]
DT = 1e-4
MAX_INPUTS = 1 << 12
MAX_BYTES = 1 << 27


def _package() -> Any:
    try:
        import nir
    except ImportError:
        raise ValueError("reading NIR needs the package nir; try: pip install nir") from None
    return nir


def _check_size(path: Path | str) -> None:
    """Refuse arrays that a file only says to hold, before they take memory."""
    import h5py

    sizes: list[int] = []

    def visit(name: str, member: Any) -> None:
        if isinstance(member, h5py.Dataset):
            sizes.append(member.size * member.dtype.itemsize)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    if sum(sizes) > MAX_BYTES:
        raise ValueError(f"says to hold {sum(sizes)} bytes, more than {MAX_BYTES}")


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
    nir = _package()
    if dt is None or reset is None:
        missing = " and ".join(n for n, v in (("dt", dt), ("reset", reset)) if v is None)
        raise ValueError(f"{path}: {missing} must be given: a NIR file has neither dt nor reset")
    if reset not in ALLOWED:
        raise ValueError(f"{path}: reset must be one of {', '.join(ALLOWED)}, not {reset!r}")
    if not dt > 0:
        raise ValueError(f"{path}: dt must be more than 0, not {dt!r}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no {path}")
    with reading(Path(path)):
        size(Path(path))
        with library("no NIR file"):
            _check_size(path)
            graph = nir.read(str(path), type_check=False)
    try:
        layers, weights, notes = [], [], []
        for trained in chain(graph, dt, reset):
            made, whole, note = layer(
                trained,
                weight_bits=weight_bits,
                fraction=fraction,
                state_bits=state_bits,
                tolerance=tolerance,
            )
            layers.append(made)
            weights.append(whole)
            notes.append(note)
        network = Network(
            layers=tuple(layers), weights=tuple(weights), coder=coder, readout=readout, steps=steps
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return network, notes


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


def chain(graph: Any, dt: float, reset: Reset) -> list[Trained]:
    """Return the layers of a graph."""
    nodes = order(graph)
    shape = tuple(int(n) for n in np.atleast_1d(next(iter(nodes[0][1].input_type.values()))))
    # Columns of the matrix so far: the answer to each single input.
    if not 1 <= int(np.prod(shape, dtype=object)) <= MAX_INPUTS:
        raise ValueError(f"the input must have 1..{MAX_INPUTS} values, not {list(shape)}")
    matrix: Floats = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    layers: list[Trained] = []
    linear = False
    for name, node in nodes[1:]:
        kind = type(node).__name__
        where = f"node {name!r} ({kind})"
        if kind == "Output":
            continue
        if kind in ("LIF", "IF"):
            layers.append(_neuron(where, node, kind, matrix.reshape(len(matrix), -1), dt, reset))
            matrix, linear = np.eye(matrix[0].size).reshape(-1, *matrix.shape[1:]), False
        elif kind in _LINEAR:
            matrix, linear = _LINEAR[kind](where, node, matrix), True
        else:
            raise ValueError(f"{where} is refused: there are LIF, IF, {', '.join(_LINEAR)}")
    if linear:
        raise ValueError(f"node {nodes[-2][0]!r} has no neurons after it")
    if not layers:
        raise ValueError("the graph has no neurons")
    return layers


def _neuron(where: str, node: Any, kind: str, matrix: Floats, dt: float, reset: Reset) -> Trained:
    neurons = matrix.shape[1]

    def each(name: str) -> Floats:
        values = np.atleast_1d(np.asarray(getattr(node, name), dtype=np.float64)).ravel()
        if values.size not in (1, neurons):
            raise ValueError(f"{where}: {name} must have 1 or {neurons} values, not {values.size}")
        return np.broadcast_to(values, (neurons,))

    for name in ("v_leak", "v_reset"):
        if hasattr(node, name) and each(name).any():
            raise ValueError(f"{where}: {name} must be 0, not {each(name)[each(name) != 0][0]:g}")
    if kind == "IF":
        return Trained(where, matrix * each("r"), 1.0, each("v_threshold"), reset)
    tau = each("tau")
    if not (tau > 0).all():
        raise ValueError(f"{where}: tau must be more than 0, not {tau.min():g}")
    if np.ptp(tau) > 1e-6 * tau.max():
        raise ValueError(f"{where}: tau must be the same for all neurons of a layer")
    if dt > tau[0] * (1 + 1e-6):
        raise ValueError(f"{where}: tau {tau[0]:g} must be at least dt {dt:g}")
    # snnTorch writes tau in float32; what is within its precision of a shift means that shift.
    share = min(1.0, dt / float(tau[0]))
    gain = each("r") * share
    gain = np.where(np.abs(gain - 1) < 1e-5, 1.0, gain)
    return Trained(where, matrix * gain, 1 - share, each("v_threshold"), reset)


def _dense(where: str, node: Any, matrix: Floats) -> Floats:
    weight = np.asarray(node.weight, dtype=np.float64)
    flat = matrix.reshape(len(matrix), -1)
    if weight.ndim != 2 or weight.shape[1] != flat.shape[1]:
        raise ValueError(
            f"{where}: weight must be of shape [neurons, {flat.shape[1]}], not {list(weight.shape)}"
        )
    _no_bias(where, node)
    return flat @ weight.T


def _no_bias(where: str, node: Any) -> None:
    bias = np.asarray(getattr(node, "bias", 0.0))
    if bias.any():
        raise ValueError(f"{where}: bias must be 0, not {bias[bias != 0].flat[0]:g}")


def _pair(value: Any) -> tuple[int, int]:
    first, second = np.broadcast_to(np.asarray(value, dtype=np.int64), (2,)).tolist()
    return first, second


def _images(where: str, matrix: Floats) -> Floats:
    if matrix.ndim != 4:
        raise ValueError(f"{where}: its input must be of shape [channels, rows, columns]")
    return matrix


def _windows(
    where: str, x: Floats, size: tuple[int, int], node: Any, dilation: tuple[int, int]
) -> Floats:
    """Return the windows [n, channels, rows, columns, *size] that a kernel sees."""
    if isinstance(node.padding, str):
        raise ValueError(f"{where}: padding must be numbers, not {node.padding!r}")
    rows, columns = _pair(node.padding)
    stride = _pair(node.stride)
    padded = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    span = tuple(d * (s - 1) + 1 for s, d in zip(size, dilation, strict=True))
    if padded.shape[2] < span[0] or padded.shape[3] < span[1]:
        raise ValueError(f"{where}: its kernel is larger than its input")
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _convolution(where: str, node: Any, matrix: Floats) -> Floats:
    x, weight = _images(where, matrix), np.asarray(node.weight, dtype=np.float64)
    _no_bias(where, node)
    if int(node.groups) != 1:
        raise ValueError(f"{where}: groups must be 1, not {node.groups}")
    if weight.ndim != 4 or weight.shape[1] != x.shape[1]:
        raise ValueError(f"{where}: weight must have {x.shape[1]} input channels")
    size = (weight.shape[2], weight.shape[3])
    windows = _windows(where, x, size, node, _pair(node.dilation))
    return np.einsum("ncyxkl,ockl->noyx", windows, weight)


def _pool(where: str, node: Any, matrix: Floats) -> Floats:
    x = _images(where, matrix)
    return _windows(where, x, _pair(node.kernel_size), node, (1, 1)).sum(axis=(4, 5))


def _flatten(where: str, node: Any, matrix: Floats) -> Floats:
    return matrix.reshape(len(matrix), -1)


_LINEAR = {
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
