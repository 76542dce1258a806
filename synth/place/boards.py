"""Bitstreams for boards that people have: a block, a serial line, and the pins between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from nomul.hw.axi import ports
from nomul.hw.serial import Serial
from nomul.synth.emit import Emitted, emit
from nomul.synth.place.bitstream import build
from nomul.synth.place.pnr import DoesNotFitError, Placed, PnrError

BAUD = 115_200


@dataclass(frozen=True)
class Board:
    """A board with a clock and a serial line to a computer.

    Parameters
    ----------
    name, title
        What people type, and what it is called.
    target, device
        Family, and nextpnr's name of the device.
    pins
        For each port of the design its pin: ``clk``, ``rx`` from the computer, ``tx`` to it.
    clock_hz
        Frequency of the oscillator at ``clk``.
    high
        Pins to hold at one.
    """

    name: str
    title: str
    target: str
    device: str
    pins: Mapping[str, str]
    clock_hz: int
    high: Mapping[str, str]

    def constraints(self) -> str:
        """Return the text of the file that ties ports to pins."""
        pins = {**self.pins, **self.high}
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


# Pins after the vendors' schematics: ULX3S 3.0, iCEBreaker 1.0, iCE40HX8K-B-EVN (EB85),
# Tang Nano 20K and 9K (Sipeed).
BOARDS = {
    board.name: board
    for board in (
        Board(
            *("ulx3s", "ULX3S with LFE5U-85F", "ecp5", "85k"),
            {"clk": "G2", "rx": "M1", "tx": "L4"},
            25_000_000,
            {"wifi_gpio0": "L2"},  # low, it restarts the board
        ),
        Board(
            *("icebreaker", "iCEBreaker", "ice40", "up5k"),
            {"clk": "35", "rx": "6", "tx": "9"},
            12_000_000,
            {},
        ),
        Board(
            *("hx8k", "iCE40HX8K-B-EVN", "ice40", "hx8k"),
            {"clk": "J3", "rx": "B10", "tx": "B12"},
            12_000_000,
            {},
        ),
        Board(
            *("ulx3s25f", "ULX3S with LFE5U-25F", "ecp5", "25k"),
            {"clk": "G2", "rx": "M1", "tx": "L4"},
            25_000_000,
            {"wifi_gpio0": "L2"},
        ),
        Board(
            *("tangnano20k", "Tang Nano 20K", "gowin", "20k"),
            {"clk": "4", "rx": "70", "tx": "69"},
            27_000_000,
            {},
        ),
        Board(
            *("tangnano9k", "Tang Nano 9K", "gowin", "9k"),
            {"clk": "52", "rx": "18", "tx": "17"},
            27_000_000,
            {},
        ),
    )
}


def get(name: str) -> Board:
    """Return a board by name; an unknown one is refused with those there are."""
    if name not in BOARDS:
        raise ValueError(f"there is no board {name!r}; there are {', '.join(BOARDS)}")
    return BOARDS[name]


def serial_line(top: wiring.Component, baud: int = BAUD) -> dict[str, Any]:
    """Return what the computer has to know of a block's serial line."""
    found = ports.ports(top)
    ins, outs = (Serial.widths([p for p in found if p.outward == out]) for out in (False, True))
    return {"baud": baud, "inputs": ins, "outputs": outs}


def bitstream(
    top: wiring.Component, name: str, board: Board, folder: Path, *, seed: int = 1, baud: int = BAUD
) -> tuple[Path, Placed, Emitted]:
    """Put a block and its serial line on a board, and write the file that configures it.

    Parameters
    ----------
    top, name
        The block.
    board
        From :func:`get`.
    folder
        Where everything lands.
    seed
        Of the placement.
    baud
        Bits per second of the line.

    Returns
    -------
    Path
        The bitstream, ``<name>_<board>.bin``, ``.bit`` or ``.fs``.
    Placed
        Clock and utilisation, the loader's included.
    Emitted
        The design with its loader.

    Raises
    ------
    DoesNotFitError
        The design is larger than the board's device.
    PnrError
        It is slower than the board's oscillator, or cannot be routed.
    """
    emitted = emit(Serial(top, round(board.clock_hz / baud)), f"{name}_{board.name}")
    pins, high = board.constraints(), list(board.high)
    try:
        made = build(emitted, board.target, board.device, folder, seed=seed, pins=pins, high=high)
    except DoesNotFitError:
        raise DoesNotFitError(f"{name} and its loader do not fit the {board.title}") from None
    fmax = made.placed.fmax_mhz
    if fmax * 1e6 < board.clock_hz:
        raise PnrError(f"{name} runs at {fmax:.1f} MHz, less than the {board.title} has")
    return made.file, made.placed, emitted
