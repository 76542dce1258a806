"""Runs a whole quantised network on one member of the product family."""

from nomul.golden.engine.compiler import program
from nomul.golden.engine.config import FLAGS, MEMBERS, RULES, TRAINED, Config, configured
from nomul.golden.engine.loading import another
from nomul.golden.engine.loading import words as load
from nomul.golden.engine.machine import Machine, model, scores
from nomul.golden.engine.passes import Pass, Rescale, Target, Walk
from nomul.golden.engine.program import Program, code_format
from nomul.golden.engine.projection import project
from nomul.golden.engine.stimuli import stimuli
from nomul.golden.engine.timing import cycles, passes
from nomul.golden.engine.unrounded import ideal

__all__ = [
    "FLAGS",
    "MEMBERS",
    "RULES",
    "TRAINED",
    "Config",
    "Machine",
    "Pass",
    "Program",
    "Rescale",
    "Target",
    "Walk",
    "another",
    "code_format",
    "configured",
    "cycles",
    "ideal",
    "load",
    "model",
    "passes",
    "program",
    "project",
    "scores",
    "stimuli",
]
