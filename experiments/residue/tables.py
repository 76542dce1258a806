"""Tables of residues: what the carry rules write."""

from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import residue

Rows = list[dict[str, Any]]

WEIGHTS, UPDATES = 50, 4000


@caption("What an update writes, by carry rule: bits of the residue, and steps of the level.")
def writes() -> Rows:
    """Return writes per update of 50 weights in 4,000 uniform updates, counted by the model.

    Levels are without rails, or the 16 of 4 bits, where carries are lost.
    """
    rows = []
    for low_bits in (4, 5, 7, 9):
        for largest in (1 << (low_bits - 4), 1 << (low_bits - 2), 1 << (low_bits - 1)):
            for rails in (None, (-8, 7)):
                rows.append(_row(low_bits, largest, rails))
    return rows


def _row(low_bits: int, largest: int, rails: tuple[int, int] | None) -> dict[str, Any]:
    q = np.random.default_rng(3).integers(-largest, largest + 1, (UPDATES, WEIGHTS))
    row: dict[str, Any] = {"L": low_bits, "largest update": largest}
    row["levels"] = "-8..7" if rails else "no rails"
    pulses = {}
    for rule in ("twos", "trunc"):
        cfg = residue.Config(low_bits=low_bits, levels=rails or (-30000, 30000), carry=rule)
        counted = residue.counts(cfg, q)
        pulses[rule] = counted.pulses
        row |= {
            f"{rule}: bits": round(counted.flips / q.size, 3),
            f"{rule}: level steps": round(counted.pulses / q.size, 4),
            f"{rule}: lost": counted.lost,
        }
    return row | {"steps, twos : trunc": round(pulses["twos"] / max(1, pulses["trunc"]), 2)}


TABLES = {"T2": writes}
