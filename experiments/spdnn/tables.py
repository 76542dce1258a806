"""TeraEdges per second and per joule: logic that is mapped, memories that are modelled."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nomul import flow, registry
from nomul.experiments import papers
from nomul.experiments import rows as baseline
from nomul.experiments.captions import caption
from nomul.experiments.compare.memory import READ_PJ_PER_64_BITS, SRAM_MB_PER_MM2
from nomul.experiments.on_cells import kept, on_cells
from nomul.experiments.spdnn.around import Around
from nomul.experiments.tables import Rows
from nomul.golden.spdnn import Config
from nomul.golden.spdnn.config import FAN_IN
from nomul.hw.spdnn import Top
from nomul.synth.emit import emit
from nomul.synth.map.recipes import BALANCED
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize

KEPT = Path("build/spdnn/tables")
PERIOD_PS = 1000
# One recipe where energies are measured, as the netlist keeps its hierarchy there.
CELLS = dataclasses.replace(FreePdk45(), recipes=(BALANCED,))
# A netlist that can be simulated: memories are flip-flops in it, so they are small.
FEW = {"neurons": 64, "adders": 1, "fraction": 16}
FEW_LAYERS = {"edge": 1, "class": 18}
MACHINES = (
    ("edge", "edge by edge", 16),
    ("class", "by classes", 16),
)


def edges_per_cycle(cfg: Config) -> float:
    """Return the edges of the challenge that a machine stands for, per cycle of a batch."""
    return cfg.adders * cfg.layers * FAN_IN * cfg.neurons / cfg.interval


def moved(cfg: Config) -> float:
    """Return the bits that are read from memories and written into them, per edge."""
    n, p, y = cfg.neurons, cfg.classes, cfg.y_bits
    if cfg.engine == "class":
        lane = n * y + p * (3 * (cfg.sum_bits - 1) + y)  # members, sums in and twice out, columns
        shared = n * cfg.address_bits
    else:
        lane = FAN_IN * n * y + n * y
        shared = FAN_IN * n * cfg.address_bits
    return (lane + shared / cfg.adders) / (FAN_IN * n)


def stored(cfg: Config) -> int:
    """Return the bits of all memories."""
    return sum(count * words * bits for count, words, bits in cfg.memories.values())


def mapped(cfg: Config) -> dict[str, Any]:
    """Return area and clock of all but the memories on FreePDK45."""
    result = synthesize(emit(Top(cfg, outside=True), "spdnn"), FreePdk45(), period_ps=PERIOD_PS)
    assert result.timing is not None
    return {"um2": result.area_um2, "period": result.timing.period_ps}


def spent(cfg: Config) -> dict[str, float]:
    """Return the energy of an addition in a lane, and of a cycle outside the lanes, in fJ.

    Of a smaller machine with as many bits, whose memories are flip-flops in modules of their own
    that do not count. Loading and results are in the window, and the additions pay for them too.
    """
    small = cfg.replace(**FEW, layers=FEW_LAYERS[cfg.engine])
    block = registry.get("spdnn")
    emitted = emit(Around(small), "spdnn")
    with on_cells(emitted, CELLS, PERIOD_PS, hierarchical=True) as design:
        found = design.spend(flow.workload(block, small))
    parts = found.parts_fj
    lanes = parts.pop("spdnn_lane")
    others = sum(value for name, value in parts.items() if "held" not in name)
    additions = found.cycles * small.layers * small.additions / small.interval
    return {"lane": lanes / additions / small.adders, "rest": others / additions}


def _kept(what: str, cfg: Config, make: Any) -> dict[str, Any]:
    few = cfg.replace(**FEW, layers=FEW_LAYERS[cfg.engine])
    emitted = emit(Top(few), "spdnn")
    return kept(KEPT, emitted, partial(make, cfg), what=what, config=cfg.to_dict())


@caption("TeraEdges per second and per joule of machines for 1,024 neurons and 120 layers.")
def speed() -> Rows:
    """Return speed and energy of machines on FreePDK45 and ECP5, beside the record quoted.

    Logic is mapped, on ECP5 placed and routed with its memories, by the committed row. On FreePDK45
    memories are modelled, and their energy too; that of logic is measured with 64 neurons.
    """
    rows: Rows = []
    for engine, name, lanes in MACHINES:
        cfg = Config(engine=engine, adders=lanes)  # type: ignore[arg-type]
        area, energy = _kept("area", cfg, mapped), _kept("energy", cfg, spent)
        mhz = 1e6 / area["period"]
        cycles = 1 / edges_per_cycle(cfg)
        logic = (energy["lane"] * lanes + energy["rest"]) * cycles * 1e-3
        memory = moved(cfg) * READ_PJ_PER_64_BITS / 64
        rows.append(
            {
                **_row(f"{name}, FreePDK45", cfg, mhz),
                "logic": f"{area['um2']:,.0f} um2",
                "memories": f"{stored(cfg):,} bits, {stored(cfg) / SRAM_MB_PER_MM2:,.0f} um2",
                "pJ per edge, logic": round(logic, 3),
                "pJ per edge, memories": round(memory, 3),
                "TeraEdges/s per W": round(1 / (logic + memory), 3),
            }
        )
    (placed,) = (row for row in baseline.load("ecp5") if row.key == "spdnn/challenge")
    assert placed.timing is not None
    rows.append(
        {
            **_row(
                f"edge by edge, {placed.device}", Config(**placed.config), placed.timing.fmax_mhz
            ),
            "logic": f"{placed.resources['luts']:,} LUTs",
            "memories": f"{placed.resources['bram']} block RAMs",
            **dict.fromkeys(ENERGIES),
        }
    )
    quoted = papers.quoted("spdnn")["tera_edges_per_second"]
    record = {"lanes": None, "MHz": None, "TeraEdges/s": quoted, "logic": None, "memories": None}
    return [*rows, {"machine": "GPUs, the record (quoted)", **record, **dict.fromkeys(ENERGIES)}]


ENERGIES = ("pJ per edge, logic", "pJ per edge, memories", "TeraEdges/s per W")


def _row(name: str, cfg: Config, mhz: float) -> dict[str, Any]:
    rate = edges_per_cycle(cfg) * mhz * 1e-6
    return {
        "machine": name,
        "lanes": cfg.adders,
        "MHz": round(mhz),
        "TeraEdges/s": float(np.format_float_positional(rate, 3, fractional=False)),
    }


TABLES = {"T1": speed}
