"""Bench of the training unit, and the frames that it takes."""

from nomul.sim.sgd.bench import (
    MEASURED,
    OPERATION,
    RECORDED,
    a_wrong_frame_changes_nothing_and_raises_its_flag,
    an_image_that_is_only_judged_changes_nothing,
    cycles_are_those_of_the_formula,
    steps_equal_the_model,
    typical_steps_in_sequence,
    works_after_a_reset_in_the_middle,
)

__all__ = [
    "MEASURED",
    "OPERATION",
    "RECORDED",
    "a_wrong_frame_changes_nothing_and_raises_its_flag",
    "an_image_that_is_only_judged_changes_nothing",
    "cycles_are_those_of_the_formula",
    "steps_equal_the_model",
    "typical_steps_in_sequence",
    "works_after_a_reset_in_the_middle",
]
