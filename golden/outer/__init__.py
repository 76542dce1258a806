"""Outer-product units: what those that stand in each other's place have in common.

A unit's lanes make something of an operand and of random words, its cells make a product of what a
row and a column send, and its read-out sends the products row by row, or adds them up first. Ports
and cycles follow from :class:`Array` alone, so whatever lanes and cells do, one bench, one table
and one baseline serve all units.
"""

from nomul.golden.outer.accumulators import accumulate, max_right_shift, rounding_words, shifted
from nomul.golden.outer.array import EXPONENT_BITS, ROUNDINGS, Accumulators, Array, Rounding
from nomul.golden.outer.config import Accumulating, Unit
from nomul.golden.outer.model import Model
from nomul.golden.outer.pairs import ideal, operand, pairs, quantise, stimuli, unit_exponent

__all__ = [
    "EXPONENT_BITS",
    "ROUNDINGS",
    "Accumulating",
    "Accumulators",
    "Array",
    "Model",
    "Rounding",
    "Unit",
    "accumulate",
    "ideal",
    "max_right_shift",
    "operand",
    "pairs",
    "quantise",
    "rounding_words",
    "shifted",
    "stimuli",
    "unit_exponent",
]
