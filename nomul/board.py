"""A block on a board, fed from Python over its serial line."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
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
        self._run: Any = None
        self.reset()

    @classmethod
    def open(cls, about: Path | str, port: str) -> "Board":
        """Open a serial port by its name, or by one of pyserial's addresses; SPI as ``spi:0.0``.

        Raises
        ------
        ImportError
            pyserial, or for SPI spidev, is not installed.
        ValueError
            The file is not that of a bitstream.
        """
        path = Path(about)
        try:
            values = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path.name}: is no JSON: {error}") from None
        if not isinstance(values, dict) or "serial" not in values:
            raise ValueError(
                f"{path.name}: field 'serial' is missing: it is not what `nomul pnr --bitstream` "
                "wrote beside a bitstream"
            )
        # The network that the board holds lies beside its description, wherever both are now.
        beside = {name: str(path.parent / file) for name, file in values.get("files", {}).items()}
        values["config"] = {**values.get("config", {}), **beside}
        return cls._at(values, port)

    @classmethod
    def simulated(
        cls,
        name: str,
        folder: Path | str = "build/simulated",
        *,
        preset: str | None = None,
        simulator: str | None = None,
        link: str = "uart",
        **settings: Any,
    ) -> "Board":
        """Return a board that is a simulation of a block behind its serial line.

        Parameters
        ----------
        name, preset, settings
            The block, as for :func:`nomul.design`.
        folder
            Where its Verilog and the simulation go.
        simulator
            ``icarus`` or ``verilator``; the one that is installed if None.
        link
            Kind of the line: ``uart`` or ``spi``.

        Raises
        ------
        ImportError
            pyserial is not installed, which a ``uart`` needs.
        """
        from nomul import flow
        from nomul.flow import lines

        design = flow.design(name, preset, **settings)
        about, address, run = lines.simulation(
            design.block, design.cfg, Path(folder), simulator, link
        )
        board = cls._at(about, address)
        board._run = run
        return board

    @classmethod
    def _at(cls, about: Mapping[str, Any], port: str) -> "Board":
        if about["serial"].get("link") == "spi":
            from nomul import spi

            if port.startswith("socket://"):
                return cls(about, spi.simulated(port))
            return cls(about, spi.device(port, about["serial"]["hz"]))
        try:
            import serial
        except ImportError:
            raise ImportError("boards need pyserial; try: pip install 'nomul[board]'") from None
        baud = about["serial"]["baud"]
        return cls(about, serial.serial_for_url(port, baudrate=baud, timeout=0.1))

    def predict(self, x: Any, timeout_s: float = 5.0) -> Any:
        """Return the classes [n] of samples x[n, features], as the network on the board gives them.

        Real features become codes here, by the quantiser of the network; classes have their names
        where the network knows them.

        Parameters
        ----------
        x
            What the network of the block takes.
        timeout_s
            As for :meth:`run`.

        Raises
        ------
        ValueError
            The block is no network, or the samples do not fit it.
        """
        from nomul import registry

        block = registry.get(str(self.about.get("block", self._name())))
        asking = block.capability("predict")
        if asking is None:
            able = ", ".join(registry.able("predict"))
            raise ValueError(f"only {able} predicts, not {block.name}")
        cfg = block.config().from_dict(self.about["config"])
        words = {name: Word(payload) for name, payload in self.about["payloads"].items()}
        question = asking(cfg, x, words)
        return question.classes(self.run(question.words, question.expect, timeout_s))

    def reset(self) -> None:
        """Start anew: break the line, which resets the block, and forget what came."""
        from nomul.golden.serial import Link
        from nomul.golden.spi import IDLE

        self.port.send_break()
        line = self.about["serial"]
        filler = IDLE if line.get("link") == "spi" else None
        self.link = Link(line["inputs"], line["outputs"], filler=filler)

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
            try:
                told = bool(data) and self.link.feed(data)
            except ValueError as error:
                raise BoardError(f"{error}; is this the board of {self._name()}?") from error
            if told:
                heard = time.monotonic()
            elif time.monotonic() - heard > timeout_s:
                raise BoardError(f"{self._name()} has been silent for {timeout_s:g} s")
        return {name: list(got[before[name] :]) for name, got in self.link.received.items()}

    def _enough(self, before: Mapping[str, int], expect: Mapping[str, int]) -> bool:
        received = self.link.received
        return all(len(received[name]) - before[name] >= n for name, n in expect.items())

    def _name(self) -> str:
        return str(self.about["name"])

    def close(self) -> None:
        """Close the port; of a simulated board, wait until the simulation has ended."""
        self.port.close()
        if self._run is not None:
            self._run.result()
            self._run = None

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Word:
    """The payload of a stream: its fields, from and to a word.

    Parameters
    ----------
    payload
        What a manifest says of it.
    """

    def __init__(self, payload: Mapping[str, Any]):
        self.fields = {field["name"]: field for field in payload["fields"]}

    def pack(self, **values: int | Iterable[int]) -> int:
        """Return the word of these fields; a field of several elements takes them all."""
        word = 0
        for name, given in values.items():
            field = self.fields[name]
            for i, value in enumerate([given] if isinstance(given, int) else given):
                code = int(value) & (1 << field["width"]) - 1
                word |= code << (field["offset"] + i * field["width"])
        return word

    def unpack(self, name: str, word: int) -> list[int]:
        """Return the elements of a field of a word."""
        field, values = self.fields[name], []
        width = field["width"]
        for i in range(field["count"]):
            value = word >> (field["offset"] + i * width) & ((1 << width) - 1)
            negative = field["signed"] and value >> (width - 1)
            values.append(value - (1 << width) if negative else value)
        return values
