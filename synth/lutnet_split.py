"""Look-up tables of a network, split into encoder, operators, popcount and head."""

import tempfile
from pathlib import Path

from nomul.golden import lutnet
from nomul.golden.lutnet_layers import Layer
from nomul.hw.lutnet import Top
from nomul.synth.emit import emit
from nomul.synth.synthesize import synthesize

# The kind of adder that is smallest on each target.
ADDERS = {"xc7": "lut6", "ecp5": "carry", "ice40": "carry"}


def split(network: lutnet.Network, target: str = "xc7") -> dict[str, int]:
    """Return how many look-up tables each part of a network takes on a target.

    Measured on the network cut off after each part, a register at its end: a part costs what the
    cut behind it has more than the cut before it, so the parts add up to the whole, and what the
    mapper moves across a cut counts for the later part. Keys: ``encoder`` (the stream's control
    too), ``operators`` (0 more where the tables are summed at once, see ``popcount``), ``popcount``
    and ``head``.
    """
    cuts = {"encoder": 0, "operators": 0, "popcount": 0, "head": 0}
    for number, layer in enumerate(network.layers, 1):
        cuts[part_of(layer)] = number
    result, before, last = {}, 0, 0
    for part, number in cuts.items():
        if number > last:
            cut = lutnet.Network(network.layers[:number], network.inputs, network.input_bits)
            now = luts(cut, target)
            result[part], before, last = now - before, now, number
        else:
            result[part] = 0
    return result


def part_of(layer: Layer) -> str:
    """Return the part that a layer belongs to; a summing layer with all its tables is popcount."""
    if isinstance(layer, lutnet.Thermometer):
        return "encoder"
    if isinstance(layer, lutnet.DirectLut):
        return "operators"
    return "head" if isinstance(layer, lutnet.Argmax) else "popcount"


def luts(network: lutnet.Network, target: str = "xc7") -> int:
    """Return the look-up tables of a whole network with one register, at its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        network.save(path)
        cfg = lutnet.Config(network=str(path), adder=ADDERS[target], registers="end")
        return synthesize(emit(Top(cfg), "lutnet"), target).resources["luts"]
