"""Bench of SONIC's fully connected units as a member: one codebook, a task for each vector."""

from typing import Any

import cocotb

from nomul.golden.products import sonic
from nomul.sim.products.operands import record, tile
from nomul.sim.sonic.bench import Accelerator, Job
from nomul.sim.stream import STALLS, assert_equal, bits

MEASURED = "vectors_in_sequence/source=never/sink=never"
OPERATION = "product"


class Unit(Accelerator):
    """Drives the units, with a memory that answers with codes."""

    config_class = sonic.Config
    kinds = ("fc",)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def vectors_in_sequence(dut, source, sink):
    """One tile, many vectors: sums equal the model; without stalls cycles equal the formula."""
    unit = Unit(dut, source, sink)
    cfg: Any = unit.cfg  # of the family's member
    packed, x = tile(sonic, cfg, unit.bench.numpy_rng)
    await unit.bench.reset()
    unit.load(packed.codebook)
    jobs = [Job("fc", packed.codes, vector) for vector in x]
    for job in jobs:
        unit.start(job, packed.codebook)
    y = (await unit.results(jobs))["fc"]
    for got, expected in zip(y, sonic.model(cfg, packed, x), strict=True):
        assert_equal(got, expected, "y")
    assert_equal(bits(dut.refused), 0, "refused")
    cycles = unit.y["fc"].cycles[-1] - unit.vector["fc"].sent[0] + 1
    if source == sink == "never":
        assert_equal(cycles, sonic.cycles(cfg, packed, x), "cycles")
    record(unit.bench, cfg, x, unit.vector["fc"], cycles)
