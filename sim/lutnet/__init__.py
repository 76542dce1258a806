"""Bench of the look-up-table networks."""

from nomul.sim.lutnet.bench import expected, outputs_equal_the_model, stimuli

__all__ = [
    "expected",
    "outputs_equal_the_model",
    "stimuli",
]
