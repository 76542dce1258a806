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


# The table of I2 ? I1 : I0.
_MUX = "SB_LUT4 #(.LUT_INIT(16'hCACA))"


class Ice40(Family):
    """Lattice iCE40 in a shift register, since nextpnr knows no design without pins there.

    Inputs come from a chain of flip-flops. Each output goes into a flip-flop of its own, and from
    there through a multiplexer into a second chain. Four pins do for any number of ports: ``clk``,
    ``si``, ``load`` and ``so``.
    """

    def harness(self, name: str, ports: Ports) -> str:
        """Return both chains around the design."""
        body, pins, inputs, outputs = [], [], 0, 0
        for port, about in ports.items():
            width = len(about["bits"])
            if port == "clk":
                pins.append(".clk(clk)")
            elif about["direction"] == "input":
                pins.append(f".{port}(given[{inputs} +: {width}])")
                inputs += width
            else:
                pins.append(f".{port}(result[{outputs} +: {width}])")
                outputs += width
        if inputs:
            body += [
                f"  wire [{inputs - 1}:0] given;",
                _each("in", inputs, "SB_DFF", C="clk", D=_before("given", inputs, "si"), Q="given"),
            ]
        last = "si"
        if outputs:
            chain = _before("chain", outputs, "si")
            body += [
                f"  wire [{outputs - 1}:0] result, caught, next, chain;",
                _each("catch", outputs, "SB_DFF", C="clk", D="result", Q="caught"),
                _each("mux", outputs, _MUX, I0=chain, I1="caught", I2="load", I3="1'b0", O="next"),
                _each("out", outputs, "SB_DFF", C="clk", D="next", Q="chain"),
            ]
            last = f"chain[{outputs - 1}]"
        body.append(f"  assign so = {last};")
        return _module(name, ["input clk, si, load", "output so"], body, pins)


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
