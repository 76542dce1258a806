"""Outer-product units: lanes, cells and read-out, into which a unit puts what it computes.

A unit is a :class:`Unit` with two strategies: a :class:`Draw`, which says what its lanes send, and
:class:`Cells`, which say what becomes of that; for units that have a cell per product these are
:class:`Grid` with a :class:`Product`. The description is the same for all sizes: cells make rows,
rows make halves, halves make the array.
"""

from nomul.hw.outer.cells import running, valid_bits
from nomul.hw.outer.grid import Grid
from nomul.hw.outer.layouts import UNIT_EXPONENT, pair_layout, row_layout
from nomul.hw.outer.readout import ReadOut
from nomul.hw.outer.strategies import Cells, Draw, Product, Sent, signed_result
from nomul.hw.outer.unit import Unit

__all__ = [
    "UNIT_EXPONENT",
    "Cells",
    "Draw",
    "Grid",
    "Product",
    "ReadOut",
    "Sent",
    "Unit",
    "pair_layout",
    "row_layout",
    "running",
    "signed_result",
    "valid_bits",
]
