"""Bench of an engine behind AXI: its layer program over AXI4-Lite, codes and answers on streams.

The file that ``NOMUL_AXI`` names has the manifest's description of streams and registers.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import with_timeout
from cocotbext.axi import (
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from nomul.golden import engine, network
from nomul.golden.engine import loading
from nomul.golden.engine.files import program_words, word_bytes
from nomul.sim import harness
from nomul.sim.axi_host import hold_reset, lite_master
from nomul.sim.stream import assert_equal

VARIABLE = "NOMUL_AXI"
TIMEOUT_US = 4000


class Host:
    """What is on the other side of the buses."""

    def __init__(self, dut: Any):
        self.dut = dut
        self.cfg = engine.Config.from_json(harness.config_text())
        about = json.loads(Path(os.environ[VARIABLE]).read_text())
        self.streams = {stream["stream"]: stream for stream in about["streams"]}
        self.registers = {register["name"]: register for register in about["registers"]}
        self.master = lite_master(dut)
        self.agents = {}
        for name, stream in self.streams.items():
            kind = AxiStreamSink if stream["outward"] else AxiStreamSource
            bus = AxiStreamBus.from_prefix(dut, stream["name"])
            self.agents[name] = kind(bus, dut.aclk, dut.aresetn, reset_active_level=False)
            self.agents[name].log.setLevel(logging.WARNING)

    async def start(self) -> None:
        """Start the clock, and hold reset for some cycles."""
        await hold_reset(self.dut)
        self.dut.aresetn.value = 1

    async def load(self, net: network.Network | None) -> None:
        """Write a layer program, word by word, each of them from its lowest part on."""
        address = self.registers["program"]["address"]
        data, size = program_words(self.cfg, net), word_bytes(self.cfg)
        for at in range(0, len(data), 4):
            write = self.master.write(address + at % size, data[at : at + 4])
            await with_timeout(write, TIMEOUT_US, "us")

    async def flags(self) -> int:
        """Read the sticky flags."""
        return int(await self.master.read_dword(self.registers["errors"]["address"]))

    async def frame(self, name: str, words: list[int]) -> None:
        """Send a frame."""
        size = self.streams[name]["bytes"]
        data = b"".join(word.to_bytes(size, "little") for word in words)
        await self.agents[name].send(AxiStreamFrame(data))

    async def answer(self, net: network.Network, image: np.ndarray) -> list[int]:
        """Send an input and the weights of its network, and return the scores."""
        cfg, own = self.cfg, net is self.cfg.net
        mask = (1 << cfg.program.widths["code"]) - 1
        await self.frame("x", (image.reshape(-1) & mask).tolist())
        if cfg.weights == "stream":
            program = cfg.program if own else loading.laid(cfg, net)
            for tile in loading.weights(program):
                await self.frame("weight", tile)
        frame = await with_timeout(self.agents["y"].recv(compact=False), TIMEOUT_US, "us")
        size, data = self.streams["y"]["bytes"], bytes(frame.tdata)
        words = [int.from_bytes(data[k : k + size], "little") for k in range(0, len(data), size)]
        bits = cfg.program.widths["score"]
        scores = [word & ((1 << bits) - 1) for word in words]
        return [score - ((score >> (bits - 1)) << bits) for score in scores]


@cocotb.test()
async def a_program_comes_over_the_bus(dut):
    """Compute the engine's own network, another one, and the first again; then read the flags."""
    host = Host(dut)
    cfg, rng = host.cfg, np.random.default_rng(1)
    other = engine.another(cfg.net, rng, weights=cfg.weights == "stream")
    x = engine.stimuli(cfg, rng, 3)["x"]
    await host.start()
    for net in (cfg.net, other, cfg.net):
        await host.load(None if net is cfg.net else net)
        for image in x:
            values = network.trace(net, image[None])
            wanted = values[-2 if isinstance(net.layers[-1], network.ArgMax) else -1]
            assert_equal(await host.answer(net, image), wanted.reshape(-1), "scores")
    assert_equal(await host.flags(), 0, "flags")
    harness.record(images=3 * len(x))
