"""Bench of SP-IMC's macro as a member: a tile stays, and vectors follow one another."""

from typing import Any

import cocotb
import numpy as np

from nomul.golden.products import spimc
from nomul.sim.products.operands import record, tile
from nomul.sim.spimc import Macro
from nomul.sim.spimc.bench import COMMAND, START
from nomul.sim.stream import STALLS, assert_equal, bit

MEASURED = "vectors_in_sequence/source=never/sink=never"
OPERATION = "product"


class Unit(Macro):
    """Drives the macro, one product after the other."""

    config_class = spimc.Config

    def ask(self, vectors: np.ndarray) -> None:
        """Queue vectors, and the start of a product for each; the macro takes both in turn."""
        for vector in vectors:
            self.offer(vector)
        start = {name: [0] * len(vectors) for name, _, _ in COMMAND.fields}
        start["op"] = [START] * len(vectors)
        self.command.payloads = [*self.command.payloads, *COMMAND.pack(**start)]


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def vectors_in_sequence(dut, source, sink):
    """One tile, many vectors: sums equal the model; without stalls cycles equal the formula."""
    unit = Unit(dut, source, sink)
    cfg: Any = unit.cfg  # of the family's member
    packed, x = tile(spimc, cfg, unit.bench.numpy_rng)
    await unit.bench.reset()
    await unit.load(packed.tile)
    assert bit(dut.loaded), "the tile is not loaded"
    unit.ask(x)
    received = await unit.bench.receive(unit.y, len(x) * cfg.outputs)
    y = unit.sums.unpack(received, signed=("y",))["y"].reshape(len(x), -1)
    assert_equal(y, spimc.model(cfg, packed, x), "y")
    await unit.check_errors([])
    cycles = unit.y.cycles[-1] - unit.x.sent[0] + 1
    if source == sink == "never":
        assert_equal(cycles, spimc.cycles(cfg, packed, x), "cycles")
    record(unit.bench, cfg, x, unit.x, cycles)
