"""Test of a Tiny Tapeout project: words in and words out, byte by byte through its pins.

The file ``vectors.json`` beside this one has the bytes that go in, in their order, and those that
must come out of each stream. They were recorded from the block's own bench, which compares every
answer with the model.
"""

import json
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Event, Timer, ValueChange

PERIOD_NS = 20
PAUSES = 1 / 8
REQUEST, TAKEN, VALID, ACCEPT = range(4)  # bidirectional pins


class Host:
    """What sits at the pins: quick, but now and then it takes its time, without the clock."""

    def __init__(self, dut: Any):
        self.dut, self.random = dut, random.Random(1)
        self.levels = 0  # of the pins that the host drives
        vectors = json.loads(Path(__file__).with_name("vectors.json").read_text())
        self.data, self.outputs = bytes.fromhex(vectors["send"]), vectors["outputs"]
        self.got: dict[str, list[bytes]] = {name: [] for name in self.outputs}
        self.news = Event()

    async def start(self) -> None:
        """Start the clock, and reset."""
        self.dut.ena.value, self.dut.ui_in.value, self.dut.uio_in.value = 1, 0, 0
        self.dut.rst_n.value = 0
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """Reset for ten cycles."""
        self.dut.rst_n.value = 0
        await ClockCycles(self.dut.clk, 10)
        self.dut.rst_n.value = 1
        await ClockCycles(self.dut.clk, 5)

    async def drive(self, pin: int, level: int) -> None:
        """Move a pin, at times after a while."""
        if self.random.random() < PAUSES:
            await Timer(self.random.randint(1, 4 * PERIOD_NS), "ns")
        self.levels = self.levels & ~(1 << pin) | level << pin
        self.dut.uio_in.value = self.levels

    async def until(self, pin: int, level: int) -> None:
        """Wait until a pin has a level, and a moment more, so that the byte beside it is there."""
        while not (
            self.dut.uio_out.value.is_resolvable
            and (int(self.dut.uio_out.value) >> pin) & 1 == level
        ):
            await ValueChange(self.dut.uio_out)
        await Timer(1, "ns")

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        for byte in data:
            self.dut.ui_in.value = byte
            await self.drive(REQUEST, 1)
            await self.until(TAKEN, 1)
            await self.drive(REQUEST, 0)
            await self.until(TAKEN, 0)

    async def byte(self) -> int:
        """Receive a byte."""
        await self.until(VALID, 1)
        value = int(self.dut.uo_out.value)
        await self.drive(ACCEPT, 1)
        await self.until(VALID, 0)
        await self.drive(ACCEPT, 0)
        return value

    async def receive(self) -> None:
        """Receive words for ever, each after its stream's number where there are several."""
        names = list(self.got)
        while True:
            name = names[await self.byte() if len(names) > 1 else 0]
            word = bytes([await self.byte() for _ in range(self.outputs[name]["bytes"])])
            self.got[name].append(word)
            self.news.set()

    async def exchange(self) -> None:
        """Send everything, receive as many words as must come, and compare them."""
        expected: dict[str, list[bytes]] = {}
        for name, stream in self.outputs.items():
            data, size = bytes.fromhex(stream["words"]), stream["bytes"]
            expected[name] = [data[k : k + size] for k in range(0, len(data), size)]
        count = sum(map(len, expected.values()))
        assert count > 0, "no word is to come"
        receiving = cocotb.start_soon(self.receive())
        await self.send(self.data)
        while any(len(self.got[name]) < len(words) for name, words in expected.items()):
            self.news.clear()
            await self.news.wait()
        receiving.cancel()
        for name, words in expected.items():
            for number, (word, right) in enumerate(zip(self.got[name], words, strict=False)):
                assert word == right, f"{name}, word {number}: {word.hex()}, not {right.hex()}"
        cocotb.log.info("%d words equal the model's", count)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def words_equal_the_model(dut: Any) -> None:
    """After a reset in the middle of a word."""
    host = Host(dut)
    await host.start()
    await host.send(host.data[:1])
    await host.reset()
    await host.exchange()
