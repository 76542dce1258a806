"""Area, time and energy of memorised products beside direct sampling, on standard cells."""

import dataclasses
from functools import partial
from pathlib import Path

from nomul import flow, registry
from nomul.experiments import rows as baseline
from nomul.experiments.captions import caption
from nomul.experiments.on_cells import kept, on_cells
from nomul.experiments.tables import Rows
from nomul.golden.dm import Config
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import FreePdk45

KEPT = Path("build/dm/tables")
PERIOD_PS = 1000
CELLS = dataclasses.replace(FreePdk45(), recipes=(BALANCED,))
PRESETS = ("direct", "sign")


def spent(cfg: Config) -> dict[str, float]:
    """Return the energy of a sample of one result, in fJ, over the bench's layer and vectors."""
    block = registry.get("dm")
    with on_cells(flow.steps.emit(block, cfg), CELLS, PERIOD_PS) as design:
        found = design.spend(flow.workload(block, cfg))
    return {"fj": found.per_operation_fj}


@caption("A layer of 8 x 4 with eight samples on FreePDK45, memories in flip-flops.")
def hardware() -> Rows:
    """Return area and clock of the committed rows, and energy without wires and glitches."""
    rows: Rows = []
    for preset in PRESETS:
        cfg = Config.preset(preset)
        (row,) = (r for r in baseline.load("freepdk45") if r.key == f"dm/{preset}")
        assert row.timing is not None
        assert row.area_um2 is not None
        emitted = flow.steps.emit(registry.get("dm"), cfg)
        energy = kept(KEPT, emitted, partial(spent, cfg), config=cfg.to_dict())
        rows.append(
            {
                "method": cfg.method,
                "noise": cfg.noise,
                "um2": round(row.area_um2),
                "MHz": round(row.timing.fmax_mhz),
                "cycles per vector": cfg.interval,
                "multiplications per vector": round(cfg.multiplications * cfg.weights),
                "pJ per sample of a result": round(energy["fj"] * 1e-3, 2),
            }
        )
    return rows
