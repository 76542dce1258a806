"""One neuron under every reset rule: the same currents, different trains."""

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.lif.layer import RESETS, Layer, Reset
from nomul.golden.lif.response import membrane

STEPS = 400


def currents(steps: int = STEPS, seed: int = 1) -> Ints:
    """Return integer currents of 0..99, int64[steps]: noise that makes every other step spike."""
    return np.random.default_rng(seed).integers(0, 100, steps)


def neuron(reset: Reset) -> Layer:
    """Return a neuron with beta = 7/8 and a threshold of 100, under a reset rule."""
    return Layer(
        inputs=1, neurons=1, weight_bits=8, state_bits=20, fraction=8, leak=3, threshold=100,
        reset=reset,
    )  # fmt: skip


def modes(steps: int = STEPS) -> dict[str, Ints]:
    """Return the train of every reset rule, int64[steps] each.

    ``spiker22`` takes its reset value of 0 and no inhibition, so that only its order differs.
    """
    return {reset: membrane(neuron(reset), currents(steps)).out for reset in RESETS}
