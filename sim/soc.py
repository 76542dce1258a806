"""Bench of the design in ``docs/soc.v``: two blocks on a bus, used as a program would."""

import logging
import random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from nomul.golden import codebook, sotfp
from nomul.sim import harness
from nomul.sim.axis import IDENTITY
from nomul.sim.codebook import entries, layouts
from nomul.sim.sotfp import ends, pack
from nomul.sim.stream import PERIOD_NS, assert_equal, pauses

CODEBOOK, SOTFP = 0x0000, 0x1000
ENTRY, CODE, FIRST, SECOND = 0x2000, 0x2004, 0x2008, 0x200C
LEVEL, RESULT = 0x3000, 0x3004
LAST = 1 << 31

# Registers of the blocks, in the order of their manifests.
REFUSED = CODEBOOK + 4
BUSY, READS = SOTFP + 4, SOTFP + 8


class Program:
    """What a processor does: writes and reads of words, one after the other."""

    def __init__(self, dut: Any):
        self.dut = dut
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        self.master = AxiLiteMaster(bus, dut.aclk, dut.aresetn, reset_active_level=False)
        for agent in (self.master.read_if, self.master.write_if):
            agent.log.setLevel(logging.WARNING)
        # A master that is slow to take an answer.
        pause = pauses("random", random.Random(harness.seed()))
        self.master.read_if.r_channel.set_pause_generator(iter(pause, None))

    async def start(self) -> None:
        """Start the clock, and hold reset for three cycles."""
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        for _ in range(3):
            await RisingEdge(self.dut.aclk)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    async def write(self, address: int, word: int) -> int:
        """Write a word, and return the response."""
        data = word.to_bytes(4, "little")
        answer = await with_timeout(self.master.write(address, data), 1, "ms")
        return int(answer.resp)

    async def read(self, address: int) -> tuple[int, int]:
        """Return a word, and the response."""
        answer = await with_timeout(self.master.read(address, 4), 1, "ms")
        return int.from_bytes(answer.data, "little"), int(answer.resp)


@cocotb.test()
async def both_blocks_answer_their_models(dut):
    """Load and read the codebook, then add numbers in the array, and read its counters."""
    program = Program(dut)
    await program.start()
    for window in (CODEBOOK, SOTFP):
        assert_equal(await program.read(window), (IDENTITY, int(AxiResp.OKAY)), "identity")
    rng = np.random.default_rng(harness.seed())

    cfg = codebook.Config.preset("small")
    levels, codes = codebook.stimuli(cfg, rng).values()
    for entry in entries(cfg, levels):
        assert await program.write(ENTRY, entry) == AxiResp.OKAY
    answers = []
    for code in codes[:20].tolist():
        assert await program.write(CODE, code) == AxiResp.OKAY
        answers.append((await program.read(LEVEL))[0])
    got = layouts(cfg)[1].unpack(answers, signed=("level",))
    expected = codebook.model(cfg, levels, codes[:20])
    assert_equal(got["level"], expected.level, "level")
    assert_equal(got["unloaded"], expected.unloaded, "unloaded")
    assert_equal((await program.read(REFUSED))[0], 0, "refused")

    numbers = sotfp.Config.preset("fp16")
    pairs = sotfp.stimuli(numbers, rng, 8)
    a, b = pairs["a"][-5:], pairs["b"][-5:]
    last = ends([len(a)])
    bit = numbers.width + 1
    for first, second in zip(*pack(numbers, a, b, "add", last), strict=True):
        await program.write(FIRST, first & (1 << bit) - 1 | (first >> bit) * LAST)
        await program.write(SECOND, second & (1 << bit - 1) - 1 | (second >> bit - 1) * LAST)
    results = [(await program.read(RESULT))[0] for _ in a]
    sums = sotfp.model(numbers, "add", a, b).astype(np.int64)
    assert_equal(np.array(results) & LAST - 1, sums, "sum")
    assert_equal(np.array(results) >> 31, last, "last")
    assert_equal((await program.read(BUSY))[0], 0, "busy")
    assert_equal((await program.read(READS))[0], sotfp.program(numbers, "add").reads, "reads")


@cocotb.test()
async def nothing_else_is_there(dut):
    """Other addresses, parts of words and bits that no stream has are refused."""
    program = Program(dut)
    await program.start()
    for address in (CODEBOOK + 8, SOTFP + 0x18, 0x2000, 0x3008, 0x4000, 0x1020):
        assert_equal((await program.read(address))[1], int(AxiResp.SLVERR), hex(address))
    for address, word in ((CODEBOOK, 0), (SOTFP, 0), (0x2010, 0), (CODE, 1 << 24), (LEVEL, 0)):
        assert_equal(await program.write(address, word), int(AxiResp.SLVERR), hex(address))
    part = await with_timeout(program.master.write(CODE, b"\x01"), 1, "ms")
    assert_equal(int(part.resp), int(AxiResp.SLVERR), "a byte")
