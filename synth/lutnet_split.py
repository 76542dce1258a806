"""Look-up tables of a network, split into encoder, operators, popcount and head."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import lutnet
from nomul.golden.lutnet_layers import Summing
from nomul.hw.lutnet import Top
from nomul.synth.emit import emit
from nomul.synth.synthesize import synthesize

# The kind of adder that is smallest on each target.
ADDERS = {"xc7": "lut6", "ecp5": "carry", "ice40": "carry"}


def split(network: lutnet.Network, *, head: bool = True) -> dict[str, int | None]:
    """Return how many look-up tables the parts of a network take on xc7.

    Two designs are measured, the network and the network without its argmax; each has one register,
    at its end. Of the second, every table of the network is one look-up table and so is every
    comparator of the encoder; what is left is the popcount, the stream's control with it, less what
    the mapper merges.

    Parameters
    ----------
    network
        The network, with tables of at most six inputs.
    head
        Whether to measure the argmax too; without, ``head`` and ``all`` are None.

    Returns
    -------
    ``encoder``, ``operators``, ``popcount``, ``scores`` (their sum), ``head``, and ``all``.
    """
    scores = luts(lutnet.Network(network.body, network.inputs, network.input_bits))
    whole = luts(network) if head else None
    encoder, operators = comparators(network), network.n_tables
    return {
        "encoder": encoder,
        "operators": operators,
        "popcount": scores - encoder - operators,
        "scores": scores,
        "head": None if whole is None else whole - scores,
        "all": whole,
    }


def sampled(network: lutnet.Network, step: int = 10) -> int:
    """Return about how many look-up tables a network's two summing layers take on xc7.

    Of the first layer every ``step``-th neuron is measured, and counted ``step`` times; neurons of
    one layer have equally many operators. Large layers take Yosys an hour, these do not.
    """
    first, second = (layer for layer in network.layers if isinstance(layer, Summing))
    few = some_neurons(first, step)
    wide = luts(lutnet.Network([few], int(first.idx.max()) + 1))
    return wide * step + luts(lutnet.Network([second], first.n_out * first.levels_out))


def some_neurons(layer: Summing, step: int) -> Summing:
    """Return every ``step``-th neuron of a summing layer."""
    kept = np.flatnonzero(layer.out % step == 0)
    values: dict[str, Any] = {name: getattr(layer, name)[kept] for name in ("idx", "out", "level")}
    values |= {name: getattr(layer, name)[::step] for name in ("theta", "flip", "bias")}
    if isinstance(layer, lutnet.Xnor):
        values["weight"] = layer.weight[kept]
    else:
        values["tt"] = [layer.tt[i] for i in kept]  # type: ignore[attr-defined]
    values["out"] = values["out"] // step
    return dataclasses.replace(layer, n_out=-(-layer.n_out // step), **values)


def comparators(network: lutnet.Network) -> int:
    """Return the thresholds that need a comparator: half of the range is a code's top bit."""
    first = network.layers[0]
    if not isinstance(first, lutnet.Thermometer):
        return 0
    return int((first.threshold != 1 << (network.input_bits - 1)).sum())


def luts(network: lutnet.Network, target: str = "xc7") -> int:
    """Return the look-up tables of a whole network with one register, at its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        network.save(path)
        cfg = lutnet.Config(network=str(path), adder=ADDERS[target], registers="end")
        return synthesize(emit(Top(cfg), "lutnet"), target).resources["luts"]
