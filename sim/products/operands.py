"""Weights and vectors that a member's bench is given, or draws: what energy is measured on."""

import os
from types import ModuleType
from typing import Any

import numpy as np

from nomul.golden.products.contract import code_range
from nomul.sim import harness
from nomul.sim.stream import Bench, Source

VARIABLE = "NOMUL_STIMULI"


def operands(
    golden: ModuleType, cfg: Any, rng: np.random.Generator, vectors: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights int[inputs, outputs] and vectors int[V, inputs] of a tile.

    Those of the file that ``NOMUL_STIMULI`` names, else random ones, a third of whose activations
    are zero; weights are the nearest that the member holds.
    """
    path = os.environ.get(VARIABLE)
    if path is not None:
        with np.load(path) as file:
            return golden.project(cfg, file["w"]), file["x"]
    low, high = code_range(cfg.weight_bits)
    w = rng.integers(low, high + 1, (cfg.inputs, cfg.outputs))
    bounds = code_range(cfg.act_bits, cfg.act_signed)
    x = rng.integers(bounds[0], bounds[1] + 1, (vectors, cfg.inputs))
    x[rng.random(x.shape) < 0.3] = 0
    x[0] = 0
    return golden.project(cfg, w), x


def tile(golden: ModuleType, cfg: Any, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """Return a tile of :func:`operands`, and their vectors."""
    w, x = operands(golden, cfg, rng)
    return golden.compress(cfg, w), x


def record(bench: Bench, cfg: Any, x: np.ndarray, vectors: Source, cycles: int) -> None:
    """Record what energy is split by.

    How many products were computed, zeros among them, in how many cycles, and how many cycles
    before, from the first transfer on any stream, went by with loading.

    Parameters
    ----------
    vectors
        Who sent the vectors.
    """
    sent = [agent.sent for agent in bench.agents if isinstance(agent, Source)]
    begin = min(cycles[0] for cycles in sent if cycles)
    harness.record(
        products=len(x) * cfg.inputs * cfg.outputs,
        cycles=cycles,
        load_cycles=vectors.sent[0] - begin,
    )
