"""ESSOP on FPGAs: look-up tables, flip-flops and clock of square arrays."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nomul import ledger, registry
from nomul.experiments.captions import caption
from nomul.golden import essop
from nomul.synth import yosys
from nomul.synth.emit import Emitted, emit
from nomul.synth.map.synthesize import synthesize
from nomul.synth.place import pnr

Rows = list[dict[str, Any]]

SIZES = (8, 16, 32)
CELLS = ("counter", "prefix")

# For each target and cell, the largest array that is placed. Counters of 32 x 32 take hours, and so
# do 16 x 16 lanes in the harness that an iCE40 needs for its few pins.
PLACED: dict[tuple[str, essop.Cell], int] = {
    ("ecp5", "counter"): 16,
    ("ecp5", "prefix"): 32,
    ("ice40", "counter"): 8,
    ("ice40", "prefix"): 0,
}

# Finished arrays stay here, under the current folder.
KEPT = Path("build/essop/T3")


@caption("LUTs, flip-flops and clock of square arrays on ECP5 and iCE40, BL 16.")
def fpga() -> Rows:
    """Return LUTs, flip-flops and clock of square arrays on ECP5 and iCE40, BL 16.

    The clock is that of place and route with one seed.
    """
    rows = []
    for target, cell in PLACED:
        for size in SIZES:
            cfg = essop.Config(rows=size, cols=size, cell=cell)
            emitted = emit(registry.get("essop").top(cfg), "essop")
            placed = size <= PLACED[target, cell]
            tool = version(f"yowasp-nextpnr-{target}")
            about = {
                "design": ledger.digest(emitted.rtlil),
                "target": target,
                "placed": placed,
                "tools": {"yosys": yosys.version(), "nextpnr": tool},
            }
            fit = partial(_fit, emitted, target, placed)
            measured = ledger.kept(ledger.Folder(KEPT), about, fit)
            head = {"target": target, "cell": cell, "rows = cols": size}
            rows.append(head | measured | {"cycles per pair": cfg.interval})
    return rows


def _fit(emitted: Emitted, target: str, placed: bool) -> dict[str, Any]:
    """Return what one array occupies, and its clock if it is to be placed."""
    mapped = synthesize(emitted, target, hierarchical=not placed).resources
    result: dict[str, Any] = {"LUT": mapped["luts"], "FF": mapped["ffs"], "device": "", "MHz": None}
    if placed:
        fit = pnr.place_and_route(emitted, target, (1,))
        result |= {"device": fit.device, "MHz": round(fit.fmax_mhz)}
    return result


TABLES: dict[str, Callable[[], Rows]] = {"T3": fpga}
