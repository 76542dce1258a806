"""Hierarchy and block diagram of a design, read from its netlist, never drawn by hand."""

import html
import json
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from nomul.runs import folders, programs
from nomul.synth import yosys
from nomul.synth.emit.verilog import Emitted

_TO_JSON = (
    "read_rtlil design.il",
    "hierarchy -top {top}",
    "proc",
    "opt_clean",
    "memory_collect",
    "write_json d.json",
)
_CLOCKS = {"clk", "rst"}
GLUE = "logic and registers"
STATUS = "flags and counters"


@dataclass
class Block:
    """A module: how often its parent has it, and what is below it.

    ``registers`` counts the bits of flip-flops and memories in the module itself.
    """

    name: str
    count: int = 1
    registers: int = 0
    children: list["Block"] = field(default_factory=list)


@dataclass
class Diagram:
    """What a block diagram shows of one module.

    Attributes
    ----------
    nodes
        Name to label: streams and other ports, submodules, and what lies between them.
    kinds
        Name to ``in``, ``out``, ``module`` or ``glue``.
    edges
        (from, to) to number of bits.
    """

    nodes: dict[str, str]
    kinds: dict[str, str]
    edges: dict[tuple[str, str], int]


def netlist(emitted: Emitted) -> dict[str, Any]:
    """Return the modules of a design as Yosys's JSON has them, hierarchy kept."""
    with folders.scratch() as folder:
        (folder / "design.il").write_text(emitted.rtlil)
        yosys.run([line.format(top=emitted.name) for line in _TO_JSON], folder)
        modules: dict[str, Any] = json.loads((folder / "d.json").read_text())["modules"]
    return modules


def hierarchy(modules: dict[str, Any], top: str, count: int = 1) -> Block:
    """Return the tree of modules below ``top``, instances of one module counted together."""
    cells = modules[top]["cells"].values()
    below: dict[str, int] = defaultdict(int)
    for cell in cells:
        if cell["type"] in modules:
            below[cell["type"]] += 1
    registers = sum(_registers(cell) for cell in cells)
    children = [hierarchy(modules, name, n) for name, n in below.items()]
    return Block(top, count, registers, children)


def _registers(cell: dict[str, Any]) -> int:
    parameters = cell["parameters"]
    if re.fullmatch(r"\$\w*dff\w*", cell["type"]):
        return _integer(parameters["WIDTH"])
    if cell["type"].startswith("$mem_v"):
        return _integer(parameters["WIDTH"]) * _integer(parameters["SIZE"])
    return 0


def _integer(bits: str) -> int:
    return int(bits, 2)


def diagram(modules: dict[str, Any], top: str) -> Diagram:
    """Return streams, submodules and the bits between them, for one module.

    Instances of the same module are one node; so are the gates and registers of the module itself,
    and so are its plain outputs. Clock, reset and the ready of each stream are left out.
    """
    module = modules[top]
    nodes: dict[str, str] = {}
    kinds: dict[str, str] = {}
    drivers: dict[int, str] = {}
    readers: dict[int, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)

    def connect(node: str, bits: list[Any], *, drives: bool) -> None:
        for bit in bits:
            if isinstance(bit, int):
                if drives:
                    drivers[bit] = node
                else:
                    readers[bit].add(node)

    for name, port in module["ports"].items():
        if name in _CLOCKS or name.endswith("__ready"):
            continue
        side = {"input": "in", "output": "out"}[port["direction"]]
        stream, is_stream = re.subn(r"__(valid|payload)$", "", name)
        node = f"{side} {stream if is_stream else STATUS}"
        nodes[node], kinds[node] = node.partition(" ")[2], side
        connect(node, port["bits"], drives=side == "in")
    clocks = {b for name in _CLOCKS & module["ports"].keys() for b in module["ports"][name]["bits"]}
    for cell in module["cells"].values():
        kind = cell["type"]
        node = f"module {kind}" if kind in modules else GLUE
        counts[node] += 1
        kinds[node] = "module" if kind in modules else "glue"
        for port, bits in cell["connections"].items():
            inward = cell["port_directions"][port] == "input"
            connect(node, [b for b in bits if b not in clocks], drives=not inward)
    for node, count in counts.items():
        short = node.removeprefix("module ").removeprefix(f"{top}_")
        nodes[node] = GLUE if node == GLUE else short + (f" x{count}" if count > 1 else "")
    edges: dict[tuple[str, str], int] = defaultdict(int)
    for bit, driver in drivers.items():
        for reader in readers[bit]:
            if reader != driver:
                edges[driver, reader] += 1
    return Diagram(nodes, kinds, dict(edges))


_SHAPES = {
    "in": 'shape=cds, fillcolor="#e3f0e3"',
    "out": 'shape=cds, fillcolor="#e3e9f5"',
    "module": 'shape=box, style="filled", fillcolor="#fdf3dc"',
    "glue": 'shape=box, style="filled,rounded", fillcolor="#f0f0f0"',
}


def dot(shown: Diagram) -> str:
    """Return a diagram in Graphviz's language."""
    lines = [
        "digraph d {",
        "rankdir=LR; bgcolor=transparent; nodesep=0.25; ranksep=0.6;",
        'node [fontname="DejaVu Sans", fontsize=11, style=filled, height=0.3];',
        'edge [fontname="DejaVu Sans", fontsize=9, color="#666666", fontcolor="#444444"];',
    ]
    for name, label in shown.nodes.items():
        lines.append(
            f"{json.dumps(name)} [label={json.dumps(label)}, {_SHAPES[shown.kinds[name]]}];"
        )
    for (a, b), bits in shown.edges.items():
        lines.append(f'{json.dumps(a)} -> {json.dumps(b)} [label="{bits}"];')
    return "\n".join([*lines, "}"])


def draw(shown: Diagram, title: str, about: str) -> str:
    """Return a diagram as an SVG element with a title and a description.

    Raises
    ------
    FileNotFoundError
        Graphviz is not installed; the message says how to get it.
    """
    program = shutil.which("dot")
    if program is None:
        raise FileNotFoundError("block diagrams need Graphviz; try: apt-get install graphviz")
    run = programs.run([program, "-Tsvg"], text=dot(shown))
    if run.returncode:
        raise yosys.ToolError(f"Graphviz stopped: {run.stderr.strip()}")
    svg = run.stdout[run.stdout.index("<svg") :]
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg)  # those of nodes repeat their labels
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[^"]*"', "", svg)  # pages hold several diagrams
    head, end, body = svg.partition(">")
    front = f"<title>{html.escape(title)}</title><desc>{html.escape(about)}</desc>"
    return f'{head} role="img"{end}{front}{body}'
