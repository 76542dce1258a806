"""A core around matrix-vector units, as the digital mirror of an analog crossbar machine.

After PUMA, arXiv 1901.10351, whose abstract and public names of operations are what we know of it:
encoding, timing and registers are ours.
"""

from nomul.golden.mvmu.config import FETCH, POINT, Config
from nomul.golden.mvmu.isa import FUNCTIONS, OPERATIONS, WHENS, Instruction, assemble, words
from nomul.golden.mvmu.machine import (
    Core,
    Product,
    alu,
    fixed,
    ideal,
    model,
    offset,
    stimuli,
)
from nomul.golden.mvmu.programs import perceptron

__all__ = [
    "FETCH",
    "FUNCTIONS",
    "OPERATIONS",
    "POINT",
    "WHENS",
    "Config",
    "Core",
    "Instruction",
    "Product",
    "alu",
    "assemble",
    "fixed",
    "ideal",
    "model",
    "offset",
    "perceptron",
    "stimuli",
    "words",
]
