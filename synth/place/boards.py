"""Bitstreams for boards that people have: a block, a serial line, and the pins between them."""

from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from nomul.hw.axi import ports
from nomul.hw.serial import Serial, SpiSerial
from nomul.synth.emit import Emitted, emit
from nomul.synth.place.bitstream import build
from nomul.synth.place.board import Board, get, shipped
from nomul.synth.place.pnr import DoesNotFitError, Placed, PnrError

BAUD = 115_200

# Clock cycles of a board per bit of SPI, at least: `nomul.golden.spi` says why.
SPI_DIVISOR = 8

__all__ = ["BAUD", "SPI_DIVISOR", "Board", "bitstream", "get", "serial_line", "shipped"]


def serial_line(
    top: wiring.Component, baud: int = BAUD, link: str = "uart", clock_hz: int = 0
) -> dict[str, Any]:
    """Return what the computer has to know of a block's serial line.

    ``clock_hz`` of the board is what bounds the clock of SPI.
    """
    found = ports.ports(top)
    ins, outs = (Serial.widths([p for p in found if p.outward == out]) for out in (False, True))
    speed = {"baud": baud} if link == "uart" else {"link": link, "hz": clock_hz // SPI_DIVISOR}
    return {**speed, "inputs": ins, "outputs": outs}


def bitstream(
    top: wiring.Component,
    name: str,
    board: Board,
    folder: Path,
    *,
    seed: int = 1,
    baud: int = BAUD,
    link: str = "uart",
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
        Bits per second of a line ``uart``.
    link
        ``uart`` or ``spi``.

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
    ValueError
        The board has no such link.
    """
    pins, high = board.constraints(link), list(board.high)
    spi = link == "spi"
    outer = SpiSerial(top) if spi else Serial(top, round(board.clock_hz / baud))
    emitted = emit(outer, f"{name}_{board.name}")
    try:
        made = build(emitted, board.target, board.device, folder, seed=seed, pins=pins, high=high)
    except DoesNotFitError:
        raise DoesNotFitError(f"{name} and its loader do not fit the {board.title}") from None
    fmax = made.placed.fmax_mhz
    if fmax * 1e6 < board.clock_hz:
        raise PnrError(f"{name} runs at {fmax:.1f} MHz, less than the {board.title} has")
    return made.file, made.placed, emitted
