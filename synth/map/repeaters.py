"""Buffers on nets that load their driver beyond what the library allows, across modules too.

Logic synthesis sees one module at a time in a design that keeps its hierarchy, so it sizes nothing
for what hangs on a port in the modules around it: a register that serves a whole array would drive
hundreds of gates alone, far outside the library's tables.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nomul.synth.map.cells import Library


@dataclass(frozen=True)
class Repeater:
    """A library's buffer, its pins, and the share of its largest load that it is given."""

    cell: str
    a: str
    y: str
    share: float = 0.5


@dataclass(frozen=True)
class _Sink:
    """A pin that a net drives, or a bit of an instance's port."""

    cell: str
    port: str
    index: int
    load: float


@dataclass
class _Module:
    """What the modules around one need to know: loads in fF of its input bits, limits of outputs.

    A limit is what the driver of an output bit may still drive outside. ``clocks`` are input ports
    that drive clock pins.
    """

    loads: dict[tuple[str, int], float] = field(default_factory=dict)
    limits: dict[tuple[str, int], float] = field(default_factory=dict)
    clocks: set[str] = field(default_factory=set)


def insert(
    modules: dict[str, Any], top: str, library: Library, repeater: Repeater, load_ff: float
) -> int:
    """Add buffers to a mapped design until no driver has more than its largest load.

    From the leaves to the top: an input port of a module takes no more than a buffer is given, so
    whoever is outside has one gate to drive. Sinks are grouped in the order of the instances, and
    buffers drive buffers where one level is not enough. Clock nets are left alone, as everywhere
    before a clock tree.

    Parameters
    ----------
    modules
        Of Yosys' JSON; they are changed.
    top
        The top module. Its outputs have ``load_ff`` each, and its inputs are limited as others'.
    library
        Whose cells the design is made of.

    Returns
    -------
    Number of buffers, those of a module counted once.
    """
    known: dict[str, _Module] = {}
    added = 0
    for name in _leaves_first(modules, top):
        work = _Work(modules, name, library, repeater, load_ff if name == top else 0.0, known)
        added += work.run()
    return added


def _leaves_first(modules: dict[str, Any], top: str) -> Iterator[str]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        for cell in modules[name]["cells"].values():
            if cell["type"] in modules:
                yield from visit(cell["type"])
        yield name

    return visit(top)


class _Work:
    """Buffers one module, all of whose children are known."""

    def __init__(
        self,
        modules: dict[str, Any],
        name: str,
        library: Library,
        repeater: Repeater,
        load_ff: float,
        known: dict[str, _Module],
    ):
        self.module, self.library, self.repeater = modules[name], library, repeater
        self.known = known
        known[name] = self.result = _Module()
        pin = library.cell(repeater.cell).pin(repeater.a)
        self.input_load = pin.capacitance
        self.most = library.cell(repeater.cell).pin(repeater.y).max_capacitance * repeater.share
        self.sinks: dict[Any, list[_Sink]] = {}
        self.limits: dict[Any, float] = {}
        self.fixed: dict[Any, float] = {}
        self.clocks: set[Any] = set()
        ports = self.module["ports"].values()
        bits = [bit for port in ports for bit in port["bits"] if isinstance(bit, int)]
        nets = [b for net in self.module["netnames"].values() for b in net["bits"]]
        self.next_bit = 1 + max((b for b in [*bits, *nets] if isinstance(b, int)), default=1)
        for port in ports:
            for bit in port["bits"]:
                if port["direction"] == "input":
                    self.limits[bit] = self.most
                else:
                    self.fixed[bit] = load_ff
        for instance, cell in self.module["cells"].items():
            self._connect(instance, cell)

    def _connect(self, instance: str, cell: dict[str, Any]) -> None:
        child = self.known.get(cell["type"])
        for port, bits in cell["connections"].items():
            for index, bit in enumerate(bits):
                if child is not None:
                    load, limit = (x.get((port, index)) for x in (child.loads, child.limits))
                    clock = port in child.clocks
                else:
                    pin = self.library.cell(cell["type"]).pin(port)
                    sink = pin.direction == "input"
                    load = pin.capacitance if sink else None
                    limit = None if sink else pin.max_capacitance
                    clock = pin.clock
                if load is not None:
                    self.sinks.setdefault(bit, []).append(_Sink(instance, port, index, load))
                if limit is not None:
                    self.limits[bit] = limit
                if clock:
                    self.clocks.add(bit)

    def run(self) -> int:
        """Buffer every net that needs it, note what the modules around see, and count buffers."""
        before = len(self.module["cells"])
        left = {}
        for bit in [bit for bit in self.sinks if bit in self.limits]:
            own = self.fixed.get(bit, 0.0)
            if bit not in self.clocks:
                own += self._buffer(bit, self.limits[bit] - own)
            left[bit] = own
        for name, port in self.module["ports"].items():
            for index, bit in enumerate(port["bits"]):
                if port["direction"] == "input":
                    self.result.loads[name, index] = left.get(bit, 0.0)
                elif bit in self.limits:
                    self.result.limits[name, index] = self.limits[bit] - left.get(bit, 0.0)
            if self.clocks.intersection(port["bits"]) and port["direction"] == "input":
                self.result.clocks.add(name)
        return len(self.module["cells"]) - before

    def _buffer(self, bit: Any, limit: float) -> float:
        """Put buffers on a net until its load is at most ``limit``; return its load."""
        sinks = self.sinks[bit]
        while len(sinks) > 1 and sum(sink.load for sink in sinks) > limit:
            groups: list[list[_Sink]] = [[]]
            for sink in sinks:
                if groups[-1] and sum(s.load for s in groups[-1]) + sink.load > self.most:
                    groups.append([])
                groups[-1].append(sink)
            if len(groups) == len(sinks):
                break
            sinks = [self._add(bit, group) for group in groups]
        return sum(sink.load for sink in sinks)

    def _add(self, bit: Any, group: list[_Sink]) -> _Sink:
        """Give a group of sinks a buffer of their own on a net, and return its input."""
        new, self.next_bit = self.next_bit, self.next_bit + 1
        name = f"repeater{new}"
        cells, repeater = self.module["cells"], self.repeater
        for sink in group:
            cells[sink.cell]["connections"][sink.port][sink.index] = new
        cells[name] = {
            "type": repeater.cell,
            "port_directions": {repeater.a: "input", repeater.y: "output"},
            "connections": {repeater.a: [bit], repeater.y: [new]},
            "parameters": {},
            "attributes": {},
        }
        self.module["netnames"][f"repeated{new}"] = {"bits": [new], "attributes": {}}
        return _Sink(name, repeater.a, 0, self.input_load)


def repeat(
    source: Path, target: Path, top: str, library: Library, repeater: Repeater, load_ff: float
) -> int:
    """Do the same with a design in a file of Yosys' JSON; return the number of buffers."""
    design = json.loads(source.read_text())
    for name in set(design["modules"]).intersection(library.cells):
        del design["modules"][name]
    added = insert(design["modules"], top, library, repeater, load_ff)
    target.write_text(json.dumps(design))
    return added
