"""A layout as a picture: cells by module, wires, a legend and a scale, as SVG and as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nomul.synth.layout.pieces import Pieces
from nomul.synth.layout.place import Placement

# Light to dark enough on white, and told apart by most eyes (after Okabe and Ito).
_FILLS = ("#9ecae1", "#fdd49e", "#a1d99b", "#dadaeb", "#fcbba1", "#d9d9d9", "#fff3a0", "#c7e9e4")
_WIRES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#999999", "#e69f00", "#000000")

_STYLE = (
    ".paper{fill:#fff}.die{fill:#f7f7f7}.ink{stroke:#111}text{fill:#111}"
    "@media (prefers-color-scheme: dark){"
    ".paper{fill:#111}.die{fill:#333}.ink{stroke:#eee}text{fill:#eee}}"
)

_OTHER = "#737373"  # of all further modules, darker than those of the largest

SIZE = 900  # pixels of the die's longer side

Segment = tuple[str, float, float, float, float]


def draw(
    pieces: Pieces,
    placement: Placement,
    wires: Sequence[Segment],
    *,
    title: str,
    registers: frozenset[str],
) -> str:
    """Return the picture.

    Cells have the colour of their module; in a netlist of one module, registers have one and logic
    another.

    Parameters
    ----------
    wires
        Name of the layer, and both ends in um, of each straight piece.
    title
        The line above.
    registers
        Names of the library's flip-flops and latches.
    """
    die = placement.floor
    scale = SIZE / max(die.width, die.height)
    width, height = die.width * scale, die.height * scale
    groups = _grouped(pieces, registers)
    layers = sorted({wire[0] for wire in wires})
    body = []
    for (name, cells), fill in zip(groups.items(), _fills(len(groups)), strict=True):
        path = "".join(
            f"M{placement.x[k]:.2f} {placement.y[k]:.2f}"
            f"h{pieces.width[k]:.2f}v{pieces.height[k]:.2f}h-{pieces.width[k]:.2f}z"
            for k in cells
        )
        body.append(
            f'<path d="{path}" fill="{fill}" stroke="#555" stroke-width="{0.4 / scale:.4f}">'
            f"<title>{_text(name)}</title></path>"
        )
    for layer, colour in zip(layers, _endless(_WIRES, len(layers)), strict=True):
        path = "".join(
            f"M{x0:.2f} {y0:.2f}L{x1:.2f} {y1:.2f}"
            for name, x0, y0, x1, y1 in wires
            if name == layer
        )
        body.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{0.7 / scale:.4f}" '
            f'stroke-opacity="0.7"><title>{_text(layer)}</title></path>'
        )
    for x, y in zip(placement.port_x.tolist(), placement.port_y.tolist(), strict=True):
        body.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{3 / scale:.3f}" fill="#b00"/>')
    entries = _legend(list(groups), layers)
    legend = "".join(
        f'<rect x="{width + 40:.0f}" y="{60 + 22 * k}" width="14" height="14" fill="{colour}" '
        f'stroke="#555"/><text x="{width + 60:.0f}" y="{72 + 22 * k}">{_text(name)}</text>'
        for k, (name, colour) in enumerate(entries)
    )
    bar = _round(die.width / 4)
    below = height + 65
    ruler = (
        f'<path d="M20 {below - 5:.1f}v10m0 -5h{bar * scale:.1f}m0 -5v10" class="ink" '
        f'fill="none"/><text x="{26 + bar * scale:.0f}" y="{below + 5:.0f}">{bar:g} um</text>'
    )
    about = f"{len(pieces.cells):,} cells on {die.width:.1f} x {die.height:.1f} um"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 260:.0f}" '
        f'height="{height + 90:.0f}" font-family="sans-serif" font-size="14">\n'
        f"<title>{_text(title)}</title>\n<desc>{about}, coloured by module, with "
        f"{'wires, ' if wires else ''}ports and a scale</desc>\n<style>{_STYLE}</style>\n"
        f'<rect class="paper" width="100%" height="100%"/>\n'
        f'<text x="20" y="25" font-size="16">{_text(title)}</text>\n'
        # Layouts count y upwards, pictures downwards.
        f'<g transform="translate(20 {height + 40:.2f}) scale({scale:.5f} {-scale:.5f})">\n'
        f'<rect class="die ink" width="{die.width:.3f}" height="{die.height:.3f}" '
        f'stroke-width="{1 / scale:.4f}"/>\n' + "\n".join(body) + "\n</g>\n"
        f"{legend}\n{ruler}\n</svg>\n"
    )


def paint(
    file: Path,
    pieces: Pieces,
    placement: Placement,
    wires: Sequence[Segment],
    *,
    title: str,
    registers: frozenset[str],
) -> None:
    """Write the same picture as PNG, for those whose programs show no SVG.

    Raises
    ------
    ImportError
        The package that draws is not installed.
    """
    try:
        from matplotlib.collections import LineCollection, PolyCollection
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError:
        raise ImportError("pictures need matplotlib; try: pip install 'nomul[layout]'") from None

    die = placement.floor
    figure = Figure(figsize=(11, 9), dpi=100, layout="constrained")
    axes = figure.subplots()
    groups = _grouped(pieces, registers)
    for cells, fill in zip(groups.values(), _fills(len(groups)), strict=True):
        boxes = []
        for k in cells:
            left, low = placement.x[k], placement.y[k]
            right, high = left + pieces.width[k], low + pieces.height[k]
            boxes.append([(left, low), (right, low), (right, high), (left, high)])
        axes.add_collection(PolyCollection(boxes, facecolor=fill, edgecolor="#555", linewidth=0.2))
    layers = sorted({wire[0] for wire in wires})
    for layer, colour in zip(layers, _endless(_WIRES, len(layers)), strict=True):
        lines = [[(x0, y0), (x1, y1)] for name, x0, y0, x1, y1 in wires if name == layer]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=0.5, alpha=0.7))
    axes.plot(placement.port_x, placement.port_y, "o", color="#b00", markersize=3)
    axes.set(xlim=(0, die.width), ylim=(0, die.height), aspect="equal", title=title)
    axes.set(xlabel="um", ylabel="um")
    entries = _legend(list(groups), layers)
    shown = [Patch(facecolor=colour, edgecolor="#555", label=name) for name, colour in entries]
    figure.legend(handles=shown, loc="outside right upper", frameon=False)
    figure.savefig(file, bbox_inches="tight", metadata={"Software": None})


def _legend(groups: Sequence[str], layers: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the colours mean; modules beyond the colours that there are have one line."""
    entries = list(zip(groups, _FILLS, strict=False))
    if len(groups) > len(_FILLS):
        entries.append((f"{len(groups) - len(_FILLS)} more modules", _OTHER))
    return [*entries, *zip(layers, _WIRES, strict=False), ("port", "#b00")]


def _grouped(pieces: Pieces, registers: frozenset[str]) -> Mapping[str, Sequence[int]]:
    """Return the instances by the name of what they are shown as, the most numerous first."""
    found: dict[str, list[int]] = {}
    flat = len(set(pieces.modules)) < 2
    for index, (cell, module) in enumerate(zip(pieces.cells, pieces.modules, strict=True)):
        kind = ("registers" if cell in registers else "logic") if flat else module
        found.setdefault(kind, []).append(index)
    return dict(sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0])))


def _fills(many: int) -> list[str]:
    """Return the colours of so many modules: the largest have one of their own."""
    return [*_FILLS, *[_OTHER] * many][:many]


def _endless(colours: Sequence[str], many: int) -> list[str]:
    return [colours[k % len(colours)] for k in range(many)]


def _round(length: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, ... that is not longer."""
    steps = [m * 10.0**e for e in range(-2, 6) for m in (1, 2, 5)]
    return max(step for step in steps if step <= max(length, steps[0]))


def _text(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;")
