"""Bench of the spiking layers."""

from nomul.sim.lif.bench import (
    MEASURED,
    OPERATION,
    malformed_input_raises_its_flag,
    outputs_equal_the_model,
    steps_take_as_many_cycles_as_the_formula_says,
    works_after_a_reset_in_the_middle,
)

__all__ = [
    "MEASURED",
    "OPERATION",
    "malformed_input_raises_its_flag",
    "outputs_equal_the_model",
    "steps_take_as_many_cycles_as_the_formula_says",
    "works_after_a_reset_in_the_middle",
]
