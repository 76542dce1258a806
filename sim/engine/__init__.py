"""Benches of the engine: whole networks, image by image; the long one for test sets."""

from nomul.sim.engine.bench import (
    MEASURED,
    OPERATION,
    RECORDED,
    images_in_sequence,
    inputs_equal_the_model,
    malformed_inputs_give_nothing,
    malformed_tiles_give_nothing,
    other_programs_are_computed,
    works_after_reset,
)

__all__ = [
    "MEASURED",
    "OPERATION",
    "RECORDED",
    "images_in_sequence",
    "inputs_equal_the_model",
    "malformed_inputs_give_nothing",
    "malformed_tiles_give_nothing",
    "other_programs_are_computed",
    "works_after_reset",
]
