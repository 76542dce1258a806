"""Differentiable weightless networks, from state dictionaries.

After Bacellar et al., "Differentiable Weightless Neural Networks" (ICML 2024).
"""

from pathlib import Path

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.foreign.states import state
from nomul.golden.lutnet.importers import layered
from nomul.golden.lutnet.importers.stacked import stacked
from nomul.golden.lutnet.layers import MAX_K
from nomul.golden.lutnet.network import Network

# What a file may hold: everything else would be a layer that is not read.
PARTS = ("mapping", "mapping.weights")
BESIDE = ("thresholds", "classes", "inputs", "input_bits")


def dwn(
    path: Path,
    classes: int | None = None,
    input_bits: int | None = None,
    inputs: int | None = None,
    real: bool = False,
) -> Network:
    """Read a differentiable weightless network.

    For each layer i: ``i.luts`` float[n, 2**K], a bit being one where positive, and ``i.mapping``
    int[n, K] or ``i.mapping.weights`` float[inputs, n K], whose largest entry per column is the
    wire. ``thresholds`` float[features, bits], if present, is the thermometer: a bit is one where
    the feature is above its threshold. ``classes`` is the number of groups that are summed,
    ``inputs`` that of the bits where there is no thermometer and not all are wired.

    With ``input_bits`` features are unsigned integers of that width; without it they are real
    numbers, which the network's quantiser compares. ``real`` says that this is meant.
    """
    values = state(path)
    names = layered.prefixes(values, "luts", PARTS, BESIDE)
    tables = (_layer(values, prefix) for prefix in names)
    said = {"classes": classes, "inputs": inputs, "input_bits": input_bits}
    return stacked(values, tables, "dwn", **said, real=real)


def _layer(values: layered.State, prefix: str) -> tuple[int, Ints, list[int], int]:
    """Return K, the wires int[n, K], the tables, and the number of wires there are at least."""
    luts = layered.real(values, f"{prefix}.luts", 2)
    k = luts.shape[1].bit_length() - 1
    if luts.shape[1] != 1 << max(k, 0) or not 1 <= k <= MAX_K:
        raise ValueError(
            f"{prefix}.luts must have 2**K columns, K in 1..{MAX_K}, not {luts.shape[1]}"
        )
    if not len(luts):
        raise ValueError(f"{prefix}.luts must have a row per table, not none")
    learned, fixed = f"{prefix}.mapping.weights", f"{prefix}.mapping"
    if learned in values and fixed in values:
        raise ValueError(f"{fixed} and {learned} exclude each other")
    if learned in values:
        scores = layered.real(values, learned, 2)
        if not len(scores):
            raise ValueError(f"{learned} must have a row per input, not none")
        idx, wires = scores.argmax(axis=0), len(scores)
    else:
        idx = layered.whole(values, fixed, 2).reshape(-1)
        wires = int(idx.max(initial=0)) + 1
    if idx.size != len(luts) * k:
        raise ValueError(f"{prefix}.mapping must have {len(luts) * k} wires, not {idx.size}")
    tt = [sum(1 << a for a in np.flatnonzero(row > 0).tolist()) for row in luts]
    return k, idx.reshape(-1, k).astype(np.int64), tt, wires
