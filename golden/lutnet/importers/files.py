"""Networks of look-up tables from other tools, as one data model; what does not fit is refused."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.lutnet.heads import Argmax, GroupSum, TableNeuron, Thermometer
from nomul.golden.lutnet.importers import qonnx, trees, verilog
from nomul.golden.lutnet.layers import MAX_K, DirectLut, Layer
from nomul.golden.lutnet.network import Network

State = Mapping[str, NDArray[Any]]

# The sixteen gates of difflogic by number: bit 0 of the number is the output at a = b = 1, bit 1 at
# a = 1, b = 0, bit 2 at a = 0, b = 1 and bit 3 at a = b = 0.
_GATE_BIT = {0: 3, 1: 1, 2: 2, 3: 0}


def load(path: Path | str, format: str, **options: Any) -> Network:
    """Return the network in a file of another tool.

    Parameters
    ----------
    path
        The file; for ``logicnets`` also a folder of Verilog files.
    format
        ``kanele`` (``truth_tables.json``; ``config.json`` is read beside it), ``logicnets``,
        ``dwn``, ``difflogic`` (a state dictionary as ``.npz`` or ``.pt``), ``xgboost``
        (``save_model`` as JSON) or ``qonnx`` (binary layers; needs the package onnx).
    options
        Of the format: ``signed`` (logicnets), ``classes`` (dwn, difflogic), ``input_bits`` (dwn,
        xgboost, qonnx), ``leaf_bits`` (xgboost).

    Raises
    ------
    ValueError
        The format is unknown, or the file does not fit it; the message names file and place.
    """
    readers: dict[str, Callable[..., Network]] = {
        "kanele": kanele,
        "logicnets": verilog.logicnets,
        "dwn": dwn,
        "difflogic": difflogic,
        "xgboost": trees.xgboost,
        "qonnx": qonnx.qonnx,
    }
    if format not in readers:
        raise ValueError(f"format must be one of {', '.join(readers)}, not {format!r}")
    path = Path(path)
    try:
        return readers[format](path, **options)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def kanele(path: Path) -> Network:
    """Read a KANELE network: one table per used edge, sums clipped to signed widths.

    ``layers`` and ``layers_bitwidth`` of ``config.json`` give sizes and widths. The first layer is
    indexed by the input code, later ones by value + 2**(bits - 1). The outputs are signed values.
    """
    config = json.loads((path.parent / "config.json").read_text())
    sizes, bits = _ints(config, "layers"), _ints(config, "layers_bitwidth")
    if len(sizes) < 2 or len(bits) != len(sizes):
        raise ValueError(
            f"config.json: layers_bitwidth must have an entry per layer, {len(sizes)}, "
            f"not {len(bits)}"
        )
    edges: dict[int, list[tuple[int, int, list[int]]]] = {i: [] for i in range(len(sizes) - 1)}
    for key, edge in json.loads(path.read_text()).items():
        layer, source, target = _edge(key, sizes)
        active = edge.get("acive", edge.get("active")) if isinstance(edge, dict) else None
        if active not in (0, 1):
            raise ValueError(f"edge {key}: acive must be 0 or 1, not {active!r}")
        if not active:
            continue
        values = edge.get("values_int")
        if not isinstance(values, list) or len(values) != 1 << bits[layer]:
            have = len(values) if isinstance(values, list) else values
            raise ValueError(f"edge {key}: values_int must have {1 << bits[layer]} values: {have}")
        for i, value in enumerate(values):
            if type(value) is not int:
                raise ValueError(f"edge {key}: values_int[{i}] must be an integer, not {value!r}")
        edges[layer].append((source, target, values))
    layers = []
    for layer, used in edges.items():
        if not used:
            raise ValueError(f"layer {layer} has no used edge")
        used.sort(key=lambda edge: edge[:2])
        half = 1 << (bits[layer + 1] - 1)
        layers.append(
            TableNeuron(
                in_bits=bits[layer],
                idx=[[source] for source, _, _ in used],
                table=[values for _, _, values in used],
                out=[target for _, target, _ in used],
                n_out=sizes[layer + 1],
                low=-half,
                high=half - 1,
                offset=half if layer + 2 < len(sizes) else 0,
            )
        )
    return Network(layers, sizes[0], bits[0], {"format": "kanele"})


def _ints(config: Mapping[str, Any], name: str) -> list[int]:
    values = config.get(name)
    if not isinstance(values, list) or any(type(v) is not int or v < 1 for v in values):
        raise ValueError(f"config.json: {name} must be a list of positive integers: {values!r}")
    return values


def _edge(key: str, sizes: list[int]) -> tuple[int, int, int]:
    parts = key.split("_")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        layer, source, target = map(int, parts)
        if layer + 1 < len(sizes) and source < sizes[layer] and target < sizes[layer + 1]:
            return layer, source, target
    raise ValueError(f"edge {key}: must be layer_in_out within the sizes {sizes}")


def state(path: Path) -> dict[str, NDArray[Any]]:
    """Return a state dictionary: arrays by name, from ``.npz``, or ``.pt`` through PyTorch."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    if path.suffix in (".pt", ".pth"):
        import torch

        values = torch.load(path, weights_only=True, map_location="cpu")
        return {name: np.asarray(value) for name, value in values.items()}
    raise ValueError("a state dictionary ends in .npz, .pt or .pth")


def _modules(values: State, name: str) -> list[str]:
    """Return the prefixes of the layers that have an array of a name, in order."""
    found = [key.removesuffix(f".{name}") for key in values if key.endswith(f".{name}")]
    if not found:
        raise ValueError(f"no array is called <layer>.{name}; there are {', '.join(values)}")
    return sorted(found, key=lambda prefix: [int(p) if p.isdigit() else p for p in [prefix]])


def _array(values: State, key: str, axes: int) -> NDArray[Any]:
    if key not in values:
        raise ValueError(f"{key} is missing")
    if values[key].ndim != axes:
        raise ValueError(f"{key} must have {axes} axes, not {values[key].ndim}")
    return values[key]


def _head(values: State, classes: int | None) -> list[Layer]:
    """Return the head: group sums and argmax, where the number of classes is known."""
    if classes is None and "classes" in values:
        classes = int(values["classes"])
    return [] if classes is None else [GroupSum(groups=classes), Argmax()]


def dwn(path: Path, classes: int | None = None, input_bits: int | None = None) -> Network:
    """Read a differentiable weightless network.

    For each layer i: ``i.luts`` float[n, 2**K], a bit being one where positive, and ``i.mapping``
    int[n, K] or ``i.mapping.weights`` float[inputs, n K], whose largest entry per column is the
    wire. ``thresholds`` float[features, bits], if present, is the thermometer: a bit is one where
    the feature, an integer of ``input_bits`` bits, is above its threshold. ``classes`` is the
    number of groups that are summed.
    """
    values = state(path)
    layers: list[Layer] = []
    inputs, width = 0, 1
    if "thresholds" in values:
        thresholds = _array(values, "thresholds", 2)
        width = input_bits or int(values.get("input_bits", np.array(8)))
        inputs = len(thresholds)
        # x > t for integers x: at least the next integer.
        codes = np.floor(thresholds).astype(np.int64) + 1
        codes = np.clip(codes, 1, (1 << width) - 1)
        feature = np.repeat(np.arange(inputs), thresholds.shape[1])
        layers.append(Thermometer(feature=feature, threshold=codes.reshape(-1)))
    for prefix in _modules(values, "luts"):
        luts = _array(values, f"{prefix}.luts", 2)
        k = luts.shape[1].bit_length() - 1
        if luts.shape[1] != 1 << k or not 1 <= k <= MAX_K:
            raise ValueError(
                f"{prefix}.luts must have 2**K columns, K in 1..{MAX_K}, not {luts.shape[1]}"
            )
        if f"{prefix}.mapping.weights" in values:
            scores = _array(values, f"{prefix}.mapping.weights", 2)
            idx, wires = scores.argmax(axis=0), len(scores)
        else:
            idx = _array(values, f"{prefix}.mapping", 2).reshape(-1)
            wires = int(idx.max(initial=0)) + 1
        if idx.size != len(luts) * k:
            raise ValueError(f"{prefix}.mapping must have {len(luts) * k} wires, not {idx.size}")
        inputs = inputs or wires
        tt = [sum(1 << a for a in np.flatnonzero(row > 0).tolist()) for row in luts]
        layers.append(DirectLut(k=k, idx=idx.reshape(-1, k).astype(np.int64), tt=tt))
    layers += _head(values, classes)
    return Network(layers, inputs, width, {"format": "dwn"})


def difflogic(path: Path, classes: int | None = None) -> Network:
    """Read a network of two-input gates.

    For each layer i: ``i.weights`` float[n, 16], the largest of a row being the gate, or ``i.gate``
    int[n]; and ``i.indices`` int[2, n], the wires a and b. ``classes`` is the number of groups that
    are summed; ``inputs`` that of the network, if not all are wired.
    """
    values = state(path)
    name = "weights" if any(key.endswith(".weights") for key in values) else "gate"
    layers: list[Layer] = []
    inputs = int(values["inputs"]) if "inputs" in values else 0
    for prefix in _modules(values, name):
        if name == "weights":
            weights = _array(values, f"{prefix}.weights", 2)
            if weights.shape[1] != 16:
                raise ValueError(f"{prefix}.weights must have 16 columns, not {weights.shape[1]}")
            gates = weights.argmax(axis=1)
        else:
            gates = _array(values, f"{prefix}.gate", 1)
        wrong = np.flatnonzero((gates < 0) | (gates > 15))
        if len(wrong):
            raise ValueError(f"{prefix}.gate[{wrong[0]}] must be in 0..15, not {gates[wrong[0]]}")
        indices = _array(values, f"{prefix}.indices", 2)
        if indices.shape != (2, len(gates)):
            raise ValueError(
                f"{prefix}.indices must be of shape {[2, len(gates)]}, not {list(indices.shape)}"
            )
        inputs = inputs or int(indices.max()) + 1
        tt = [sum((int(g) >> bit & 1) << a for a, bit in _GATE_BIT.items()) for g in gates]
        layers.append(DirectLut(k=2, idx=indices.T.astype(np.int64), tt=tt))
    layers += _head(values, classes)
    return Network(layers, inputs, 1, {"format": "difflogic"})
