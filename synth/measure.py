"""One measured row: what a component takes on a target, with the provenance of the numbers."""

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amaranth.lib.wiring import Component

from nomul.runs import folders, progress
from nomul.synth.emit import Emitted, emit
from nomul.synth.map import size
from nomul.synth.map.census import Part
from nomul.synth.map.stdcells import StandardCells
from nomul.synth.map.synthesize import synthesize
from nomul.synth.map.targets import Target
from nomul.synth.map.targets import get as target_named
from nomul.synth.map.timing import Timing
from nomul.synth.place import pnr
from nomul.synth.place.families import FAMILIES
from nomul.version import __version__

# Seconds of mapping from which on an estimate is given.
WORTH_SAYING = 20.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One block, one preset, one target: what was measured, under what, and with what.

    Attributes
    ----------
    block, preset, config, target
        What was measured. ``preset`` is empty for a configuration without a name.
    period_ps, hierarchical
        The constraint.
    seeds, device
        Of place and route, whose clock is the median; empty where there was none, or where the
        design fits no device.
    tools, nomul
        Versions of the tools, and of nomul itself.
    recipe, cells, resources, area_um2, sequential_um2, parts, timing
        As in :class:`nomul.synth.map.synthesize.Result`; after place and route ``resources`` also
        has nextpnr's count of used LUT sites, ``TRELLIS_COMB`` or ``ICESTORM_LC``, with the
        harness's.
    latency, interval, cycles
        Of the configuration; ``cycles`` is ``cfg.cycles(1000)``.
    """

    block: str
    preset: str
    config: dict[str, Any]
    target: str
    period_ps: int
    hierarchical: bool
    seeds: tuple[int, ...] = ()
    tools: dict[str, str]
    nomul: str
    recipe: str
    cells: dict[str, int]
    resources: dict[str, int]
    area_um2: float | None
    sequential_um2: float | None
    parts: dict[str, Part] = field(default_factory=dict)
    timing: Timing | None
    latency: int
    interval: int
    cycles: int
    device: str = ""

    @property
    def key(self) -> str:
        """What identifies the row among those of its target."""
        return f"{self.block}/{self.preset}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        return dataclasses.asdict(self) | {"seeds": list(self.seeds)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Row":
        """Inverse of :meth:`to_dict`."""
        parts = {name: Part(**part) for name, part in values["parts"].items()}
        timing = Timing(**values["timing"]) if values["timing"] else None
        return cls(**{**values, "parts": parts, "timing": timing, "seeds": tuple(values["seeds"])})


def measure(
    component: Component,
    cfg: Any,
    block: str,
    target: Target | str,
    *,
    preset: str = "",
    paper: str = "",
    hierarchical: bool | None = False,
    period_ps: int = 1000,
    seeds: Sequence[int] = (1, 2, 3),
    folder: Path | None = None,
) -> Row:
    """Emit a component, map it to a target, time it, and return the row.

    Where the hierarchy is kept, buffers of the library stand between modules whose wires load their
    drivers too much: else the clock would be that of nobody's layout.

    On ECP5 and iCE40 the clock is that of place and route, the median over ``seeds``; no seeds, no
    clock, and none either for a design that fits no device.

    Parameters
    ----------
    component, cfg
        What is measured, and the configuration that it was made with.
    block, preset, paper
        Labels: the module's name, the configuration's if it has one, and the source.
    hierarchical
        Whether to keep the hierarchy; None to keep it where a design of standard cells would take
        minutes in one piece and most of it is modules that repeat.
    target, period_ps, folder
        As in :func:`nomul.synth.map.synthesize.synthesize`; a folder that vanishes if None.
    """
    if folder is None:
        options: Any = {"hierarchical": hierarchical, "period_ps": period_ps, "seeds": seeds}
        with folders.scratch() as scratch:
            options |= {"preset": preset, "paper": paper, "folder": scratch}
            return measure(component, cfg, block, target, **options)
    target = target_named(target) if isinstance(target, str) else target
    emitted = emit(component, block, paper=paper)
    if isinstance(target, StandardCells):
        hierarchical = _planned(emitted, hierarchical)
        if hierarchical and target.repeater is None:
            target = dataclasses.replace(target, repeater=target.buffer)
    hierarchical = bool(hierarchical)
    result = synthesize(
        emitted, target, hierarchical=hierarchical, period_ps=period_ps, folder=folder
    )
    timing, tools, resources = result.timing, result.tools, result.resources
    placed = None
    if target.name in FAMILIES and seeds:
        with contextlib.suppress(pnr.DoesNotFitError):
            placed = pnr.place_and_route(
                emitted, target.name, seeds, netlist_json=result.netlist_json, folder=folder
            )
    if placed:
        logic = FAMILIES[target.name].logic
        timing = Timing(placed.tool, placed.period_ps, wires="routed")
        tools = tools | placed.tools
        resources = resources | {logic: placed.utilisation.get(logic, 0)}
    return Row(
        block=block,
        preset=preset,
        config=cfg.to_dict(),
        target=target.name,
        period_ps=period_ps,
        hierarchical=hierarchical,
        seeds=tuple(seeds) if placed else (),
        device=placed.device if placed else "",
        tools=tools,
        nomul=__version__,
        recipe=result.recipe,
        cells=result.cells,
        resources=resources,
        area_um2=result.area_um2,
        sequential_um2=result.sequential_um2,
        parts=result.parts,
        timing=timing,
        latency=cfg.latency,
        interval=cfg.interval,
        cycles=cfg.cycles(1000),
    )


def _planned(emitted: Emitted, hierarchical: bool | None) -> bool:
    """Decide whether the hierarchy is kept, if nobody did, and say how long the mapping takes."""
    large = size.of(emitted.rtlil, emitted.name)
    kept = large.worth_keeping if hierarchical is None else hierarchical
    seconds = large.seconds(hierarchical=kept)
    if kept and hierarchical is None:
        whole = progress.duration(large.seconds())
        progress.advise(
            f"{emitted.name}: {large.flat:,} bits in {large.modules} modules, mapped module by "
            f"module; --flat maps it as one, in about {whole} of a core"
        )
    if seconds > WORTH_SAYING:
        progress.advise(f"mapping {emitted.name}: about {progress.duration(seconds)} of a core")
    return kept
