"""Bench of the array for product quantisation: the family's, with tables for weights, and ties."""

import os

import cocotb
import numpy as np

from nomul.golden import pq
from nomul.golden.products.contract import code_range
from nomul.sim import products
from nomul.sim.stream import assert_equal


class Unit(products.Driver):
    """Drives the array for product quantisation."""

    golden = pq

    def weight_fields(self) -> tuple[tuple[str, int, int], ...]:
        """Return one field: bits of prototypes or thresholds, or of table entries."""
        return (("w", 1, self.cfg.word_bits),)

    def compress(self, w: np.ndarray) -> pq.Packed:
        """Return a tile for weights, its prototypes from random vectors or those of a file.

        The file that ``NOMUL_STIMULI`` names may have them as ``samples``.
        """
        cfg, path = self.cfg, os.environ.get("NOMUL_STIMULI")
        if path is not None:
            with np.load(path) as file:
                if "samples" in file:
                    return pq.fit(cfg, w, file["samples"])
        low, high = code_range(cfg.act_bits, cfg.act_signed)
        samples = self.bench.numpy_rng.integers(low, high + 1, (40, cfg.inputs))
        return pq.fit(cfg, w, samples)


globals().update(products.tests(Unit))


@cocotb.test()
async def any_tables_and_ties(dut):
    """Random prototypes, equal ones among them, and tables over their whole range."""
    unit, done = Unit(dut), 0
    await unit.bench.reset()
    for _ in range(3):
        made = pq.stimuli(unit.cfg, unit.bench.numpy_rng, 8)
        await unit.load(made["packed"])
        for vector in made["x"]:
            unit.offer(unit.vector_words(made["packed"], vector))
        y = (await unit.take(done + 8))[done:]
        assert_equal(y, pq.model(unit.cfg, **made), "y")
        done += 8
    unit.check_errors()
