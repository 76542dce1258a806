"""Look-up tables of a network by what they do: encoder, operators, popcount, head."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nomul.golden import lutnet
from nomul.hw.lutnet import Top
from nomul.synth import pnr
from nomul.synth.emit import emit
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
        path = folder / "net.npz"
        network.save(path)
        cfg = lutnet.Config(network=str(path), adder=ADDERS[target], registers="layers")
        emitted = emit(Top(cfg), "lutnet")
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
