"""Bench of a block behind a serial line: bits on the pins, compared with the recorded words."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer

from nomul.golden.serial import Link, line
from nomul.golden.spi import IDLE, RESET, levels, read_levels
from nomul.sim import harness
from nomul.sim.stream import PERIOD_NS, assert_equal, bit, pieces

VARIABLE = "NOMUL_SERIAL"

# On a socket that leads to SPI every message has two bytes at its head: what to do, and how many
# bytes follow, each of which is answered by the one that comes back.
EXCHANGE, DESELECT, SELECT = 0, 1, 2
LOOKED = 8  # bytes that the bench clocks out of SPI where it has nothing to say


class Port:
    """The two lines, and who sits at their other end."""

    def __init__(self, dut: Any, about: dict[str, Any]):
        self.dut, self.divisor = dut, about["divisor"]
        self.link = Link(about["inputs"], about["outputs"])

    async def start(self) -> None:
        """Start the clock, with the line idle."""
        self.dut.rx.value = 1
        await Timer(PERIOD_NS, "ns")
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
        await self.bits(2)

    async def bits(self, count: float) -> None:
        """Wait for so many bit times."""
        await ClockCycles(self.dut.clk, round(count * self.divisor))

    async def send(self, data: bytes, broken: bool = False) -> None:
        """Put bytes on the line."""
        for level in line(data, broken):
            self.dut.rx.value = level
            await self.bits(1)

    async def reset(self) -> None:
        """Break the line, and listen from then on."""
        await self.send(bytes([0]), broken=True)
        self.dut.rx.value = 1
        cocotb.start_soon(self._listen())
        await self.bits(2)

    async def spoil(self) -> None:
        """Begin a word, and leave it at that."""
        await self.send(bytes([0, 0x55]))

    async def carry(self, data: bytes) -> None:
        """Send what came of a socket, or let a bit's time pass."""
        await (self.send(data) if data else self.bits(1))

    async def _listen(self) -> None:
        """Read bytes as a computer would: wait for a start bit, sample in the middle of bits."""
        while True:
            if bit(self.dut.tx):
                await ClockCycles(self.dut.clk, 1)
                continue
            await self.bits(1.5)
            byte = 0
            for k in range(8):
                byte |= bit(self.dut.tx) << k
                await self.bits(1)
            assert bit(self.dut.tx), "no stop bit"
            self.link.feed(bytes([byte]))


class SpiPort(Port):
    """The four lines of SPI, and their host; every byte sent brings one back."""

    def __init__(self, dut: Any, about: dict[str, Any]):
        super().__init__(dut, about)
        self.link = Link(about["inputs"], about["outputs"], filler=IDLE)
        self._messages = bytearray()

    async def start(self) -> None:
        """Start the clock; the board is not selected."""
        self.dut.sck.value, self.dut.csn.value, self.dut.mosi.value = 0, 1, 0
        await Timer(PERIOD_NS, "ns")
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
        await self.bits(2)

    async def exchange(self, data: bytes, cut: int = 0) -> bytes:
        """Clock bytes out and in; the last ``cut`` bits are left out."""
        answers, pairs = list[tuple[int, int]](), levels(data)
        for clock, level in pairs[: len(pairs) - 2 * cut]:
            self.dut.sck.value, self.dut.mosi.value = clock, level
            answers.append((clock, int(bit(self.dut.miso))))
            await self.bits(0.5)
        self.dut.sck.value = 0
        await self.bits(0.5)
        return bytes(read_levels(answers))

    async def select(self, on: bool) -> None:
        """Select the board, or not."""
        self.dut.csn.value = int(not on)
        await self.bits(2)

    async def send(self, data: bytes, broken: bool = False) -> None:
        """Exchange bytes; where there is nothing to send, look what there is."""
        self.link.feed(await self.exchange(data or bytes([IDLE] * LOOKED)))

    async def spoil(self) -> None:
        """Begin a word and break it off within a byte."""
        await self.select(True)
        await self.exchange(bytes([0, 0x55, 0xAA]), cut=3)

    async def reset(self) -> None:
        """Select the board anew, which ends what was half sent, and reset it."""
        await self.select(False)
        await self.select(True)
        await self.exchange(bytes([RESET]))

    async def carry(self, data: bytes) -> None:
        """Do what the messages of a socket say, once they are complete."""
        self._messages += data
        if not self._messages:
            await self.bits(1)
        while len(self._messages) >= 2 and len(self._messages) >= 2 + self._messages[1]:
            what, size = self._messages[:2]
            if what == EXCHANGE:
                self.link.feed(await self.exchange(bytes(self._messages[2 : 2 + size])))
            else:
                await self.select(what == SELECT)
            del self._messages[: 2 + size]


def port_of(dut: Any) -> tuple[Port, dict[str, Any]]:
    """Return the host's side of the line that the design has, and what is known of it."""
    about = json.loads(Path(os.environ[VARIABLE]).read_text())
    return (SpiPort if about.get("link") == "spi" else Port)(dut, about), about


@cocotb.test()
async def answers_equal_the_recording(dut):
    """Spoil a word and break it off; then every word in, and every word out, as recorded."""
    port, about = port_of(dut)
    await port.start()
    if about["words_in"]:
        await port.spoil()
    await port.reset()
    link, words = port.link, about["words_out"]
    for name, given in about["words_in"].items():
        link.put(name, given)
    for _ in range(100_000):
        if link.idle and all(len(link.received[n]) >= len(words[n]) for n in words):
            break
        await port.send(link.outgoing())
        await ClockCycles(dut.clk, 1)
    assert link.idle, "a word was never taken"
    for name, expected in words.items():
        got, size = link.received[name][: len(expected)], about["outputs"][name]
        assert_equal(pieces(got, size), pieces(expected, size), name)


@cocotb.test()
async def a_socket_leads_to_the_line(dut):
    """Carry bytes between whoever connects to a socket and the line, until they hang up.

    The port's number is written to a file. What is compared is up to the other end.
    """
    (port, about), heard = port_of(dut), bytearray()
    port.link.feed = heard.extend  # type: ignore[method-assign, assignment]  # the socket's
    await port.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        Path(about["socket"]).write_text(str(server.getsockname()[1]))
        server.settimeout(30)
        client, _ = server.accept()
    await port.reset()
    carried = 0
    with client:
        client.setblocking(False)
        while True:
            try:
                data = client.recv(64)
            except BlockingIOError:
                data = None
            if data == b"":
                break
            carried += len(data or b"")
            await port.carry(data or b"")
            if heard:
                client.sendall(heard)
                heard.clear()
    harness.record(compared=carried)
