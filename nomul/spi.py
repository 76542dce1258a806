"""The host's side of SPI, with the methods of a serial port: for a board, and for a simulation."""

import socket
from collections.abc import Callable
from typing import Any

LOOKED = 16  # bytes that are clocked out of the board at once where nothing is known to come

# What the bench of a simulated board does with a message on its socket.
_EXCHANGE, _DESELECT, _SELECT = 0, 1, 2


class SpiPort:
    """A port of which every byte written brings one back.

    Parameters
    ----------
    exchange
        Clocks bytes out to the board, and returns as many that came back.
    select
        Selects the board or not, where that does not follow from each exchange.
    close
        Ends it.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes],
        select: Callable[[bool], object],
        close: Callable[[], object],
    ):
        self._exchange, self._select, self.close = exchange, select, close
        self._came = bytearray()

    def write(self, data: bytes) -> None:
        """Send bytes, and keep what comes back."""
        self._came += self._exchange(data)

    def read(self, size: int) -> bytes:
        """Return bytes that have come, or else ask for some, which may say nothing."""
        from nomul.golden.spi import IDLE

        if not self._came:
            self._came += self._exchange(bytes([IDLE] * max(size, LOOKED)))
        data = bytes(self._came[:size])
        del self._came[:size]
        return data

    def send_break(self) -> None:
        """Reset the board; what was half sent before is forgotten."""
        from nomul.golden.spi import RESET

        self._select(False)
        self._select(True)
        self._exchange(bytes([RESET]))
        self._came.clear()


def device(name: str, hz: int) -> SpiPort:
    """Return a port on a bus of this computer, ``spi:BUS.DEVICE`` of Linux.

    Raises
    ------
    ImportError
        spidev is not installed.
    ValueError
        The name is of another form.
    """
    bus, dot, chip = name.removeprefix("spi:").partition(".")
    if not (dot and bus.isdecimal() and chip.isdecimal()):
        raise ValueError(f"a bus is named spi:BUS.DEVICE, such as spi:0.0, not {name!r}")
    try:
        import spidev
    except ImportError:
        raise ImportError("boards behind SPI need spidev; try: pip install spidev") from None
    opened: Any = spidev.SpiDev()
    opened.open(int(bus), int(chip))
    opened.max_speed_hz, opened.mode = hz, 0
    # Each transfer selects the board and ends by releasing it.
    return SpiPort(lambda data: bytes(opened.xfer2(list(data))), lambda on: None, opened.close)


def simulated(address: str) -> SpiPort:
    """Return a port that leads to the bench of a simulated board, ``socket://HOST:PORT``."""
    host, _, number = address.removeprefix("socket://").partition(":")
    line = socket.create_connection((host, int(number)))

    def exchange(data: bytes) -> bytes:
        came = bytearray()
        for start in range(0, len(data), 255):
            part = data[start : start + 255]
            line.sendall(bytes([_EXCHANGE, len(part)]) + part)
            wanted = len(came) + len(part)
            while len(came) < wanted:
                some = line.recv(wanted - len(came))
                if not some:
                    raise ConnectionError("the simulation of the board has ended")
                came += some
        return bytes(came)

    def select(on: bool) -> None:
        line.sendall(bytes([_SELECT if on else _DESELECT, 0]))

    return SpiPort(exchange, select, line.close)
