"""Weights and vectors that a member's bench is given, or draws: what energy is measured on."""

import os
from types import ModuleType
from typing import Any

import numpy as np

from nomul.golden.products.contract import code_range
from nomul.sim import harness

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


def record(cfg: Any, x: np.ndarray, cycles: int) -> None:
    """Record how many products were computed, zeros among them, and in how many cycles."""
    harness.record(products=len(x) * cfg.inputs * cfg.outputs, cycles=cycles)
