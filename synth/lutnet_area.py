"""Look-up tables of a network by what they do: encoder, operators, popcount, head."""

import dataclasses
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import lutnet
from nomul.golden.lutnet_layers import Summing
from nomul.hw.lutnet import Top
from nomul.synth import pnr
from nomul.synth.emit import Emitted, emit
from nomul.synth.synthesize import synthesize
from nomul.synth.targets import get

# The kind of adder that is smallest on each target.
ADDERS = {"xc7": "lut6", "ecp5": "carry", "ice40": "carry"}

PARTS = ("encoder", "operators", "popcount", "head")

# What the end of a module's name says about its part. The thresholds of a summing layer stand in
# the layer's module, beside its sums.
_NAMES = {
    "encoder": r"thermometer",
    "operators": r"operators(_\d+)?|direct",
    "popcount": r"(counter|adder|sum)[\d_]+|popcount|groupsum|lut|xnor",
    "head": r"argmax",
}


@dataclass(frozen=True)
class Area:
    """Look-up tables of a network on a target, in parts; ``control`` is the stages' handshake.

    ``clock_mhz`` is that of place and route, None where there is none, and ``device`` where.
    """

    parts: dict[str, int]
    control: int
    clock_mhz: float | None = None
    device: str = ""

    @property
    def total(self) -> int:
        """All look-up tables."""
        return sum(self.parts.values()) + self.control


def emitted_for(network: lutnet.Network, target: str, registers: str) -> Emitted:
    """Return the Verilog of a network with the adders of a target.

    Parameters
    ----------
    network
        The network.
    target
        ``xc7``, ``ecp5`` or ``ice40``.
    registers
        ``layers`` or ``end``, as :class:`nomul.golden.lutnet.Config` has it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        network.save(path)
        cfg = lutnet.Config(network=str(path), adder=ADDERS[target], registers=registers)
        return emit(Top(cfg), "lutnet")


def measure(network: lutnet.Network, target: str, *, clock: bool = False, seed: int = 1) -> Area:
    """Map a network with a register after every layer, modules kept apart, and count by module.

    Kept apart, modules cost a few more look-up tables than flattened: nothing moves across.

    Parameters
    ----------
    network
        Without tiled layers.
    target
        ``xc7``, ``ecp5`` or ``ice40``.
    clock
        Place and route it as well.
    seed
        Of the placement.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        emitted = emitted_for(network, target, "layers")
        result = synthesize(emitted, target, hierarchical=True, folder=folder)
        parts = dict.fromkeys(PARTS, 0)
        control = 0
        for name, part in result.parts.items():
            luts = part.count * get(target).resources(part.cells)["luts"]
            kind = part_of(name)
            if kind:
                parts[kind] += luts
            else:
                control += luts
        placed = None
        if clock:
            placed = pnr.place_and_route(
                emitted, target, (seed,), netlist_json=result.netlist_json, folder=folder
            )
    if placed is None:
        return Area(parts, control)
    return Area(parts, control, round(placed.fmax_mhz, 1), placed.device)


def part_of(module: str) -> str:
    """Return the part that a module belongs to; empty for what only passes data on."""
    for part, pattern in _NAMES.items():
        if re.search(f"_({pattern})$", module):
            return part
    return ""


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
    return synthesize(emitted_for(network, target, "end"), target).resources["luts"]
