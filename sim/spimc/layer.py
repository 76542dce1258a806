"""Bench that runs a whole layer through the SP-IMC macro: tiles, partial sums, comparison."""

import os

import cocotb
import numpy as np

from nomul.golden.spimc import layer
from nomul.sim import harness
from nomul.sim.spimc.bench import Macro
from nomul.sim.stream import assert_equal

MEASURED, OPERATION = "layer_equals_the_product", "vector"


@cocotb.test()
async def layer_equals_the_product(dut):
    """Load every tile, send every vector, add what the windows give, compare with W^T x."""
    laid = layer.load(os.environ["NOMUL_WEIGHTS"])
    x = np.load(os.environ["NOMUL_INPUTS"])
    macro = Macro(dut)
    await macro.bench.reset()
    y = np.zeros((laid.columns, len(x)), dtype=np.int64)
    loaded, computed, beats = 0, 0, 0
    for placed in laid.tiles:
        tile = placed.packed.tile
        rows = slice(placed.row, placed.row + macro.cfg.length(tile))
        for number, vector in enumerate(x[:, rows]):
            if number == 0 or macro.cfg.passes(tile) > 1:
                await macro.load(placed.packed)
                loaded += 1
                beats += layer.beats(macro.cfg, placed.packed)
            part = await macro.product(placed.packed, vector)
            np.add.at(y[:, number], placed.owner, part[: len(placed.owner)])
            computed += macro.cfg.cycles(tile)
    await macro.check_errors([])
    assert_equal(y.T, x.astype(np.int64) @ laid.weights(), "y")
    assert_equal(y.T, laid.model(x), "y of the model")
    assert_equal(computed, laid.cycles * len(x), "cycles of all products")
    assert_equal(len(macro.weight.sent), beats, "beats")
    harness.record(vectors=len(x), tiles=len(laid.tiles), tile_loads=loaded)
    harness.record(compute_cycles=computed, all_cycles=macro.bench.cycle)
