"""ESSOP on FPGAs: look-up tables, flip-flops and clock of square arrays."""

from collections.abc import Callable
from typing import Any

from nomul import registry
from nomul.golden import essop
from nomul.synth import pnr
from nomul.synth.emit import emit
from nomul.synth.synthesize import synthesize

Rows = list[dict[str, Any]]


def fpga() -> Rows:
    """Return LUTs, flip-flops and clock of square arrays on ECP5 and iCE40, placed and routed.

    One seed. Arrays that fit no device, or that take tens of minutes to place, have no clock.
    """
    rows = []
    for size in SIZES:
        for cell in ("counter", "prefix"):
            cfg = essop.Config(rows=size, cols=size, cell=cell)
            emitted = emit(registry.get("essop").top(cfg), "essop")
            for target, most in PLACED.items():
                mapped = synthesize(emitted, target, hierarchical=size > most).resources
                row: dict[str, Any] = {"rows = cols": size, "cell": cell, "target": target}
                row |= {"LUT": mapped["luts"], "FF": mapped["ffs"], "device": "", "MHz": None}
                if size <= most:
                    placed = pnr.place_and_route(emitted, target, (1,))
                    row |= {"device": placed.device, "MHz": round(placed.fmax_mhz)}
                rows.append(row | {"cycles per pair": cfg.interval})
    return rows


# Sizes of T3, and for each target the largest that is placed.
SIZES = (8, 16, 32)
PLACED = {"ecp5": 16, "ice40": 8}

TABLES: dict[str, Callable[[], Rows]] = {"T3": fpga}
