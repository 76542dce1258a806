"""A block on a board, fed from Python over its serial line."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any


class BoardError(RuntimeError):
    """The board did not answer, or answered what makes no sense."""


class Board:
    """The computer's side of a block on a board.

    Parameters
    ----------
    about
        What ``nomul pnr --bitstream`` wrote beside the bitstream, ``<block>_<board>.json``.
    port
        An open port: anything with the methods ``read(size)``, which may return less when its
        timeout has passed, ``write(data)`` and ``send_break()``, as those of pyserial have.

    Examples
    --------
    ``Board.open("build/pnr/fp16mul_hx8k.json", "/dev/ttyUSB1")`` opens a port by pyserial, which
    ``pip install 'nomul[board]'`` installs.
    """

    def __init__(self, about: Mapping[str, Any], port: Any):
        self.about, self.port = about, port
        self.reset()

    @classmethod
    def open(cls, about: Path | str, port: str) -> "Board":
        """Open a serial port by its name, or by one of pyserial's addresses.

        Raises
        ------
        ImportError
            pyserial is not installed.
        """
        try:
            import serial
        except ImportError:
            raise ImportError("boards need pyserial; try: pip install 'nomul[board]'") from None
        values = json.loads(Path(about).read_text())
        baud = values["serial"]["baud"]
        return cls(values, serial.serial_for_url(port, baudrate=baud, timeout=0.1))

    def reset(self) -> None:
        """Start anew: break the line, which resets the block, and forget what came."""
        from nomul.golden.serial import Link

        self.port.send_break()
        self.link = Link(self.about["serial"]["inputs"], self.about["serial"]["outputs"])

    def run(
        self, words: Mapping[str, Iterable[int]], expect: Mapping[str, int], timeout_s: float = 5.0
    ) -> dict[str, list[int]]:
        """Send words, and return what came once there is as much as expected.

        Parameters
        ----------
        words
            Payloads for each input stream; the fields of each are in the file of the block.
        expect
            Number of words to wait for, by output stream.
        timeout_s
            How long nothing may come before the board counts as silent.

        Returns
        -------
        dict
            All words of each output stream since this call.

        Raises
        ------
        BoardError
            The board is silent, or not the one that the file is of.
        ValueError
            There is no such stream, or a word does not fit.
        """
        before = {name: len(received) for name, received in self.link.received.items()}
        for name in expect:
            if name not in before:
                raise ValueError(f"there is no output {name!r}; there are {', '.join(before)}")
        for name, given in words.items():
            self.link.put(name, given)
        heard = time.monotonic()
        while not (self.link.idle and self._enough(before, expect)):
            outgoing = self.link.outgoing()
            if outgoing:
                self.port.write(outgoing)
            data = self.port.read(1)
            if data:
                heard = time.monotonic()
                try:
                    self.link.feed(data)
                except ValueError as error:
                    raise BoardError(f"{error}; is this the board of {self._name()}?") from error
            elif time.monotonic() - heard > timeout_s:
                raise BoardError(f"{self._name()} has been silent for {timeout_s:g} s")
        return {name: list(got[before[name] :]) for name, got in self.link.received.items()}

    def _enough(self, before: Mapping[str, int], expect: Mapping[str, int]) -> bool:
        received = self.link.received
        return all(len(received[name]) - before[name] >= n for name, n in expect.items())

    def _name(self) -> str:
        return str(self.about["name"])

    def close(self) -> None:
        """Close the port."""
        self.port.close()

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
