"""ESSOP: the outer product of two vectors from AND gates and counters.

After Joshi et al., "ESSOP: Efficient and Scalable Stochastic Outer Product Architecture for Deep
Learning", ISCAS 2020, arXiv 2003.11256, whose abstract describes the method; stream lengths, number
generators and array organisation are our reconstruction.
"""

from nomul.golden.essop.config import CELLS, ORDERED_CELLS, Cell, Config
from nomul.golden.essop.counts import bits, model
from nomul.golden.essop.timing import beats, cycles
from nomul.golden.essop.updates import outer, update
from nomul.golden.outer import (
    EXPONENT_BITS,
    ROUNDINGS,
    accumulate,
    ideal,
    max_right_shift,
    operand,
    quantise,
    rounding_words,
    shifted,
    stimuli,
    unit_exponent,
)

__all__ = [
    "CELLS",
    "EXPONENT_BITS",
    "ORDERED_CELLS",
    "ROUNDINGS",
    "Cell",
    "Config",
    "accumulate",
    "beats",
    "bits",
    "cycles",
    "ideal",
    "max_right_shift",
    "model",
    "operand",
    "outer",
    "quantise",
    "rounding_words",
    "shifted",
    "stimuli",
    "unit_exponent",
    "update",
]
