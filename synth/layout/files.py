"""A layout as other tools read it: DEF, structural Verilog and SPEF, with short names."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from nomul.synth.layout.lef import Technology
from nomul.synth.layout.pieces import Floats, Pieces
from nomul.synth.layout.place import Placement
from nomul.synth.layout.trees import Trees

_LEAST_OHM = 1e-3  # of pins at one place


def port_names(pieces: Pieces) -> list[str]:
    """Return the ports' names without brackets, each once: ``o__payload_3``."""
    names: list[str] = []
    for port in pieces.ports:
        name = re.sub(r"\W+", "_", port).strip("_")
        while name in names:
            name += "_"
        names.append(name)
    return names


def net_names(pieces: Pieces) -> list[str]:
    """Return the nets' names: a port's where there is one, an input's first, else a number."""
    names = [f"n{net}" for net in range(pieces.nets)]
    shown = list(zip(port_names(pieces), pieces.port_nets, pieces.port_inputs, strict=True))
    for name, net, _ in sorted(shown[::-1], key=lambda port: port[2]):
        names[net] = name
    return names


def verilog(pieces: Pieces, top: str) -> str:
    """Return the netlist as one flat module whose ports are bits.

    Pins at constants are left open, and ports at constants are left out: no wire leads there.
    """
    nets, ports = net_names(pieces), port_names(pieces)
    used = sorted(set(pieces.pin_net.tolist()) - set(pieces.port_nets))
    lines = [f"module {top} ({', '.join(ports)});"]
    for name, inputs in zip(ports, pieces.port_inputs, strict=True):
        lines.append(f"  {'input' if inputs else 'output'} {name};")
    lines += [f"  wire {nets[net]};" for net in used]
    for index, (cell, pins) in enumerate(zip(pieces.cells, _pins(pieces), strict=True)):
        wired = ", ".join(f".{pieces.pin_name[pin]}({nets[pieces.pin_net[pin]]})" for pin in pins)
        lines.append(f"  {cell} u{index} ({wired});")
    for name, net in zip(ports, pieces.port_nets, strict=True):
        if nets[net] != name:
            lines.append(f"  assign {name} = {nets[net]};")
    return "\n".join([*lines, "endmodule", ""])


def _pins(pieces: Pieces) -> list[list[int]]:
    """Return the pins of each instance."""
    found: list[list[int]] = [[] for _ in pieces.cells]
    for pin, cell in enumerate(pieces.pin_cell.tolist()):
        found[cell].append(pin)
    return found


def spef(
    pieces: Pieces, trees: Trees, top: str, ff_per_um: Floats, ohm_per_um: float
) -> Iterator[str]:
    """Yield the lines of a SPEF file: each tree as a network of resistances between pins.

    Half of the capacitance of an edge is at each of its ends.

    Parameters
    ----------
    ff_per_um
        float64[nets]: capacitance of a net's wire per um of its tree.
    ohm_per_um
        Its resistance.
    """
    nets, ports, many = net_names(pieces), port_names(pieces), len(pieces.pin_net)
    nodes = [
        f"u{cell}:{name}"
        for cell, name in zip(pieces.pin_cell.tolist(), pieces.pin_name, strict=True)
    ] + ports
    yield from (
        '*SPEF "IEEE 1481-1998"',
        f'*DESIGN "{top}"',
        '*DATE "none"',
        '*VENDOR "nomul"',
        '*PROGRAM "nomul layout"',
        '*VERSION "1"',
        '*DESIGN_FLOW "NETLIST_TYPE_VERILOG"',
        "*DIVIDER /",
        "*DELIMITER :",
        "*BUS_DELIMITER [ ]",
        "*T_UNIT 1 PS",
        "*C_UNIT 1 FF",
        "*R_UNIT 1 OHM",
        "*L_UNIT 1 HENRY",
    )
    order = np.argsort(trees.net, kind="stable")
    bounds = np.flatnonzero(np.diff(trees.net[order])) + 1
    for edges in np.split(order, bounds) if len(order) else ():
        net = int(trees.net[edges[0]])
        each = trees.length[edges] * ff_per_um[net]
        points = sorted({*trees.a[edges].tolist(), *trees.b[edges].tolist()})
        at = dict.fromkeys(points, 0.0)
        for a, b, ff in zip(trees.a[edges].tolist(), trees.b[edges].tolist(), each, strict=True):
            at[a] += ff / 2
            at[b] += ff / 2
        yield f"*D_NET {nets[net]} {each.sum():.6f}"
        yield "*CONN"
        for point in points:
            if point < many:
                yield f"*I {nodes[point]} {'O' if pieces.drives[point] else 'I'}"
            else:
                yield f"*P {nodes[point]} {'I' if pieces.port_inputs[point - many] else 'O'}"
        yield "*CAP"
        for index, (point, ff) in enumerate(at.items(), 1):
            yield f"{index} {nodes[point]} {ff:.6f}"
        yield "*RES"
        for index, edge in enumerate(edges.tolist(), 1):
            ohm = max(float(trees.length[edge]) * ohm_per_um, _LEAST_OHM)
            yield f"{index} {nodes[trees.a[edge]]} {nodes[trees.b[edge]]} {ohm:.4f}"
        yield "*END"


def def_file(
    pieces: Pieces, placement: Placement, technology: Technology, top: str, layers: int
) -> str:
    """Return the placed design as DEF, with tracks of the lowest ``layers`` routing layers."""
    die, units = placement.floor, technology.units

    def dbu(um: float) -> int:
        return round(um * units)

    ports, nets = port_names(pieces), net_names(pieces)
    turns = ("N", "FS")
    site = technology.macro(pieces.cells[0]).site
    lines = [
        "VERSION 5.6 ;",
        'DIVIDERCHAR "/" ;',
        'BUSBITCHARS "[]" ;',
        f"DESIGN {top} ;",
        f"UNITS DISTANCE MICRONS {units} ;",
        f"DIEAREA ( 0 0 ) ( {dbu(die.width)} {dbu(die.height)} ) ;",
    ]
    for row in range(die.rows):
        corner = f"{dbu(die.margin_x)} {dbu(die.margin_y + row * die.row_height)}"
        step = f"DO {die.columns} BY 1 STEP {dbu(die.site)} 0"
        lines.append(f"ROW row{row} {site} {corner} {turns[row % 2]} {step} ;")
    for layer in technology.layers[:layers]:
        axis, length = ("Y", die.height) if layer.horizontal else ("X", die.width)
        many = int((length - layer.offset) / layer.pitch + 1e-6) + 1
        lines.append(
            f"TRACKS {axis} {dbu(layer.offset)} DO {many} STEP {dbu(layer.pitch)} "
            f"LAYER {layer.name} ;"
        )
    lines.append(f"COMPONENTS {len(pieces.cells)} ;")
    for index, cell in enumerate(pieces.cells):
        corner = f"( {dbu(placement.x[index])} {dbu(placement.y[index])} )"
        turn = turns[int(placement.turned[index])]
        lines.append(f"- u{index} {cell} + PLACED {corner} {turn} ;")
    lines += ["END COMPONENTS", f"PINS {len(ports)} ;"]
    for index, name in enumerate(ports):
        x, y = placement.port_x[index], placement.port_y[index]
        metal = placement.port(index, technology)
        low, high = (
            f"( {dbu(metal.left - x)} {dbu(metal.low - y)} )",
            f"( {dbu(metal.right - x)} {dbu(metal.high - y)} )",
        )
        way = "INPUT" if pieces.port_inputs[index] else "OUTPUT"
        lines += [
            f"- {name} + NET {nets[pieces.port_nets[index]]} + DIRECTION {way} + USE SIGNAL",
            f"  + LAYER {metal.layer} {low} {high}",
            f"  + PLACED ( {dbu(x)} {dbu(y)} ) N ;",
        ]
    members = _members(pieces, ports)
    lines += ["END PINS", f"NETS {len(members)} ;"]
    for net, ends in members.items():
        lines += [f"- {nets[net]}", *_wrapped(ends), " ;"]
    return "\n".join([*lines, "END NETS", "END DESIGN", ""])


def _members(pieces: Pieces, ports: Sequence[str]) -> dict[int, list[str]]:
    """Return the ends of each net that has at least two."""
    found: dict[int, list[str]] = {}
    for net, cell, name in zip(
        pieces.pin_net.tolist(), pieces.pin_cell.tolist(), pieces.pin_name, strict=True
    ):
        found.setdefault(net, []).append(f"( u{cell} {name} )")
    for net, name in zip(pieces.port_nets, ports, strict=True):
        found.setdefault(net, []).append(f"( PIN {name} )")
    return {net: ends for net, ends in sorted(found.items()) if len(ends) > 1}


def _wrapped(ends: Sequence[str]) -> Iterator[str]:
    for k in range(0, len(ends), 6):
        yield "  " + " ".join(ends[k : k + 6])
