"""Networks of logic gates, from state dictionaries of difflogic and of torchlogix.

After Petersen et al., "Deep Differentiable Logic Gate Networks" (NeurIPS 2022); the second form is
that of torchlogix 0.2.2, with tables of K inputs, learned wires and other parameters of tables.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.arrays import Ints
from nomul.golden.foreign.states import state
from nomul.golden.lutnet.importers import layered
from nomul.golden.lutnet.importers.stacked import Tables, stacked
from nomul.golden.lutnet.layers import DirectLut, Layer
from nomul.golden.lutnet.network import Network

# The sixteen gates of difflogic by number: bit 0 of the number is the output at a = b = 1, bit 1 at
# a = 1, b = 0, bit 2 at a = 0, b = 1 and bit 3 at a = b = 0.
_GATE_BIT = {0: 3, 1: 1, 2: 2, 3: 0}

PARAMETRIZATIONS = ("raw", "warp", "light")

# What a file may hold: everything else would be a layer that is not read.
BESIDE = ("classes", "inputs")
LOGIX_PARTS = (
    "connections.indices",
    "connections.weights",
    "connections._export_indices",
    "_export_lut_ids",
)
LOGIX_BESIDE = (*BESIDE, "thresholds", "raw_diffs", "input_bits")


def difflogic(
    path: Path,
    classes: int | None = None,
    inputs: int | None = None,
    parametrization: str | None = None,
    input_bits: int | None = None,
    real: bool = False,
) -> Network:
    """Read a network of gates.

    Of difflogic, for each layer i: ``i.weights`` float[n, 16], the largest of a row being the gate,
    or ``i.gate`` int[n]; and ``i.indices`` int[2, n], the wires a and b.

    Of torchlogix: ``i.weight`` float[n, .] and ``i.connections.indices`` int[K, n]; where wires are
    learned, the latter are candidates int[C, K, n], and ``i.connections.weights`` float[C, K, n]
    choose. ``parametrization`` says what weights mean: ``raw`` (K = 2, 16 columns: the largest is
    the gate), ``warp`` (2**K columns: Walsh coefficients, a one where their sum is negative) or
    ``light`` (2**K columns: a one where positive). Raw ones are known by their shape; the others
    look the same, and are taken for ``warp``, with a warning, unless it is said. ``thresholds``
    float[features, bits] is a thermometer as of :func:`~nomul.golden.lutnet.importers.dwn.dwn`.

    ``classes`` is the number of groups that are summed; ``inputs`` that of the network, if not all
    are wired.
    """
    values = state(path)
    if parametrization not in (None, *PARAMETRIZATIONS):
        raise ValueError(
            f"parametrization must be one of {', '.join(PARAMETRIZATIONS)}, not {parametrization!r}"
        )
    if any(key.endswith(".connections.indices") for key in values):
        return _torchlogix(values, classes, inputs, parametrization, input_bits, real)
    name = "weights" if any(key.endswith(".weights") for key in values) else "gate"
    layers: list[Layer] = []
    size = layered.setting(values, "inputs", inputs)
    for prefix in layered.prefixes(values, name, ("indices",), BESIDE):
        if name == "weights":
            weights = layered.real(values, f"{prefix}.weights", 2)
            if weights.shape[1] != 16:
                raise ValueError(f"{prefix}.weights must have 16 columns, not {weights.shape[1]}")
            gates = weights.argmax(axis=1)
        else:
            gates = layered.whole(values, f"{prefix}.gate", 1, 0, 15)
        indices = layered.whole(values, f"{prefix}.indices", 2)
        if indices.shape != (2, len(gates)) or not len(gates):
            raise ValueError(
                f"{prefix}.indices must be of shape {[2, len(gates)]}, not {list(indices.shape)}"
            )
        size = size or int(indices.max()) + 1
        layers.append(DirectLut(k=2, idx=indices.T, tt=_gates(gates)))
    layers += layered.head(layered.setting(values, "classes", classes))
    assert size is not None
    return Network(layers, size, 1, {"format": "difflogic"})


def _gates(numbers: Ints) -> list[int]:
    """Return the tables of gates by number, address bit 0 being a."""
    return [sum((int(g) >> bit & 1) << a for a, bit in _GATE_BIT.items()) for g in numbers]


def _torchlogix(
    values: layered.State,
    classes: int | None,
    inputs: int | None,
    parametrization: str | None,
    input_bits: int | None,
    real: bool,
) -> Network:
    names = layered.prefixes(values, "weight", LOGIX_PARTS, LOGIX_BESIDE)
    said = {"classes": classes, "inputs": inputs, "input_bits": input_bits}
    tables = _logix_layers(values, names, parametrization)
    return stacked(values, tables, "torchlogix", **said, real=real)


def _logix_layers(
    values: layered.State, names: list[str], parametrization: str | None
) -> Iterator[Tables]:
    """Yield the layers of torchlogix, whose tables have K inputs."""
    if layered.beside(values, "raw_diffs") is not None:
        raise ValueError("learned thresholds are not read: store get_thresholds() as thresholds")
    for prefix in names:
        idx, wires = _wires(values, prefix)
        k = idx.shape[1]
        yield k, idx, _tables(values, prefix, k, len(idx), parametrization), wires


def _wires(values: layered.State, prefix: str) -> tuple[Ints, int]:
    """Return the wires int[n, K], and the number of inputs there are at least.

    The first wire of torchlogix is the highest address bit, so they come in reverse order.
    """
    key, learned = f"{prefix}.connections.indices", f"{prefix}.connections.weights"
    if learned not in values:
        chosen = layered.whole(values, key, 2)
        offered = chosen
    else:
        offered, scores = layered.whole(values, key, 3), layered.real(values, learned, 3)
        if offered.shape != scores.shape or not len(scores):
            raise ValueError(
                f"{learned} must be of shape {list(offered.shape)}, not {list(scores.shape)}"
            )
        best = scores.argmax(axis=0)
        chosen = np.take_along_axis(offered, best[None], axis=0)[0]
    frozen = f"{prefix}.connections._export_indices"
    if frozen in values and not np.array_equal(layered.whole(values, frozen, 2), chosen):
        raise ValueError(f"{frozen} does not agree with the wires beside it")
    if not chosen.size:
        raise ValueError(f"{key} must not be empty: {list(chosen.shape)}")
    return np.ascontiguousarray(chosen[::-1].T), int(offered.max()) + 1


def _tables(
    values: layered.State, prefix: str, k: int, n: int, parametrization: str | None
) -> list[int]:
    """Return the tables, address bit 0 being the last wire of torchlogix."""
    key = f"{prefix}.weight"
    weights = layered.real(values, key, 2).astype(np.float64)
    if k > 6 or len(weights) != n:
        raise ValueError(
            f"{key} must have {n} rows for tables of at most 6 inputs, not {len(weights)}, {k}"
        )
    columns = weights.shape[1]
    if parametrization is None and columns == 1 << k:
        parametrization = _known(values, prefix, weights, k)
    raw = parametrization in (None, "raw")
    wanted = (16 if k == 2 else 0) if raw else 1 << k
    if columns != wanted:
        kind = parametrization or "raw"
        raise ValueError(f"{key}: {columns} columns are no {kind} tables of {k} inputs")
    if raw:
        # Gates by number: with the first wire as the high address bit, a number read backwards.
        bits = weights.argmax(axis=1)[:, None] >> np.arange(3, -1, -1) & 1
    else:
        bits = _bits(weights, k, str(parametrization))
    frozen = _frozen(values, prefix, k)
    if frozen is not None and not np.array_equal(bits, frozen):
        raise ValueError(f"{prefix}._export_lut_ids does not agree with the tables beside it")
    return [sum(1 << a for a in np.flatnonzero(row).tolist()) for row in bits]


def _bits(weights: NDArray[np.float64], k: int, parametrization: str) -> NDArray[Any]:
    """Return table bits [n, 2**K] by address, as torchlogix takes them of its coefficients."""
    if parametrization == "light":
        return weights > 0
    address = np.arange(1 << k)
    # Walsh function w at address a is -1 where a & w has an odd number of ones.
    parity = (address[:, None] & address[None, :])[..., None] >> np.arange(k) & 1
    return weights @ (1.0 - 2.0 * (parity.sum(axis=2) & 1)) < 0


def _frozen(values: layered.State, prefix: str, k: int) -> Ints | None:
    """Return the table bits [n, 2**K] that an export stored, whose highest bit is address 0."""
    key = f"{prefix}._export_lut_ids"
    if key not in values or k > 4:
        return None
    numbers = layered.whole(values, key, 1, 0, (1 << (1 << k)) - 1)
    return numbers[:, None] >> np.arange((1 << k) - 1, -1, -1) & 1


def _known(values: layered.State, prefix: str, weights: NDArray[np.float64], k: int) -> str:
    """Return whether weights are ``warp`` or ``light``: what an export says, else the first."""
    frozen = _frozen(values, prefix, k)
    if frozen is not None:
        same = [np.array_equal(_bits(weights, k, kind), frozen) for kind in PARAMETRIZATIONS[1:]]
        return PARAMETRIZATIONS[1:][same.index(True)] if any(same) else "warp"
    warnings.warn(
        f"{prefix}.weight is read as parametrization='warp'; say 'light' if it is that, "
        "which looks the same in a file",
        stacklevel=2,
    )
    return "warp"
