"""Layers made of overlapping patches of a small matrix, after EPIM: a controller over an array."""

from nomul.golden.epitome.config import FLAGS, Config
from nomul.golden.epitome.entries import (
    Entry,
    checked,
    cover,
    in_order,
    patches,
    rounds,
    weights,
    words,
)
from nomul.golden.epitome.product import (
    cycles,
    ideal,
    model,
    model_by_rounds,
    project,
    shares,
    stimuli,
)

__all__ = [
    "FLAGS",
    "Config",
    "Entry",
    "checked",
    "cover",
    "cycles",
    "ideal",
    "in_order",
    "model",
    "model_by_rounds",
    "patches",
    "project",
    "rounds",
    "shares",
    "stimuli",
    "weights",
    "words",
]
