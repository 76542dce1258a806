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
from nomul.sim import harness
from nomul.sim.stream import PERIOD_NS, assert_equal, bit, pieces

VARIABLE = "NOMUL_SERIAL"


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


@cocotb.test()
async def answers_equal_the_recording(dut):
    """Spoil a word and break it off; then every word in, and every word out, as recorded."""
    about = json.loads(Path(os.environ[VARIABLE]).read_text())
    port = Port(dut, about)
    await port.start()
    if about["words_in"]:
        await port.send(bytes([0, 0x55]))
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
    about = json.loads(Path(os.environ[VARIABLE]).read_text())
    port, heard = Port(dut, about), bytearray()
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
            await (port.send(data) if data else ClockCycles(dut.clk, port.divisor))
            if heard:
                client.sendall(heard)
                heard.clear()
    harness.record(compared=carried)
