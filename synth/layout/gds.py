"""A layout as GDSII: the library's own cells where they stand, and the metal of routed wires."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from nomul.synth.layout.lef import Shape, Technology
from nomul.synth.layout.pieces import Pieces
from nomul.synth.layout.place import Placement
from nomul.synth.layout.route import Routes

# In every file the same, so that the same layout is the same file.
_DATE = datetime(2000, 1, 1)


def write(
    file: Path,
    top: str,
    pieces: Pieces,
    placement: Placement,
    technology: Technology,
    routes: Routes,
    cells: Path,
    layers: Mapping[str, int],
) -> None:
    """Write a layout.

    Parameters
    ----------
    file, top
        Where to, and the name of the whole.
    routes
        Its wires; none where they are estimates.
    cells, layers
        The library's GDSII file, and the number of each metal layer and each layer of holes.

    Raises
    ------
    ImportError
        The package that writes such files is not installed.
    ValueError
        The library's file lacks a cell.
    """
    try:
        import gdstk
    except ImportError:
        raise ImportError("GDSII needs gdstk; try: pip install 'nomul[layout]'") from None

    source = gdstk.read_gds(cells)
    known = {cell.name: cell for cell in source.cells if isinstance(cell, gdstk.Cell)}
    library, whole = gdstk.Library(unit=source.unit, precision=source.precision), gdstk.Cell(top)
    for kind in sorted(set(pieces.cells)):
        if kind not in known:
            raise ValueError(f"{cells.name} has no cell {kind}")
        library.add(known[kind], *known[kind].dependencies(True))
    high = technology.row_height
    for index, kind in enumerate(pieces.cells):
        turned = bool(placement.turned[index])
        x, y = float(placement.x[index]), float(placement.y[index])
        origin = (x, y + high) if turned else (x, y)
        whole.add(gdstk.Reference(known[kind], origin, x_reflection=turned))
    for shape in _metal(pieces, placement, technology, routes):
        corners = (shape.left, shape.low), (shape.right, shape.high)
        whole.add(gdstk.rectangle(*corners, layer=layers[shape.layer]))
    library.add(whole)
    library.write_gds(file, timestamp=_DATE)


def _metal(
    pieces: Pieces, placement: Placement, technology: Technology, routes: Routes
) -> Iterator[Shape]:
    """Yield ports, wires, and vias with their holes."""
    for index in range(len(pieces.ports)):
        yield placement.port(index, technology)
    for wires in routes.wires.values():
        yield from (wire.shape for wire in wires)
    for vias in routes.vias.values():
        for via in vias:
            yield from via.shapes
            yield from via.cuts
