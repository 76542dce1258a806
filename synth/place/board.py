"""A board as a small file of pins: its FPGA, its clock, and its lines to a computer."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from nomul.synth.place import families

# The ports of each kind of line, from the view of the FPGA.
LINKS = {"uart": ("rx", "tx"), "spi": ("sck", "csn", "mosi", "miso")}

_REQUIRED = {"title": str, "target": str, "device": str, "clock_hz": int, "pins": dict}
_TABLES = (*LINKS, "high")


@dataclass(frozen=True)
class Board:
    """A board with a clock and a line to a computer.

    Parameters
    ----------
    name, title
        What people type, and what it is called.
    target, device
        Family, and nextpnr's name of the device.
    clock, clock_hz
        Pin of the oscillator, and its frequency.
    links
        For each kind of line that the board has, one of :data:`LINKS`, the pin of each port.
    high
        Pins to hold at one.
    """

    name: str
    title: str
    target: str
    device: str
    clock: str
    clock_hz: int
    links: Mapping[str, Mapping[str, str]]
    high: Mapping[str, str]

    def line(self, link: str) -> Mapping[str, str]:
        """Return the pins of a line.

        Raises
        ------
        ValueError
            There is no such kind of line, or the board has no pins for it.
        """
        if link not in LINKS:
            raise ValueError(f"a link is {' or '.join(LINKS)}, not {link!r}")
        if link not in self.links:
            known = " or ".join(kind for kind in LINKS if kind in self.links)
            raise ValueError(
                f"board {self.name} has no pins for {link}: its file needs [{link}], or take "
                f"{known} as the link"
            )
        return self.links[link]

    def constraints(self, link: str = "uart") -> str:
        """Return the text of the file that ties ports to pins."""
        pins = {"clk": self.clock, **self.line(link), **self.high}
        if self.target == "ice40":
            return "".join(f"set_io {port} {pin}\n" for port, pin in pins.items())
        if self.target == "gowin":
            return "".join(
                f'IO_LOC "{port}" {pin};\nIO_PORT "{port}" IO_TYPE=LVCMOS33;\n'
                for port, pin in pins.items()
            )
        lines = [f'LOCATE COMP "{port}" SITE "{pin}";\n' for port, pin in pins.items()]
        lines += [f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33;\n' for port in pins]
        lines.append(f'FREQUENCY PORT "clk" {self.clock_hz / 1e6:g} MHZ;\n')
        return "".join(lines)


def shipped() -> list[str]:
    """Return the names of the boards that come along."""
    folder = files("nomul.synth.place") / "pins"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name[-5:] == ".toml")


def get(name: str) -> Board:
    """Return a board that comes along by its name, or any by its file, ``FILE.toml``.

    Raises
    ------
    ValueError
        There is no such board, or the file is none of a board; the message names file and field.
    FileNotFoundError
        There is no such file.
    """
    if name.endswith(".toml"):
        return read(Path(name).stem, Path(name).read_text(encoding="utf-8"), Path(name).name)
    if name not in shipped():
        raise ValueError(
            f"there is no board {name!r}; there are {', '.join(shipped())}, or a file NAME.toml"
        )
    text = (files("nomul.synth.place") / "pins" / f"{name}.toml").read_text(encoding="utf-8")
    return read(name, text, f"{name}.toml")


def read(name: str, text: str, file: str) -> Board:
    """Return the board of a text in TOML.

    Raises
    ------
    ValueError
        It is no TOML, or a field is missing, unknown, or of another kind than it has to be.
    """
    if not re.fullmatch(r"\w+", name):
        raise ValueError(f"{file}: a board is named by letters, digits and _, not {name!r}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file}: {error}") from None
    for field in values.keys() - {*_REQUIRED, *_TABLES}:
        known = ", ".join([*_REQUIRED, *_TABLES])
        raise ValueError(f"{file}: there is no field {field!r}; there are {known}")
    for field, kind in _REQUIRED.items():
        if field not in values:
            raise ValueError(f"{file}: field {field!r} is missing")
        if type(values[field]) is not kind:
            wanted = {str: "a text", int: "an integer", dict: "a table"}[kind]
            raise ValueError(f"{file}: {field} must be {wanted}, not {values[field]!r}")
    if values["clock_hz"] < 1:
        raise ValueError(f"{file}: clock_hz must be positive, not {values['clock_hz']}")
    try:
        families.get(values["target"]).candidates(values["device"])
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    clock = _pins(values["pins"], "pins", ("clk",), file)["clk"]
    links = {
        link: _pins(values[link], link, ports, file)
        for link, ports in LINKS.items()
        if link in values
    }
    if not links:
        raise ValueError(f"{file}: a table {' or '.join(f'[{link}]' for link in LINKS)} is missing")
    high = _pins(values.get("high", {}), "high", None, file)
    for link in links.values():
        pins = [clock, *link.values(), *high.values()]
        for pin in pins:
            if pins.count(pin) > 1:
                raise ValueError(f"{file}: pin {pin} is used twice")
    return Board(
        name=name,
        title=values["title"],
        target=values["target"],
        device=values["device"],
        clock=clock,
        clock_hz=values["clock_hz"],
        links=links,
        high=high,
    )


def _pins(table: Any, name: str, ports: tuple[str, ...] | None, file: str) -> dict[str, str]:
    """Return a table of pins, which has to have exactly these ports; any if None."""
    if not isinstance(table, dict):
        raise ValueError(f"{file}: {name} must be a table, not {table!r}")
    for port in ports or ():
        if port not in table:
            raise ValueError(f"{file}: field '{name}.{port}' is missing")
    for port, pin in table.items():
        if ports is not None and port not in ports:
            raise ValueError(f"{file}: {name} has no port {port!r}; it has {', '.join(ports)}")
        if (
            not re.fullmatch(r"\w+", port)
            or not isinstance(pin, str)
            or not re.fullmatch(r"\w+", pin)
        ):
            raise ValueError(f"{file}: {name}.{port} must be a pin as text, not {pin!r}")
    return dict(table)
