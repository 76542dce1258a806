"""A second opinion on routed wires, by Magic and Netgen: rules, netlist and capacitances.

The cells are the abstracts of their LEF file: what is inside of them is not looked at.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired

from nomul.runs import programs
from nomul.synth.yosys import ToolError

MAGIC, NETGEN = "magic", "netgen-lvs"
LIMIT_S = 600


class RulesError(ToolError):
    """Magic or Netgen stopped."""


@dataclass(frozen=True)
class Verdict:
    """What both programs said.

    Attributes
    ----------
    errors
        Number of places at which a design rule is broken, by Magic's text of the rule.
    matches
        Whether Netgen finds the netlist in the wires that Magic has extracted.
    ends_ff
        Capacitance by the end of a net that names it, ``u3/Y`` or a port, in fF: to the substrate,
        to rails and to other nets, whose capacitance between each other each of the two has.
    tools
        Versions.
    """

    errors: dict[str, int] = field(default_factory=dict)
    matches: bool = False
    ends_ff: dict[str, float] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)


def installed() -> bool:
    """Whether both programs are here."""
    return all(shutil.which(program) for program in (MAGIC, NETGEN))


def judge(routed: Path, top: str, tech: Path, lef: Sequence[Path], netlist: Path) -> Verdict:
    """Check a routed design.

    Parameters
    ----------
    routed, top
        Its DEF file, in whose folder the programs work, and its name.
    tech, lef
        Magic's technology file, and the library's LEF files.
    netlist
        Flat Verilog of the same names, in the same folder.

    Raises
    ------
    RulesError
        A program has stopped or says nothing of use.
    """
    folder = routed.parent
    for number, file in enumerate([tech, *lef]):  # by names that every path fits in
        link = folder / f"rules-{number}{file.suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())
    reads = [f"lef read rules-{n + 1}{file.suffix}" for n, file in enumerate(lef)]
    script = [*("drc off", *reads, f"def read {routed.name}", f"load {top}"), *_SCRIPT, ""]
    (folder / "rules.tcl").write_text("\n".join(script))
    command = [MAGIC, "-dnull", "-noconsole", "-rcfile", "/dev/null"]
    command += ["-T", f"rules-0{tech.suffix}", "rules.tcl"]
    said = _run(command, folder, "rules.log")
    total = re.search(r"^TOTAL (\d+)$", said, re.M)
    if total is None or "EXTRACTED" not in said:
        raise RulesError(f"{MAGIC} stopped in {folder}; see rules.log")
    errors = {why: int(n) for n, why in re.findall(r"^BROKEN (\d+) (.*)$", said, re.M)}
    if bool(errors) != (total[1] != "0"):
        raise RulesError(f"{MAGIC} counts {total[1]} errors in {folder} and names others")
    wired = without_supplies((folder / "extracted.spice").read_text())
    (folder / "wires.spice").write_text(wired)
    (folder / "netlist.spice").write_text(as_spice(netlist.read_text(), wired, top))
    command = [NETGEN, "-batch", "lvs", f"wires.spice {top}", f"netlist.spice {top}"]
    said = _run([*command, "nosetup", "compared.out", "-blackbox"], folder, "compared.log")
    result = re.search(r"^Result: (.*)$", said, re.M)
    if result is None and "Circuits match uniquely" not in said:
        raise RulesError(f"{NETGEN} stopped in {folder}; see compared.log")
    matches = "match uniquely" in (result[1] if result else "Circuits match uniquely")
    version = re.search(r"Magic (\d+\.\d+) revision (\d+)", (folder / "rules.log").read_text())
    tools = {MAGIC: ".".join(version.groups()) if version else "unknown"}
    weighed = capacitances((folder / "weighed.spice").read_text())
    return Verdict(errors, matches, weighed, tools)


# Rules are looked at everywhere, then wires are extracted without what they weigh, then with it.
_SCRIPT = (
    "select top cell",
    "expand",
    "drc euclidean on",
    "drc on",
    "drc check",
    "drc catchup",
    'puts "TOTAL [drc list count total]"',
    'foreach {why boxes} [drc listall why] { puts "BROKEN [llength $boxes] $why" }',
    "extract do local",
    "extract no all",
    "extract all",
    "ext2spice lvs",
    "ext2spice subcircuit top on",
    "ext2spice -o extracted.spice",
    "extract do capacitance",
    "extract do coupling",
    "extract all",
    "ext2spice cthresh 0",
    "ext2spice -o weighed.spice",
    'puts "EXTRACTED"',
    "quit -noprompt",
)


def capacitances(spice: str) -> dict[str, float]:
    """Return the capacitance of each node of an extracted netlist in fF; between two, both have it.

    Raises
    ------
    RulesError
        A capacitance has no unit that is known.
    """
    found: dict[str, float] = {}
    for a, b, value, unit in re.findall(r"^C\d+ (\S+) (\S+) (-?[\d.]+)(\w*)$", spice, re.M):
        if unit not in _FEMTOFARAD:
            raise RulesError(f"{MAGIC} says a capacitance of {value}{unit}")
        for node in (a, b):
            found[node] = found.get(node, 0.0) + float(value) * _FEMTOFARAD[unit]
    return found


_FEMTOFARAD = {"aF": 1e-3, "fF": 1.0, "pF": 1e3}


def without_supplies(spice: str) -> str:
    """Return a netlist without its cells' supply pins, which no wire joins, as there is no grid."""
    lines = re.sub(r"\n\+", "", spice).splitlines()
    kept: dict[str, list[bool]] = {}
    out = []
    for line in lines:
        words = line.split()
        if line.startswith(".subckt"):
            kept[words[1]] = [pin.lower() not in ("gnd", "vdd") for pin in words[2:]]
            pins = [p for p, keep in zip(words[2:], kept[words[1]], strict=True) if keep]
            out.append(" ".join([*words[:2], *pins]))
        elif line.startswith("X") and words[-1] in kept:
            nets = zip(words[1:-1], kept[words[-1]], strict=True)
            out.append(" ".join([words[0], *(net for net, keep in nets if keep), words[-1]]))
        else:
            out.append(line)
    return "\n".join(out) + "\n"


def as_spice(verilog: str, cells: str, top: str) -> str:
    """Return flat Verilog as SPICE, with the cells' pins in the order that another netlist has."""
    heads = re.findall(r"^\.subckt (\S+) (.*)$", cells, re.M)
    order = {name: pins.split() for name, pins in heads}
    lines = [f".subckt {name} {pins}\n.ends" for name, pins in heads if name != top]
    lines.append(f".subckt {top} {' '.join(order[top])}")
    for cell, name, pins in re.findall(r"^\s*(\w+) (u\d+) \((.*)\);$", verilog, re.M):
        nets = dict(re.findall(r"\.(\w+)\s*\(([^)]*)\)", pins))
        joined = [nets.get(pin) or f"{name}_{pin}" for pin in order[cell]]
        lines.append(" ".join([f"X{name}", *joined, cell]))
    return "\n".join([*lines, ".ends", ""])


def _run(command: Sequence[str], folder: Path, log: str) -> str:
    with (folder / log).open("w") as out:
        try:
            programs.run(list(command), folder, log=out, timeout=LIMIT_S)
        except TimeoutExpired:
            raise RulesError(f"{command[0]} took more than {LIMIT_S} s") from None
    return (folder / log).read_text(errors="replace")
