"""A netlist of standard cells, flattened and grouped by cell, with loads and slews of its nets.

One file, since loads, slews and levels are computed on one set of arrays.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.runs import folders
from nomul.synth import yosys
from nomul.synth.map import cells

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CLOCK = "clk"

# The first two nets are the constants.
ZERO, ONE = 0, 1
OPEN = -1

# Of IEEE 1800; a name of the source may be one of them, and is escaped.
_KEYWORDS = frozenset(
    """
    accept_on alias always and assert assign assume automatic before begin bind bins bit break
    buf byte case cell chandle checker class clocking config const constraint context continue
    cover cross deassign default defparam design disable dist do edge else end enum event
    eventually expect export extends extern final first_match for force foreach forever fork
    function generate genvar global if iff ifnone implements implies import include initial
    inout input inside instance int integer interconnect interface intersect join large let
    liblist library local localparam logic longint macromodule matches medium modport module
    nand negedge nettype new nexttime nmos nor not null or output package packed parameter
    pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pure rand randc randcase randsequence rcmos real realtime ref reg reject_on release repeat
    restrict return rnmos rpmos rtran scalared sequence shortint shortreal signed small soft
    solve specify specparam static string strong strong0 strong1 struct super supply0 supply1
    table tagged task this throughout time timeprecision timeunit tran tri tri0 tri1 triand
    trior trireg type typedef union unique unique0 unsigned until untyped use uwire var
    vectored virtual void wait wand weak weak0 weak1 while wildcard wire with within wor xnor
    xor
    """.split()
)


@dataclass(frozen=True)
class Group:
    """All instances of one cell.

    Attributes
    ----------
    cell
        Its name.
    nets
        int[n, pins]: the net at each pin of the library's cell, in its order, or ``OPEN``.
    modules
        int[n]: for each instance the module that it stands in, an index into
        :attr:`Netlist.modules`.
    """

    cell: str
    nets: Indices
    modules: Indices


@dataclass(frozen=True)
class Netlist:
    """Instances by cell, nets by number, ports by name.

    ``names`` holds for each net an expression that reads it from the top-level module.
    """

    top: str
    library: cells.Library
    modules: list[str]
    groups: list[Group]
    names: list[str]
    inputs: dict[str, list[int]]
    outputs: dict[str, list[int]]

    def pins(self, group: Group, *names: str) -> Indices:
        """Return the nets at some pins of a group, int[n, len(names)]."""
        order = [pin.name for pin in self.library.cell(group.cell).pins]
        return group.nets[:, [order.index(name) for name in names]]

    def gates(self) -> dict[int, list[int]]:
        """Return the nets of clocks behind a gate, each with the nets that enable it.

        Raises
        ------
        ValueError
            A gate's own clock is not the port.
        """
        gated = {}
        clock = self.inputs.get(CLOCK, [OPEN])[0]
        for group in self.groups:
            cell = self.library.cell(group.cell)
            for name in [pin.name for pin in cell.pins if pin.gate]:
                if (self.pins(group, *cell.clocks) != clock).any():
                    raise ValueError(f"{group.cell} has a clock that is not the port {CLOCK}")
                enables = [pin for pin in cell.inputs if pin not in cell.clocks]
                for row in self.pins(group, name, *enables).tolist():
                    gated[row[0]] = row[1:]
        return gated

    def loads(self, output_load: float = 0.0) -> Floats:
        """Return for each net the capacitance in fF of the input pins that hang on it.

        ``output_load`` is added for each output port. Wires have none.
        """
        loads = np.zeros(len(self.names))
        for group in self.groups:
            cell = self.library.cell(group.cell)
            for name in cell.inputs:
                nets = self.pins(group, name)[:, 0]
                np.add.at(loads, nets[nets != OPEN], cell.pin(name).capacitance)
        for port in self.outputs.values():
            np.add.at(loads, port, output_load)
        return loads

    def slews(self, loads: Floats, input_slew: float) -> Floats:
        """Return rise and fall slew of each net in ns, float64[2, nets].

        The worst over the arcs that drive the net, as in static timing; inputs and clocks have
        ``input_slew``, those behind a gate too, where a clock tree would be.
        """
        slews = np.full((2, len(self.names)), input_slew)
        ideal = list(self.gates())
        levels = self._levels()
        for level in range(1, max((int(x.max()) for x in levels), default=0) + 1):
            for group, group_levels in zip(self.groups, levels, strict=True):
                chosen = group_levels == level
                if chosen.any():
                    self._drive(group, chosen, loads, slews)
                    slews[:, ideal] = input_slew
        return slews

    def depth(self) -> int:
        """Return the largest number of cells between a flip-flop or input and the end of a path."""
        return max((int(group_levels.max()) for group_levels in self._levels()), default=0)

    def _drive(self, group: Group, chosen: Any, loads: Floats, slews: Floats) -> None:
        worst: dict[str, Floats] = {}
        cell = self.library.cell(group.cell)
        for arc in cell.slews:
            pair = self.pins(group, arc.related, arc.pin)[chosen]
            source, sink = pair[:, 0], pair[:, 1]
            load = np.where(sink == OPEN, 0.0, loads[sink])
            rise, fall = edges(arc.sense, slews[:, source], np.maximum)
            new = np.stack([arc.rise.at(rise, load), arc.fall.at(fall, load)])
            worst[arc.pin] = np.maximum(worst.get(arc.pin, new), new)
        for name, new in worst.items():
            nets = self.pins(group, name)[chosen, 0]
            slews[:, nets[nets != OPEN]] = new[:, nets != OPEN]

    def _levels(self) -> list[Indices]:
        """Return for each group the level of its instances: one more than what drives them.

        Flip-flops are driven by their clocks.
        """
        level = np.zeros(len(self.names), dtype=np.intp)
        result = [np.ones(len(group.nets), dtype=np.intp) for group in self.groups]
        for _ in range(sum(len(group.nets) for group in self.groups) + 1):
            before = level.copy()
            for index, group in enumerate(self.groups):
                cell = self.library.cell(group.cell)
                from_pins = sorted({arc.related for arc in cell.slews})
                if from_pins:
                    sources = self.pins(group, *from_pins)
                    result[index] = 1 + level[sources].max(axis=1)
                for name in cell.outputs:
                    nets = self.pins(group, name)[:, 0]
                    level[nets[nets != OPEN]] = result[index][nets != OPEN]
            if np.array_equal(level, before):
                return result
        raise ValueError(f"{self.top} has a loop of combinational cells")


def edges(sense: str, slews: Floats, either: Any) -> tuple[Floats, Floats]:
    """Return the input slews behind a rise and a fall of the output; ``either`` joins both."""
    if sense == "positive_unate":
        return slews[0], slews[1]
    if sense == "negative_unate":
        return slews[1], slews[0]
    joined = either(slews[0], slews[1])
    return joined, joined


def senses(arcs: tuple[cells.Slew, ...], pin: str, related: str) -> str:
    """Return the sense of all arcs between two pins, ``non_unate`` if they differ."""
    kinds = {arc.sense for arc in arcs if (arc.pin, arc.related) == (pin, related)}
    return kinds.pop() if len(kinds) == 1 else "non_unate"


def split(verilog: Path, top: str, folder: Path) -> Path:
    """Write a netlist with one wire per net into ``folder``; only the top's ports stay vectors.

    A simulator copies a vector whenever one of its bits moves, and the buses of an array have
    thousands. Functions and names of cells do not change.
    """
    folder.mkdir(parents=True, exist_ok=True)
    commands = [
        f"read_verilog {folders.stage(verilog, folder, 'whole.v')}",
        f"splitnets -ports * {top} %d",
        f"splitnets {top}",
        "write_verilog -noattr -simple-lhs split.v",
    ]
    yosys.run(commands, folder)
    wires = folder / "split.v"
    wires.write_text(_assigned_at_once(wires.read_text(), top))
    return wires


def _assigned_at_once(verilog: str, top: str) -> str:
    """Return a netlist in which gates drive wires, and each output of the top is one concatenation.

    A simulator copies a vector for every bit of it that a gate drives, and again for every reader.
    """
    start = re.search(rf"^module {re.escape(top)}\b", verilog, re.MULTILINE)
    assert start is not None
    end = verilog.index("\nendmodule", start.end()) + 1
    body = verilog[start.start() : end]
    for high, name in re.findall(r"^  output \[(\d+):0\] (\w+);\n", body, re.MULTILINE):
        width = int(high) + 1
        used = re.findall(rf"(?<![\w.\\]){name}\[(\d+)(:?)", body)
        if (
            not used
            or any(colon for _, colon in used)
            or {int(k) for k, _ in used} != set(range(width))
        ):
            continue  # driven by a concatenation already, or not by gates alone
        body = re.sub(rf"(?<![\w.\\]){name}\[(\d+)\]", rf"{name}_bit\1", body)
        bits = [f"{name}_bit{k}" for k in range(width)]
        port = f"  output [{high}:0] {name};\n"
        body = body.replace(port, f"{port}  wire {', '.join(bits)};\n", 1)
        body += f"  assign {name} = {{{', '.join(bits[::-1])}}};\n"
    return verilog[: start.start()] + body + verilog[end:]


def read(verilog: Path, top: str, library: cells.Library, folder: Path) -> Netlist:
    """Read a mapped netlist, with or without hierarchy.

    Parameters
    ----------
    verilog, top
        As :func:`nomul.synth.map.synthesize.synthesize` writes it, and the name of its top module.
    library
        Whose cells it is made of.
    folder
        Where Yosys works.

    Raises
    ------
    ValueError
        A cell is not in the library, or has no such pin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    staged = folders.stage(verilog, folder, "read.v")
    yosys.run([f"read_verilog {staged}", "write_json netlist.json"], folder)
    modules = json.loads((folder / "netlist.json").read_text())["modules"]
    return _Flattener(modules, top, library).netlist()


class _Flattener:
    """Walks the hierarchy and gives every net a number."""

    def __init__(self, modules: dict[str, Any], top: str, library: cells.Library):
        self.modules, self.top, self.library = modules, top, library
        self.names = ["1'b0", "1'b1"]
        self.found: dict[str, tuple[list[list[int]], list[int]]] = {}
        self.order: list[str] = []

    def netlist(self) -> Netlist:
        ports = {name: port["bits"] for name, port in self.modules[self.top]["ports"].items()}
        nets = self.expand(self.top, (), {})
        sides: dict[str, dict[str, list[int]]] = {"input": {}, "output": {}}
        for name, bits in ports.items():
            side = self.modules[self.top]["ports"][name]["direction"]
            sides[side][name] = [nets[bit] for bit in bits]
        groups = [
            Group(cell, np.array(pins, dtype=np.intp), np.array(places, dtype=np.intp))
            for cell, (pins, places) in sorted(self.found.items())
        ]
        return Netlist(
            self.top,
            self.library,
            self.order,
            groups,
            self.names,
            sides["input"],
            sides["output"],
        )

    def expand(self, name: str, path: tuple[str, ...], bound: dict[Any, int]) -> dict[Any, int]:
        """Give numbers to the nets of one instance and of those below it; return net by bit."""
        module = self.modules[name]
        if name not in self.order:
            self.order.append(name)
        place = self.order.index(name)
        nets: dict[Any, int] = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO, **bound}
        for label, net in module["netnames"].items():
            offset, whole = net.get("offset", 0), len(net["bits"])
            for position, bit in enumerate(net["bits"]):
                if bit not in nets:
                    index = "" if whole == 1 else f"[{position + offset}]"
                    nets[bit] = len(self.names)
                    self.names.append(".".join(map(identifier, (*path, label))) + index)
        for instance, cell in module["cells"].items():
            kind, pins = cell["type"], cell["connections"]
            if kind in self.modules:
                ports = self.modules[kind]["ports"]
                inner = {
                    inside: nets[outside]
                    for port, bits in pins.items()
                    for inside, outside in zip(ports[port]["bits"], bits, strict=True)
                }
                self.expand(kind, (*path, instance), inner)
            else:
                self.add(kind, {pin: nets[bits[0]] for pin, bits in pins.items() if bits}, place)
        return nets

    def add(self, kind: str, pins: dict[str, int], place: int) -> None:
        """Keep one instance of a library cell."""
        order = [pin.name for pin in self.library.cell(kind).pins]
        unknown = sorted(set(pins) - set(order))
        if unknown:
            raise ValueError(f"cell {kind} has no pin {unknown[0]}; it has {', '.join(order)}")
        rows, places = self.found.setdefault(kind, ([], []))
        rows.append([pins.get(pin, OPEN) for pin in order])
        places.append(place)


def identifier(name: str) -> str:
    """Return a name as Verilog spells it, escaped where it must be."""
    name = name.removeprefix("\\")  # Yosys marks public names that begin like private ones
    plain = re.fullmatch(r"[A-Za-z_][\w$]*", name) and name not in _KEYWORDS
    return name if plain else f"\\{name} "
