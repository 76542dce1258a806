"""The whole way from a mapped netlist to a layout, and its clock and energy with wires.

One file, since the steps follow one another, and each takes what the one before left.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nomul.synth.energy import netlist
from nomul.synth.energy.power import Energy, Simulated
from nomul.synth.layout import (
    connect,
    files,
    gds,
    lef,
    picture,
    pieces,
    place,
    placers,
    route,
    rules,
    trees,
)
from nomul.synth.layout.connect import Connection
from nomul.synth.layout.lef import Technology
from nomul.synth.layout.picture import Segment
from nomul.synth.layout.pieces import Floats, Pieces
from nomul.synth.layout.route import Routes
from nomul.synth.layout.trees import Trees
from nomul.synth.map import timing
from nomul.synth.map.stdcells import StandardCells
from nomul.synth.map.timing import Timing

# More wires than these would make a picture of many megabytes, in which none is seen.
_DRAWN = 20000


@dataclass(frozen=True, kw_only=True)
class Case:
    """Clock and energy with wires of one capacitance.

    Attributes
    ----------
    wires
        Whose capacitance it is: ``none``, ``LEF``, ``Liberty``, or of a routed layout ``Magic``.
    ff_per_um
        The capacitance, fF per um, the mean of a routed layout; 0 without wires.
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
        ``estimated``: a rectilinear minimum spanning tree for each net; ``routed``: real wires.
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
    tree_um
        Length of the spanning trees, which is ``wire_um`` of an estimate.
    layer_um, vias
        Of a routed layout: length of the wires by layer, and number of vias.
    open, shorts, failed
        Of a routed layout: nets whose pins its metal does not join, pairs of nets that it joins,
        and connections that the router has given up. Where there is one, the numbers are not those
        of a working layout.
    mended
        Gaps of less than a pitch in the router's wires that were closed, and are not in its file.
    broken, matches
        Of a routed layout, where Magic and Netgen are here and the library has Magic's rules:
        number of places by the rule that is broken there, and whether the netlist is in the wires.
        They see the router's file, so there is no match to speak of where gaps were closed.
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
    tree_um: float
    layer_um: dict[str, float] = field(default_factory=dict)
    vias: int | None = None
    open: tuple[str, ...] = ()
    shorts: tuple[tuple[str, str], ...] = ()
    failed: int = 0
    mended: int = 0
    broken: dict[str, int] | None = None
    matches: bool | None = None
    cases: tuple[Case, ...]
    tools: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every net is wired, and to no other; true of an estimate."""
        return not (self.open or self.shorts or self.failed or self.matches is False)

    @property
    def die_um2(self) -> float:
        """Area of the die."""
        return self.width * self.height

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        plain = dataclasses.asdict(self)
        plain["cases"] = [case.to_dict() for case in self.cases]
        plain["files"] = {kind: str(path) for kind, path in self.files.items()}
        return plain | {"die_um2": self.die_um2, "complete": self.complete}


def capacitances(target: StandardCells, technology: Technology) -> dict[str, float]:
    """Return what a wire weighs, fF per um, by who says so.

    ``LEF`` is the mean of the two layers that most wires are in, the lowest horizontal and the
    lowest vertical one above the cells': area and both edges of a wire of the layer's width.
    ``Liberty`` is that of the wire-load model that the file names as its default, where it does.
    """
    known = {"LEF": float(np.mean([layer.ff_per_um for layer in technology.signal]))}
    text = target.text()
    named = target.wire_load()
    if named:
        group = re.search(
            rf'\bwire_load\s*\(\s*"?{re.escape(named)}"?\s*\)\s*{{[^}}]*?\bcapacitance\s*:\s*([\d.eE+-]+)',
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
    routed: bool = False,
    limit_s: float = 480,
    simulated: Simulated | None = None,
) -> Layout:
    """Place a mapped netlist, estimate or route its wires, and measure clock and energy with them.

    Parameters
    ----------
    verilog, top
        As :func:`nomul.synth.map.synthesize.synthesize` writes it, and its top module.
    target
        Whose cells it is made of.
    folder
        For ``layout.def``, ``.v``, ``.svg``, ``.png`` and, where the library has the masks of its
        cells, ``.gds``, a ``layout-<case>.spef`` for each capacitance, and
        the tools' logs.
    density
        Share of the rows that cells fill.
    period_ps
        Clock period of timing and energy.
    seed
        Of the placer.
    routed
        Route the wires; else they are estimated.
    limit_s
        Time that the router may take, and the placer, which gets ten minutes at least.
    simulated
        The same netlist in its bench, for energy; no energy if None.

    Raises
    ------
    PlacementError, RoutingError
        The cells do not fit, a tool has stopped, or its time is over. Nets that the router has left
        open are no error, but in the result.
    ValueError
        The library has no LEF files, or they lack a cell, or the density is out of range.
    ImportError, FileNotFoundError
        The placer, or the library, is not installed.
    """
    technology = lef.read(target.lef())
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    wires = netlist.split(verilog, top, folder)
    design = netlist.read(wires, top, target.cells(), folder)
    if simulated and simulated.design.names != design.names:
        raise ValueError(f"the simulated netlist is not the one of {verilog}")
    parts = pieces.take(design, technology)
    placement = place.place(
        parts, technology, folder, density=density, seed=seed, limit_s=max(limit_s, place.LIMIT_S)
    )
    net, x, y = placement.points(parts)
    tree = trees.span(net, x, y)
    clocks = np.zeros(parts.nets, dtype=np.bool_)
    clocks[[*design.inputs.get(netlist.CLOCK, []), *design.gates()]] = True
    files_of = {kind: folder / f"layout.{kind}" for kind in ("def", "v", "svg", "png")}
    files_of["def"].write_text(
        files.def_file(parts, placement, technology, top, min(route.LAYERS, len(technology.layers)))
    )
    files_of["v"].write_text(files.verilog(parts, top))
    lengths, about, verdict = tree.by_net(parts.nets), _Wiring(), None
    known = capacitances(target, technology)
    loads = {name: lengths * ff for name, ff in known.items()}
    segments = _bends(tree, x, y)
    if routed:
        routes = route.route(files_of["def"], target.lef(), technology, folder, limit_s)
        routes, mended = connect.mend(parts, placement, technology, routes)
        found = connect.check(parts, placement, technology, routes)
        about = _Wiring(routes, found, mended)
        files_of["routed"] = folder / "routed.def"
        deck = target.rules()
        if deck and rules.installed():
            verdict = rules.judge(files_of["routed"], top, deck, target.lef(), files_of["v"])
        names = {name: number for number, name in enumerate(files.net_names(parts))}
        lengths, loads = _routed(routes, names, technology, known)
        if verdict:
            loads["Magic"] = _extracted(verdict.ends_ff, parts)
        segments = [
            (wire.layer, wire.x0, wire.y0, wire.x1, wire.y1)
            for wires in routes.wires.values()
            for wire in wires
        ]
    drawn = segments if len(segments) < _DRAWN else []
    how = "routed" if routed else "placed; wires are estimates"
    hidden = "; too many wires to show" if segments and not drawn else ""
    said: dict[str, Any] = {
        "title": f"{top}, {target.name}, {how}{hidden}",
        "registers": frozenset(target.sequential() or ()),
    }
    files_of["svg"].write_text(picture.draw(parts, placement, drawn, **said))
    picture.paint(files_of["png"], parts, placement, drawn, **said)
    masks = target.gds()
    if masks:
        files_of["gds"] = folder / "layout.gds"
        gds.write(files_of["gds"], top, parts, placement, technology, about.routes, *masks)
    weights = {"none": np.zeros(parts.nets), **loads}
    ff = {"none": 0.0} | {
        name: float(load.sum() / max(lengths.sum(), 1e-9)) for name, load in loads.items()
    }
    timed = _time(parts, tree, weights, top, target, technology, folder, period_ps)
    cases = [
        Case(
            wires=name,
            ff_per_um=ff[name],
            timing=timed[name],
            energy=simulated.energy(period_ps, wires=weight) if simulated else None,
        )
        for name, weight in weights.items()
    ]
    return Layout(
        name=top,
        target=target.name,
        method="routed" if routed else "estimated",
        seed=seed,
        width=placement.floor.width,
        height=placement.floor.height,
        density=density,
        utilisation=parts.area / placement.floor.core_area,
        cells=len(parts.cells),
        area_um2=parts.area,
        nets=len(set(tree.net.tolist())),
        ports=len(parts.ports),
        constants=parts.constants,
        wire_um=float(lengths.sum()),
        clock_um=float(lengths[clocks].sum()),
        tree_um=tree.total,
        layer_um=about.routes.by_layer(),
        vias=about.routes.via_count if routed else None,
        open=about.found.open,
        shorts=about.found.shorts,
        failed=about.routes.failed,
        mended=about.mended,
        broken=verdict.errors if verdict else None,
        matches=verdict.matches if verdict and not about.mended else None,
        cases=tuple(cases),
        tools=_tools(target, placement.placer, routed) | (verdict.tools if verdict else {}),
        files=files_of,
    )


@dataclass(frozen=True)
class _Wiring:
    """What a router has made, and what the check found in it; nothing, of an estimate."""

    routes: Routes = field(default_factory=Routes)
    found: Connection = field(default_factory=lambda: Connection((), ()))
    mended: int = 0


def _routed(
    routes: Routes, names: dict[str, int], technology: Technology, known: dict[str, float]
) -> tuple[Floats, dict[str, Floats]]:
    """Return the length of each net's wires, and their capacitance in fF by who says so.

    By LEF each layer has its own; by Liberty a micrometre of any layer weighs the same.
    """
    lengths, weighed = np.zeros(len(names)), np.zeros(len(names))
    by_layer = {layer.name: layer for layer in technology.layers}
    for net, wires in routes.wires.items():
        for wire in wires:
            layer = by_layer[wire.layer]
            lengths[names[net]] += wire.length
            weighed[names[net]] += wire.length * (layer.area_ff * wire.width + 2 * layer.edge_ff)
    return lengths, {name: weighed if name == "LEF" else lengths * ff for name, ff in known.items()}


def _extracted(ends_ff: dict[str, float], parts: Pieces) -> Floats:
    """Return the capacitance of each net in fF, which Magic calls by one of its ends."""
    ends = {
        f"u{cell}/{name}": net
        for cell, name, net in zip(
            parts.pin_cell.tolist(), parts.pin_name, parts.pin_net.tolist(), strict=True
        )
    } | dict(zip(files.port_names(parts), parts.port_nets, strict=True))
    weighed = np.zeros(parts.nets)
    for end, ff in ends_ff.items():
        if end in ends:  # rails, the substrate and metal inside of cells are no nets
            weighed[ends[end]] += ff
    return np.maximum(weighed, 0.0)


def _tools(target: StandardCells, placer: str, routed: bool) -> dict[str, str]:
    tools = {**placers.tools(placer), **target.tools(), **timing.installed().tools()}
    return tools | ({route.PROGRAM: route.version()} if routed else {})


def _bends(tree: Trees, x: Floats, y: Floats) -> Sequence[Segment]:
    """Return each edge of the trees as one piece along x and one along y."""
    return [
        ("estimated wire", *ends)
        for a, b in zip(tree.a, tree.b, strict=True)
        for ends in ((x[a], y[a], x[b], y[a]), (x[b], y[a], x[b], y[b]))
    ]


def _time(
    parts: Pieces,
    tree: Trees,
    weights: dict[str, Floats],
    top: str,
    target: StandardCells,
    technology: Technology,
    folder: Path,
    period_ps: int,
) -> dict[str, Timing | None]:
    """Time the design with each set of capacitances, which are spread over the spanning trees."""
    timer = timing.installed()
    if not isinstance(timer, timing.OpenSta):
        return dict.fromkeys(weights)
    library = folder / "cells.lib"
    # Without the model that would give wires to nets that have none.
    text = re.sub(r"\n\s*default_wire_load\b[^\n]*", "", target.text())
    library.write_text(text)
    ohm = float(np.mean([layer.ohm_per_um for layer in technology.signal]))
    lengths = np.maximum(tree.by_net(parts.nets), 1e-9)
    found: dict[str, Timing | None] = {}
    for name, weight in weights.items():
        spef = f"layout-{name}.spef" if weight.any() else None
        if spef:
            lines = files.spef(parts, tree, top, weight / lengths, ohm)
            (folder / spef).write_text("\n".join(lines) + "\n")
        timed = dataclasses.replace(timer, library=library.name, spef=spef)
        found[name] = timed.measure(folder / "layout.v", top, target, period_ps, 0.0)
    library.unlink()
    return found
