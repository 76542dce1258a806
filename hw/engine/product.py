"""What multiplies in an engine: a member of the family, with the family's streams."""

from types import ModuleType

from amaranth.lib import wiring

from nomul.golden.engine import Config
from nomul.hw import bitplanes, circulant, dense, permdiag, pow2basis, pq
from nomul.hw.engine.macro import Macro
from nomul.hw.engine.units import Units

MEMBERS: dict[str, ModuleType] = {
    "dense": dense,
    "bitplanes": bitplanes,
    "permdiag": permdiag,
    "circulant": circulant,
    "pow2basis": pow2basis,
    "pq": pq,
}


def member(cfg: Config) -> wiring.Component:
    """Return a component with the streams ``weight``, ``x`` and ``y`` of the family."""
    if cfg.member == "spimc":
        return Macro(cfg.tile)
    if cfg.member == "sonic":
        return Units(cfg.tile, cfg.program.widths["code"], cfg.program.code_signed)
    made: wiring.Component = MEMBERS[cfg.member].Top(cfg.tile)
    return made
