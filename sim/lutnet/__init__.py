"""Bench of the look-up-table networks."""

from nomul.sim.lutnet.bench import MEASURED, OPERATION, expected, outputs_equal_the_model, stimuli

__all__ = [
    "MEASURED",
    "OPERATION",
    "expected",
    "outputs_equal_the_model",
    "stimuli",
]
