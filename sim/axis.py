"""Bench of any block behind AXI: recorded words through agents of another project."""

import importlib.util
import json
import logging
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from nomul.sim.axi_host import hold_reset, lite_master
from nomul.sim.stream import STALLS, Bench, assert_equal, bit, bits, pauses, pieces

VARIABLE, DRIVER = "NOMUL_AXI", "NOMUL_DRIVER"
IDENTITY = 0x6E6F6D75
TIMEOUT_US = 2000


class Beats(AxiStreamBus):
    """A stream whose ``tlast`` the agents take for ``tuser``: each beat is a frame of its own.

    For recordings that stop within a frame, which the agents could not send.
    """

    _signals = {"tdata": "tdata"}
    _optional_signals = {"tvalid": "tvalid", "tready": "tready", "tuser": "tlast"}


class Lanes:
    """The streams of the design, and how many transfers each had inside, where buffers end."""

    def __init__(self, dut: Any, source: str, sink: str):
        self.dut, self.about = dut, json.loads(Path(os.environ[VARIABLE]).read_text())
        self.bench = Bench(dut)
        for lane in self.about["lanes"]:
            inner = lane["probe"].removeprefix("dut.block.")
            lane["wires"] = [getattr(dut.block, f"{inner}__{w}") for w in ("valid", "ready")]
        self.counts = [0] * len(self.about["lanes"])
        self.master = None
        if self.about["registers"]:
            self.master = lite_master(dut)
        for lane in self.about["lanes"]:
            lane["framed"] = lane["last"] and _whole(lane)
            shape = AxiStreamBus if lane["framed"] or not lane["last"] else Beats
            bus = shape.from_prefix(dut, lane["prefix"])
            kind = AxiStreamSink if lane["outward"] else AxiStreamSource
            lane["agent"] = kind(bus, dut.aclk, dut.aresetn, reset_active_level=False)
            lane["agent"].log.setLevel(logging.WARNING)
            pause = pauses(sink if lane["outward"] else source, self.bench.rng)
            lane["agent"].set_pause_generator(iter(pause, None))

    async def start(self) -> None:
        """Start the clock, hold reset, and count what passes."""
        await hold_reset(self.dut)
        for lane in self.about["lanes"]:
            if lane["outward"]:
                assert not bit(getattr(self.dut, f"{lane['prefix']}_tvalid")), "tvalid in reset"
        self.dut.aresetn.value = 1
        cocotb.start_soon(self._count())

    async def _count(self) -> None:
        while True:
            await FallingEdge(self.dut.aclk)
            moved = [all(map(bit, lane["wires"])) for lane in self.about["lanes"]]
            await RisingEdge(self.dut.aclk)
            self.counts = [n + m for n, m in zip(self.counts, moved, strict=True)]

    async def send(self, lane: dict[str, Any]) -> None:
        """Send the words of a lane, each frame when those before it have passed."""
        size, words = lane["bytes"], [int(word, 16) for word in lane["words"]]
        frame = b""
        for word, before in zip(words, lane["before"], strict=True):
            if not frame:
                while any(n < need for n, need in zip(self.counts, before, strict=True)):
                    await RisingEdge(self.dut.aclk)
            frame += (word & (1 << 8 * size) - 1).to_bytes(size, "little")
            last = word >> 8 * size
            if last or not lane["framed"]:
                await lane["agent"].send(AxiStreamFrame(frame, tuser=last))
                frame = b""

    async def receive(self, lane: dict[str, Any]) -> list[int]:
        """Return as many words as were recorded, ``tlast`` above ``tdata``."""
        size, words = lane["bytes"], list[int]()
        while len(words) < len(lane["words"]):
            frame = await lane["agent"].recv(compact=False)
            data = bytes(frame.tdata)
            beats = [data[k : k + size] for k in range(0, len(data), size)]
            words += [int.from_bytes(beat, "little") for beat in beats]
            if lane["framed"] or (lane["last"] and frame.tuser[-1]):
                words[-1] |= 1 << 8 * size
        return words


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def answers_equal_the_recording(dut, source, sink):
    """Every word of every output stream; then the registers, against the ports inside."""
    lanes = Lanes(dut, source, sink)
    await lanes.start()
    ins = [lane for lane in lanes.about["lanes"] if not lane["outward"]]
    outs = [lane for lane in lanes.about["lanes"] if lane["outward"]]
    sending = [cocotb.start_soon(lanes.send(lane)) for lane in ins]
    for lane in outs:
        words = await with_timeout(lanes.receive(lane), TIMEOUT_US, "us")
        expected = [int(word, 16) for word in lane["words"]]
        if expected:
            size = 8 * lane["bytes"] + lane["last"]
            got = pieces(words[: len(expected)], size)
            assert_equal(got, pieces(expected, size), lane["prefix"])
    for task in sending:
        await with_timeout(task, TIMEOUT_US, "us")
    if lanes.about["registers"]:
        await check_registers(dut, lanes.master, lanes.about["registers"])


def _whole(lane: dict[str, Any]) -> bool:
    """Whether a lane's recording is of whole frames, and all beats of each come at one time."""
    times = set()
    for word, before in zip(lane["words"], lane["before"], strict=True):
        times.add(tuple(before))
        if lane["outward"] or len(times) == 1:
            times = set() if int(word, 16) >> 8 * lane["bytes"] else times
    return not times


async def check_registers(dut: Any, master: AxiLiteMaster, registers: list[dict[str, Any]]) -> None:
    """Read each register, by its address and by the driver; be refused where there is none."""
    for _ in range(20):
        await RisingEdge(dut.aclk)
    words, expected = [], []
    for register in registers:
        words.append(await master.read_dword(register["address"]))
        expected.append(IDENTITY)
        if register["address"]:
            value = bits(getattr(dut.block, register["name"]))
            negative = register["signed"] and value >> (register["width"] - 1)
            expected[-1] = value - (1 << register["width"]) if negative else value
    assert_equal(words, [value & 0xFFFFFFFF for value in expected], "register")
    if DRIVER in os.environ:
        driver = load(Path(os.environ[DRIVER]))
        await bridge(check_driver)(driver, memory(driver, master), dut.block, registers)
    refused = await master.write(registers[-1]["address"], bytes(4))
    assert_equal(int(refused.resp), int(AxiResp.SLVERR), "answer to a write")
    beyond = 4 * len(registers)
    if beyond >> len(dut.s_axil_araddr) == 0:
        answer = await master.read(beyond, 4)
        assert_equal(int(answer.resp), int(AxiResp.SLVERR), "answer to a read of nothing")


def load(path: Path) -> Any:
    """Return an emitted driver as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def memory(driver: Any, master: AxiLiteMaster, base: int = 0) -> Any:
    """Return a driver whose reads and writes are transfers on the bus; an error raises OSError."""

    async def read(address: int) -> int:
        answer = await with_timeout(master.read(address, 4), TIMEOUT_US, "us")
        if answer.resp != AxiResp.OKAY:
            raise OSError(f"the bus refuses to read {address:#x}")
        return int.from_bytes(answer.data, "little")

    async def write(address: int, word: int) -> None:
        data = word.to_bytes(4, "little")
        answer = await with_timeout(master.write(address, data), TIMEOUT_US, "us")
        if answer.resp != AxiResp.OKAY:
            raise OSError(f"the bus refuses to write {word:#x} at {address:#x}")

    return driver.Driver(resume(read), resume(write), base)


def check_driver(driver: Any, there: Any, block: Any, registers: list[dict[str, Any]]) -> None:
    """Compare every field that the driver reads with the ports inside."""
    there.check()
    for register in registers[1:]:
        inside, found = bits(getattr(block, register["name"])), there.read(register["name"])
        found = found if isinstance(found, dict) else {register["fields"][0]["name"]: found}
        expected = {}
        for field in register["fields"]:
            value = inside >> field["offset"] & (1 << field["width"]) - 1
            negative = field["signed"] and value >> (field["width"] - 1)
            expected[field["name"]] = value - (1 << field["width"]) if negative else value
        assert found == expected, f"{register['name']}: {found}, and inside {expected}"
