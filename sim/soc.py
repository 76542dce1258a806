"""Bench of blocks on a bus: recorded words go in and out by the emitted driver, as a program does.

The program never waits on the bus: it looks at which streams have room and which have a word.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiResp

from nomul.sim import harness
from nomul.sim.axi_host import hold_reset, lite_master
from nomul.sim.axis import load, memory
from nomul.sim.stream import assert_equal, bit, bits, pauses, pieces

VARIABLE = "NOMUL_SOC"
IDLE_ROUNDS = 2000  # looks at all streams without anything to do before the program gives up


class Lane:
    """A stream of a block: what was recorded of it, and what has been written or read."""

    def __init__(self, about: dict[str, Any], block: str, inside: Any):
        self.block, self.name, self.outward = block, about["name"], about["outward"]
        self.register = f"{block}_{about['name'].replace('__', '_')}"
        self.width, self.before = about["width"], about["before"]
        self.words = [int(word, 16) for word in about["words"]]
        self.wires = [getattr(inside, f"{about['name']}__{wire}") for wire in ("valid", "ready")]
        self.done, self.moved = list[int](), 0

    @property
    def finished(self) -> bool:
        """Whether every recorded word has passed."""
        return len(self.done) == len(self.words)


class Bus:
    """The design, a master of another project on its bus, and the driver."""

    def __init__(self, dut: Any):
        self.dut, self.about = dut, json.loads(Path(os.environ[VARIABLE]).read_text())
        self.master = lite_master(dut)
        # A master that is slow to take an answer.
        pause = pauses("random", random.Random(harness.seed()))
        self.master.read_if.r_channel.set_pause_generator(iter(pause, None))
        module = load(Path(self.about["driver"]))
        self.driver = memory(module, self.master)
        self.registers = module.REGISTERS
        self.blocks = {
            block: [Lane(lane, block, getattr(dut, block)) for lane in lanes]
            for block, lanes in self.about["blocks"].items()
        }

    async def start(self) -> None:
        """Start the clock, hold reset for three cycles, and count what the blocks take and give."""
        await hold_reset(self.dut)
        self.dut.aresetn.value = 1
        cocotb.start_soon(self._count())

    async def _count(self) -> None:
        lanes = [lane for block in self.blocks.values() for lane in block]
        while True:
            await FallingEdge(self.dut.aclk)
            for lane in lanes:
                lane.moved += all(map(bit, lane.wires))
            await RisingEdge(self.dut.aclk)


def program(driver: Any, blocks: dict[str, list[Lane]]) -> None:
    """Write and read recorded words until all have passed, all blocks at one time."""
    driver.check()
    idle = 0
    while any(not lane.finished for lanes in blocks.values() for lane in lanes):
        idle += 1
        for block, lanes in blocks.items():
            state = driver.read(f"{block}_streams")
            state = state if isinstance(state, dict) else {f"{lanes[0].name}_valid": state}
            for lane in lanes:
                if lane.finished:
                    continue
                stream = lane.register.removeprefix(f"{block}_")
                if lane.outward and state[f"{stream}_valid"]:
                    lane.done.append(driver.read_word(lane.register))
                    idle = 0
                elif not lane.outward and state[f"{stream}_ready"]:
                    # No sooner than the recorded bench could have sent it.
                    needed = lane.before[len(lane.done)]
                    if all(o.moved >= need for o, need in zip(lanes, needed, strict=True)):
                        lane.done.append(lane.words[len(lane.done)])
                        driver.write_word(lane.register, lane.done[-1])
                        idle = 0
        assert idle < IDLE_ROUNDS, "a block neither takes nor gives a word"


@cocotb.test()
async def answers_equal_the_recording(dut):
    """Every word of every block; then the flags and counters against the ports inside."""
    bus = Bus(dut)
    await bus.start()
    await bridge(program)(bus.driver, bus.blocks)
    for lanes in bus.blocks.values():
        for lane in lanes:
            if lane.outward:
                done, words = (pieces(side, lane.width) for side in (lane.done, lane.words))
                assert_equal(done, words, lane.register)
    streams = {lane.register for lanes in bus.blocks.values() for lane in lanes}
    for block in bus.blocks:
        for name in bus.registers.keys() - streams - {f"{block}_streams"}:
            port = getattr(getattr(dut, block), name.removeprefix(f"{block}_"), None)
            if name.startswith(f"{block}_") and port is not None:
                word = await bridge(bus.driver.read_word)(name)
                assert_equal(word & (1 << len(port)) - 1, bits(port), name)


@cocotb.test()
async def nothing_else_is_there(dut):
    """Addresses without a register, streams the wrong way round and parts of words are refused."""
    bus = Bus(dut)
    await bus.start()
    taken = {entry[0] + 4 * k for entry in bus.registers.values() for k in range(entry[1])}
    for address in range(0, 1 << len(dut.s_axil_araddr), 4):
        if address not in taken:
            answer = await with_timeout(bus.master.read(address, 4), 1, "ms")
            assert_equal(int(answer.resp), int(AxiResp.SLVERR), f"reading {address:#x}")
    for name, (address, words, access, *_) in bus.registers.items():
        if access == "r":
            answer = await with_timeout(bus.master.write(address, bytes(4)), 1, "ms")
            assert_equal(int(answer.resp), int(AxiResp.SLVERR), f"writing {name}")
        if access == "w":
            answer = await with_timeout(bus.master.read(address, 4), 1, "ms")
            assert_equal(int(answer.resp), int(AxiResp.SLVERR), f"reading {name}")
            last = address + 4 * (words - 1)
            answer = await with_timeout(bus.master.write(last, b"\0"), 1, "ms")
            assert_equal(int(answer.resp), int(AxiResp.SLVERR), f"a byte into {name}")
