"""Routing by qrouter: the placed design in, the wires of each net out."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired

from nomul.runs import programs
from nomul.synth.layout.lef import Shape, Technology
from nomul.synth.yosys import ToolError

PROGRAM, PACKAGE = "qrouter", "qrouter"

# Above the cells' own metal five more layers are enough; fewer wires fit below, and higher layers
# have pitches of their own.
LAYERS = 6


# What is routed where nobody says: it takes two minutes.
MOST_CELLS = 2500


class RoutingError(ToolError):
    """The router stopped, or its time was over."""


@dataclass(frozen=True)
class Wire:
    """A straight wire of a net: its middle line in um, and its width."""

    layer: str
    x0: float
    y0: float
    x1: float
    y1: float
    width: float

    @property
    def length(self) -> float:
        """Along its direction."""
        return abs(self.x1 - self.x0) + abs(self.y1 - self.y0)

    @property
    def shape(self) -> Shape:
        """Its metal, which goes half a width beyond its ends."""
        half = self.width / 2
        return Shape(
            self.layer,
            min(self.x0, self.x1) - half,
            min(self.y0, self.y1) - half,
            max(self.x0, self.x1) + half,
            max(self.y0, self.y1) + half,
        )


@dataclass(frozen=True)
class Via:
    """Metal of two layers at one place that hangs together, and the hole between, in um."""

    shapes: tuple[Shape, ...]
    cuts: tuple[Shape, ...] = ()

    def moved(self, x: float, y: float) -> "Via":
        """Return it around another place."""
        sides = (
            tuple(Shape(s.layer, s.left + x, s.low + y, s.right + x, s.high + y) for s in shapes)
            for shapes in (self.shapes, self.cuts)
        )
        return Via(*sides)


@dataclass(frozen=True)
class Routes:
    """What a router has made of each net, by the net's name.

    ``failed`` is the number of connections that the router says it could not make.
    """

    wires: Mapping[str, Sequence[Wire]] = field(default_factory=dict)
    vias: Mapping[str, Sequence[Via]] = field(default_factory=dict)
    failed: int = 0

    def by_layer(self) -> dict[str, float]:
        """Return the length of all wires of each layer in um."""
        found: dict[str, float] = {}
        for wires in self.wires.values():
            for wire in wires:
                found[wire.layer] = found.get(wire.layer, 0.0) + wire.length
        return dict(sorted(found.items()))

    @property
    def via_count(self) -> int:
        """Number of vias."""
        return sum(map(len, self.vias.values()))


def installed() -> bool:
    """Whether the router is here."""
    return shutil.which(PROGRAM) is not None


def demand() -> None:
    """Raise FileNotFoundError, with the way to install it, if the router is not here."""
    if not installed():
        raise FileNotFoundError(
            f"routing needs {PROGRAM}; try: apt-get install --no-install-recommends {PACKAGE}"
        )


def route(
    placed: Path, lef: Sequence[Path], technology: Technology, folder: Path, limit_s: float = 480
) -> Routes:
    """Route a placed design.

    Parameters
    ----------
    placed
        The DEF file, in ``folder``.
    lef, technology
        The library's LEF files, and what they say.
    folder
        For ``routed.def`` and ``route.log``.
    limit_s
        Time after which the router is stopped: in a full design it may rip up wires for ever.

    Raises
    ------
    RoutingError
        It has stopped without a result, or its time is over.
    FileNotFoundError
        It is not installed.
    """
    demand()
    routed, log = folder / "routed.def", folder / "route.log"
    routed.unlink(missing_ok=True)
    layers = min(LAYERS, len(technology.layers))
    script = []
    for number, file in enumerate(lef):  # by names that every path of a library fits in
        name = folder / f"cells-{number}.lef"
        name.unlink(missing_ok=True)
        name.symlink_to(file.resolve())
        script.append(f"read_lef {name.name}")
    script += [f"layers {layers}", "via stack 2", f"read_def {placed.name}", "stage1"]
    # What the second stage abandons, for it is in the way of too many, it routes when called again.
    script += ["stage2", "stage2"]
    (folder / "route.tcl").write_text("\n".join([*script, f"write_def {routed.name}", "quit", ""]))
    with log.open("w") as out:
        try:
            # Without its window and its console, which want a display.
            command = [PROGRAM, "-nog", "-s", "route.tcl"]
            programs.run(command, folder, log=out, timeout=limit_s)
        except TimeoutExpired:
            raise RoutingError(
                f"routing took more than {limit_s:g} s; a lower density leaves more room for "
                "wires, and --estimate needs no router"
            ) from None
    said = log.read_text(errors="replace")
    final = re.search(r"^Final: (?:(No failed routes)|Failed net routes: (\d+))", said, re.M)
    if final is None or not routed.is_file():
        lines = said.splitlines() or ["no word"]
        raise RoutingError(f"{PROGRAM} stopped in {folder}: {lines[-1]}")
    return read(routed.read_text(), technology, failed=int(final[2] or 0))


def version() -> str:
    """Return the router's version."""
    # Without a design it only says what it is.
    run = programs.run([PROGRAM, "-nog", "-h"])
    found = re.search(r"\d+\.\d+\.\d+", run.stdout + run.stderr)
    return found[0] if found else "unknown"


def read(text: str, technology: Technology, failed: int = 0) -> Routes:
    """Read the wires of a routed DEF file.

    Raises
    ------
    RoutingError
        The file has no units.
    ValueError
        It uses a via that neither it nor the technology defines.
    """
    scale = re.search(r"UNITS DISTANCE MICRONS (\d+)", text)
    if scale is None:
        raise RoutingError("the router's DEF file has no units, so it has read no design")
    units = float(scale[1])
    vias = {name: Via(metal, technology.cuts.get(name, ())) for name, metal in
            technology.vias.items()} | _vias(text, units)  # fmt: skip
    widths = {layer.name: layer.width for layer in technology.layers}
    wires: dict[str, list[Wire]] = {}
    joints: dict[str, list[Via]] = {}
    for section in ("NETS", "SPECIALNETS"):
        body = re.search(rf"^{section} \d+ ;\n(.*?)^END {section}", text, re.M | re.S)
        for statement in re.split(r"\s;\s*", body[1]) if body else ():
            words = statement.split()
            if not words:
                continue
            net, paths = words[1], re.split(r"\+ ROUTED|\bNEW\b", statement)[1:]
            for path in paths:
                lines, places = _path(path.split(), units, widths, section == "SPECIALNETS")
                wires.setdefault(net, []).extend(lines)
                for name, x, y in places:
                    if name not in vias:
                        raise ValueError(f"net {net} has a via {name} that nothing defines")
                    joints.setdefault(net, []).append(vias[name].moved(x, y))
    return Routes(wires, joints, failed)


def _path(
    words: Sequence[str], units: float, widths: Mapping[str, float], special: bool
) -> tuple[list[Wire], list[tuple[str, float, float]]]:
    """Read one path: its layer, a width if it is special, points, and vias where they stand."""
    layer, rest = words[0], list(words[1:])
    width = float(rest.pop(0)) / units if special else widths[layer]
    lines, places = list[Wire](), list[tuple[str, float, float]]()
    at: tuple[float, float] | None = None
    for word in _points(rest):
        if isinstance(word, str):
            assert at is not None
            places.append((word, *at))
            continue
        x, y = (
            at[k] if at and value == "*" else float(value) / units for k, value in enumerate(word)
        )
        if at is not None:
            lines.append(Wire(layer, *at, x, y, width))
        at = (x, y)
    return lines, places


def _points(words: Sequence[str]) -> Iterator[tuple[str, str] | str]:
    index = 0
    while index < len(words):
        if words[index] == "(":
            yield words[index + 1], words[index + 2]
            index += words.index(")", index) - index + 1
        else:
            yield words[index]
            index += 1


def _vias(text: str, units: float) -> dict[str, Via]:
    """Return the vias that a DEF file defines itself."""
    body = re.search(r"^VIAS \d+ ;\n(.*?)^END VIAS", text, re.M | re.S)
    found: dict[str, Via] = {}
    for statement in re.split(r"\s;\s*", body[1]) if body else ():
        name = re.match(r"\s*- (\S+)", statement)
        if name:
            boxes = re.findall(r"\+ RECT (\S+) \( (\S+) (\S+) \) \( (\S+) (\S+) \)", statement)
            shapes = [Shape(b[0], *(float(v) / units for v in b[1:])) for b in boxes]
            holes = tuple(s for s in shapes if s.layer.startswith("via"))
            found[name[1]] = Via(tuple(s for s in shapes if s not in holes), holes)
    return found
