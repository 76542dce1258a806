"""Layers and cells of LEF files: what placement, wire estimates and pictures need of them.

One file, since it is one grammar, read from one kind of file.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A routing layer.

    Attributes
    ----------
    horizontal
        Its preferred direction.
    pitch, offset, width
        Of its tracks and of a wire, in um. Tracks of the preferred direction start at ``offset``.
    area_ff, edge_ff
        Capacitance to the ground: fF per um2 of area, and fF per um of each of two edges.
    ohm
        Resistance of a square.
    """

    name: str
    horizontal: bool
    pitch: float
    offset: float
    width: float
    area_ff: float
    edge_ff: float
    ohm: float

    @property
    def ff_per_um(self) -> float:
        """Capacitance of a wire of the layer's width, fF per um."""
        return self.area_ff * self.width + 2 * self.edge_ff

    @property
    def ohm_per_um(self) -> float:
        """Resistance of such a wire."""
        return self.ohm / self.width


@dataclass(frozen=True)
class Shape:
    """A rectangle of metal in um."""

    layer: str
    left: float
    low: float
    right: float
    high: float

    @property
    def area(self) -> float:
        """In um2."""
        return (self.right - self.left) * (self.high - self.low)


@dataclass(frozen=True)
class MacroPin:
    """A pin of a cell; ``use`` is ``signal``, ``clock``, ``power`` or ``ground``."""

    direction: str
    use: str
    shapes: tuple[Shape, ...]

    def centre(self) -> tuple[float, float]:
        """Return the middle of its largest shape, where a wire is taken to end."""
        largest = max(self.shapes, key=lambda shape: shape.area)
        return (largest.left + largest.right) / 2, (largest.low + largest.high) / 2


@dataclass(frozen=True)
class Macro:
    """A cell as the layout sees it, in um; ``obstructions`` is metal within that is no pin."""

    name: str
    width: float
    height: float
    site: str
    pins: Mapping[str, MacroPin] = field(hash=False)
    obstructions: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Technology:
    """What the LEF files of a library say.

    Attributes
    ----------
    units
        Database units per um.
    layers
        Routing layers from the lowest.
    macros
        Cells by name.
    vias, cuts
        Metal of the vias by name, around their middle, and their holes, in layers of their own.
    """

    units: int
    layers: tuple[Layer, ...]
    macros: Mapping[str, Macro] = field(hash=False)
    vias: Mapping[str, tuple[Shape, ...]] = field(hash=False)
    cuts: Mapping[str, tuple[Shape, ...]] = field(hash=False, default_factory=dict)

    def macro(self, name: str) -> Macro:
        """Return a cell.

        Raises
        ------
        ValueError
            The files do not describe it.
        """
        if name not in self.macros:
            raise ValueError(f"the library's LEF files have no cell {name}")
        return self.macros[name]

    @property
    def row_height(self) -> float:
        """Height of a row: that of the lowest cells."""
        return min(macro.height for macro in self.macros.values())

    @property
    def site(self) -> float:
        """Width that all cells' widths are multiples of, in um."""
        widths = [round(macro.width * self.units) for macro in self.macros.values()]
        return math.gcd(*widths) / self.units

    @property
    def signal(self) -> tuple[Layer, Layer]:
        """The lowest horizontal and the lowest vertical layer above the one that cells use."""
        above = self.layers[1:]
        return (
            next(layer for layer in above if layer.horizontal),
            next(layer for layer in above if not layer.horizontal),
        )


@cache
def read(files: tuple[Path, ...]) -> Technology:
    """Read the LEF files of a library, the technology's first.

    Raises
    ------
    FileNotFoundError
        One is not there.
    ValueError
        They have no routing layer with a pitch, or no cell.
    """
    units, layers, macros = 100, list[Layer](), dict[str, Macro]()
    vias = dict[str, tuple[Shape, ...]]()
    for file in files:
        tokens = _tokens(file.read_text())
        for token in tokens:
            if token == "DATABASE":
                next(tokens)
                units = int(float(next(tokens)))
            elif token == "LAYER":
                layer = _layer(next(tokens), tokens)
                layers += [layer] if layer else []
            elif token == "VIA":
                name = next(tokens)
                vias[name] = tuple(_via(name, tokens))
            elif token in ("VIARULE", "SITE"):
                _skip(next(tokens), tokens)
            elif token == "MACRO":
                macro = _macro(next(tokens), tokens)
                macros[macro.name] = macro
    if len(layers) < 3 or not macros:
        raise ValueError(
            f"{', '.join(file.name for file in files)} have {len(layers)} routing layers and "
            f"{len(macros)} cells; a layout needs three layers with a pitch, and cells"
        )
    metal = {layer.name for layer in layers}
    kept = {name: tuple(s for s in via if s.layer in metal) for name, via in vias.items()}
    cuts = {name: tuple(s for s in via if s.layer not in metal) for name, via in vias.items()}
    return Technology(units, tuple(layers), macros, kept, cuts)


def _tokens(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from line.partition("#")[0].replace(";", " ; ").split()


def _statement(tokens: Iterator[str]) -> list[str]:
    """Return the words up to the next semicolon."""
    words: list[str] = []
    for token in tokens:
        if token == ";":
            break
        words.append(token)
    return words


def _skip(name: str, tokens: Iterator[str]) -> None:
    """Go on behind ``END name``."""
    for token in tokens:
        if token == "END" and next(tokens) == name:
            return


def _via(name: str, tokens: Iterator[str]) -> Iterator[Shape]:
    """Read a via up to ``END name``; the word behind its name has no semicolon."""
    layer = ""
    for token in tokens:
        if token == "END":
            next(tokens)
            break
        if token == "LAYER":
            layer = _statement(tokens)[0]
        elif token == "RECT":
            left, low, right, high = map(float, _statement(tokens))
            yield Shape(layer, left, low, right, high)


def _layer(name: str, tokens: Iterator[str]) -> Layer | None:
    """Read a layer; None if no wires are routed in it."""
    said: dict[str, list[str]] = {}
    for token in tokens:
        if token == "END":
            next(tokens)
            break
        words = _statement(tokens)
        if token not in ("SPACINGTABLE", "SPACING"):
            said[token] = words
    if said.get("TYPE") != ["ROUTING"] or "PITCH" not in said:
        return None
    horizontal = said["DIRECTION"] == ["HORIZONTAL"]

    def number(word: str, default: float = 0.0) -> float:
        return float(said[word][-1]) if word in said else default

    # LEF: pitch and offset may be given for x and y; capacitances are in pF.
    pair = said.get("OFFSET", ["0"])
    return Layer(
        name=name,
        horizontal=horizontal,
        pitch=number("PITCH"),
        offset=float(pair[-1 if horizontal else 0]),
        width=number("WIDTH"),
        area_ff=number("CAPACITANCE") * 1e3,
        edge_ff=number("EDGECAPACITANCE") * 1e3,
        ohm=number("RESISTANCE"),
    )


def _macro(name: str, tokens: Iterator[str]) -> Macro:
    width = height = 0.0
    site = ""
    pins: dict[str, MacroPin] = {}
    within = list[Shape]()
    for token in tokens:
        if token == "END":
            next(tokens)
            break
        if token == "PIN":
            pin = next(tokens)
            pins[pin] = _pin(tokens)
        elif token == "OBS":
            within += _shapes(tokens)
        else:
            words = _statement(tokens)
            if token == "SIZE":
                width, height = float(words[0]), float(words[2])
            elif token == "SITE":
                site = words[0]
    return Macro(name, width, height, site, pins, tuple(within))


def _pin(tokens: Iterator[str]) -> MacroPin:
    direction, use, shapes = "input", "signal", list[Shape]()
    for token in tokens:
        if token == "END":
            next(tokens)
            break
        if token == "PORT":
            shapes += _shapes(tokens)
            continue
        words = _statement(tokens)
        if token == "DIRECTION":
            direction = words[0].lower()
        elif token == "USE":
            use = words[0].lower()
    return MacroPin(direction, use, tuple(shapes))


def _shapes(tokens: Iterator[str]) -> Sequence[Shape]:
    """Read the shapes of a port or of obstructions up to its END."""
    found, layer = list[Shape](), ""
    for token in tokens:
        if token == "END":
            break
        words = _statement(tokens)
        if token == "LAYER":
            layer = words[0]
        elif token == "RECT":
            left, low, right, high = map(float, words)
            found.append(Shape(layer, left, low, right, high))
        elif token == "POLYGON":
            x, y = ([float(word) for word in words[k::2]] for k in (0, 1))
            found += _rectangles(layer, list(zip(x, y, strict=True)))
    return found


def _rectangles(layer: str, corners: Sequence[tuple[float, float]]) -> Iterator[Shape]:
    """Cut a polygon with level and upright edges into rectangles, row by row."""
    edges = zip(corners, [*corners[1:], corners[0]], strict=True)
    upright = [(x, min(y, v), max(y, v)) for (x, y), (u, v) in edges if x == u]
    levels = sorted({y for _, y in corners})
    for low, high in itertools.pairwise(levels):
        crossed = sorted(x for x, start, end in upright if start <= low and end >= high)
        for left, right in zip(crossed[::2], crossed[1::2], strict=True):
            yield Shape(layer, left, low, right, high)
