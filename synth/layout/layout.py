"""The whole way from a mapped netlist to a layout, and its clock and energy with wires."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nomul.synth.energy import netlist
from nomul.synth.energy.power import Energy, Simulated
from nomul.synth.layout import files, lef, picture, pieces, place, trees
from nomul.synth.layout.lef import Technology
from nomul.synth.layout.picture import Segment
from nomul.synth.layout.pieces import Floats, Pieces
from nomul.synth.layout.trees import Trees
from nomul.synth.map import liberty, timing
from nomul.synth.map.stdcells import StandardCells
from nomul.synth.map.timing import Timing

# More wires than these would make a picture of many megabytes, in which none is seen.
_DRAWN = 6000


@dataclass(frozen=True, kw_only=True)
class Case:
    """Clock and energy with wires of one capacitance.

    Attributes
    ----------
    wires
        Whose capacitance it is: ``none``, ``LEF`` or ``Liberty``.
    ff_per_um
        The capacitance, fF per um; 0 without wires.
    timing
        By OpenSTA; None where it is not installed.
    energy
        Of the block's bench; None if it was not asked for.
    """

    wires: str
    ff_per_um: float
    timing: Timing | None = None
    energy: Energy | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        spent = self.energy.to_dict() if self.energy else None
        return dataclasses.asdict(self) | {"energy": spent}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A layout without clock tree, power grid, pads and fill.

    Attributes
    ----------
    method
        ``estimated``: a rectilinear minimum spanning tree for each net.
    width, height
        Of the die, in um.
    density, utilisation
        Share of the rows that cells were to fill, and fill.
    cells, area_um2
        Number and area of the cells.
    nets, ports, constants
        Nets with a wire, bits of ports, and pins and ports at constants, which have none.
    wire_um, clock_um
        Length of all wires, and of it that of the nets that drive clock pins.
    cases
        Clock and energy without wires, and with those of each known capacitance.
    files
        What was written, by kind.
    """

    name: str
    target: str
    method: str
    seed: int
    width: float
    height: float
    density: float
    utilisation: float
    cells: int
    area_um2: float
    nets: int
    ports: int
    constants: int
    wire_um: float
    clock_um: float
    cases: tuple[Case, ...]
    tools: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def die_um2(self) -> float:
        """Area of the die."""
        return self.width * self.height

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        plain = dataclasses.asdict(self)
        plain["cases"] = [case.to_dict() for case in self.cases]
        plain["files"] = {kind: str(path) for kind, path in self.files.items()}
        return plain | {"die_um2": self.die_um2}


def capacitances(target: StandardCells, technology: Technology) -> dict[str, float]:
    """Return what a wire weighs, fF per um, by who says so.

    ``LEF`` is the mean of the two layers that most wires are in, the lowest horizontal and the
    lowest vertical one above the cells': area and both edges of a wire of the layer's width.
    ``Liberty`` is that of the wire-load model that the file names as its default, where it does.
    """
    known = {"LEF": float(np.mean([layer.ff_per_um for layer in technology.signal]))}
    text = target.library().read_text()
    named = re.search(r'\bdefault_wire_load\s*:\s*"?([\w.]+)', text)
    if named:
        group = re.search(
            rf'\bwire_load\s*\(\s*"?{named[1]}"?\s*\)\s*{{[^}}]*?\bcapacitance\s*:\s*([\d.eE+-]+)',
            text,
        )
        unit = re.search(r"\bcapacitive_load_unit\s*\(\s*([\d.]+)\s*,\s*\"?(\w)", text)
        if group and unit:
            known["Liberty"] = float(group[1]) * float(unit[1]) * {"f": 1.0, "p": 1e3}[unit[2]]
    return known


def lay_out(
    verilog: Path,
    top: str,
    target: StandardCells,
    folder: Path,
    *,
    density: float = 0.8,
    period_ps: int = 1000,
    seed: int = place.SEED,
    simulated: Simulated | None = None,
) -> Layout:
    """Place a mapped netlist, estimate its wires, and measure clock and energy with them.

    Parameters
    ----------
    verilog, top
        As :func:`nomul.synth.map.synthesize.synthesize` writes it, and its top module.
    target
        Whose cells it is made of.
    folder
        For ``layout.def``, ``.v`` and ``.svg``, a ``layout-<case>.spef`` for each capacitance, and
        the tools' logs.
    density
        Share of the rows that cells fill.
    period_ps
        Clock period of timing and energy.
    seed
        Of the placer.
    simulated
        The same netlist in its bench, for energy; no energy if None.

    Raises
    ------
    PlacementError
        The cells do not fit, or the placer stopped.
    ValueError
        The library has no LEF files, or they lack a cell, or the density is out of range.
    ImportError, FileNotFoundError
        The placer, or the library, is not installed.
    """
    technology = lef.read(target.lef())
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    wires = netlist.split(verilog, top, folder)
    design = netlist.read(wires, top, liberty.read(target.library()), folder)
    if simulated and simulated.design.names != design.names:
        raise ValueError(f"the simulated netlist is not the one of {verilog}")
    parts = pieces.take(design, technology)
    placement = place.place(parts, technology, folder, density=density, seed=seed)
    net, x, y = placement.points(parts)
    tree = trees.span(net, x, y)
    lengths = tree.by_net(parts.nets)
    clocks = np.zeros(parts.nets, dtype=np.bool_)
    clocks[[*design.inputs.get(netlist.CLOCK, []), *design.gates()]] = True
    written = {
        "def": (folder / "layout.def", files.def_file(parts, placement, technology, top, 4)),
        "verilog": (folder / "layout.v", files.verilog(parts, top)),
        "svg": (
            folder / "layout.svg",
            picture.draw(
                parts,
                placement,
                _bends(tree, x, y),
                title=f"{top}, {target.name}, placed; wires are estimates",
                registers=frozenset(target.sequential() or ()),
            ),
        ),
    }
    for path, text in written.values():
        path.write_text(text)
    cases = _cases(parts, tree, lengths, top, target, technology, folder, period_ps, simulated)
    return Layout(
        name=top,
        target=target.name,
        method="estimated",
        seed=seed,
        width=placement.floor.width,
        height=placement.floor.height,
        density=density,
        utilisation=parts.area / placement.floor.core_area,
        cells=len(parts.cells),
        area_um2=parts.area,
        nets=int((lengths > 0).sum()),
        ports=len(parts.ports),
        constants=parts.constants,
        wire_um=float(lengths.sum()),
        clock_um=float(lengths[clocks].sum()),
        cases=tuple(cases),
        tools=_tools(target),
        files={kind: path for kind, (path, _) in written.items()},
    )


def _tools(target: StandardCells) -> dict[str, str]:
    from importlib.metadata import version

    timer = timing.installed()
    return {"coloquinte": version("coloquinte"), **target.tools(), **timer.tools()}


def _bends(tree: Trees, x: Floats, y: Floats) -> Sequence[Segment]:
    """Return each edge of the trees as one piece along x and one along y; none if too many."""
    if len(tree.net) > _DRAWN:
        return []
    return [
        ("estimated wire", *ends)
        for a, b in zip(tree.a, tree.b, strict=True)
        for ends in ((x[a], y[a], x[b], y[a]), (x[b], y[a], x[b], y[b]))
    ]


def _cases(
    parts: Pieces,
    tree: Trees,
    lengths: Floats,
    top: str,
    target: StandardCells,
    technology: Technology,
    folder: Path,
    period_ps: int,
    simulated: Simulated | None,
) -> list[Case]:
    """Time the design and weigh its nets: without wires, and with each known capacitance."""
    timer = timing.installed()
    library = folder / "cells.lib"
    # Without the model that would give wires to nets that have none.
    text = re.sub(r"\n\s*default_wire_load\b[^\n]*", "", target.library().read_text())
    library.write_text(text)
    ohm = float(np.mean([layer.ohm_per_um for layer in technology.signal]))
    known = {"none": 0.0, **capacitances(target, technology)}
    cases = []
    for name, ff in known.items():
        clock = energy = None
        if isinstance(timer, timing.OpenSta):
            spef = folder / f"layout-{name}.spef" if ff else None
            if spef:
                lines = files.spef(parts, tree, top, np.full(parts.nets, ff), ohm)
                spef.write_text("\n".join(lines) + "\n")
            timed = dataclasses.replace(timer, library=library, spef=spef)
            clock = timed.measure(folder / "layout.v", top, target, period_ps, 0.0)
        if simulated:
            energy = simulated.energy(period_ps, wires=lengths * ff)
        cases.append(Case(wires=name, ff_per_um=ff, timing=clock, energy=energy))
    library.unlink()
    return cases
