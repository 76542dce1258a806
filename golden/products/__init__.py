"""What the matrix-vector products share: contract, packed tiles, planner, and adapted members."""

from nomul.golden.products.contract import FLAGS, TooFull, code_range, sum_bits
from nomul.golden.products.cutting import Placed
from nomul.golden.products.members import CONTROLLERS, MEMBERS, configure, member
from nomul.golden.products.packed import Packed
from nomul.golden.products.planner import Plan, plan, shares

__all__ = [
    "CONTROLLERS",
    "FLAGS",
    "MEMBERS",
    "Packed",
    "Placed",
    "Plan",
    "TooFull",
    "code_range",
    "configure",
    "member",
    "plan",
    "shares",
    "sum_bits",
]
