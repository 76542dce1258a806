"""What SONIC's electronic part costs: area by part, place and route, energy, the compactor."""

import tempfile
from pathlib import Path
from typing import Any

from nomul import registry
from nomul.experiments.captions import caption
from nomul.experiments.on_cells import on_cells
from nomul.golden import compactor
from nomul.golden.sonic import Config
from nomul.hw.sonic import SonicConv, SonicFC, Top
from nomul.synth.emit import emit
from nomul.synth.map.recipes import AREA
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.map.timing import AbcEstimate
from nomul.synth.place import pnr

Rows = list[dict[str, Any]]

# Megabits per mm2 of an OpenRAM memory in FreePDK45: Guthaus et al., "OpenRAM: an open-source
# memory compiler", ICCAD 2016, the table of densities. One port each; ours has two.
SRAM_MB_PER_MM2 = 0.826

PERIODS = {"small": 2000, "paper": 3000}

# FreePDK45, mapped for the least area and nothing else.
SMALLEST = FreePdk45(recipes=(AREA,))

# A part is what these modules hold together, without the modules below them.
PARTS = {
    "lanes": ("lane", "lane_1"),
    "sum, conversion, accumulator": ("conv_vdu", "fc_vdu"),
    "look-ups of FC units": ("conv_unit", "fc_unit"),
    "batch norm, ReLU, pooling": ("post",),
    "compactors": ("compactor",),
    "windows and offsets": ("windows", "offsets"),
    "codebook": ("registers",),
    "chunk memories": ("chunks",),
}
REST = "control, counters, requests"


def bits(cfg: Config) -> int:
    """Return the bits of all chunk memories."""
    total = 0
    for kind in (SonicFC, SonicConv):
        engine: Any = kind(cfg)
        engine._MustUse__used = True  # Amaranth warns of what nobody elaborates
        total += sum(width * depth for width, depth in engine.memories.values())
    return total


def part_of(module: str) -> str:
    """Return the part that a module belongs to."""
    name = module.removeprefix("sonic_")
    for part, keys in PARTS.items():
        exact = part not in ("compactors", "windows and offsets", "chunk memories")
        if name in keys or (not exact and any(key in name for key in keys)):
            return part
    return REST


def mapped(preset: str, *, outside: bool) -> Result:
    """Return a preset on FreePDK45, each distinct module mapped once, for the least area."""
    emitted = emit(Top(Config.preset(preset), outside=outside), "sonic")
    # Its clock is not asked for, and static timing of millions of cells takes long.
    return synthesize(
        emitted, SMALLEST, hierarchical=True, period_ps=PERIODS[preset], timer=AbcEstimate()
    )


@caption("The area of both presets on FreePDK45 by part, memories mapped or modelled apart.")
def area() -> Rows:
    """Return the area of both presets on FreePDK45 by part, memories mapped or modelled apart."""
    rows = []
    results = {"small": mapped("small", outside=False), "paper": mapped("paper", outside=True)}
    for preset, result in results.items():
        sums: dict[str, float] = {}
        for name, part in result.parts.items():
            label = part_of(name)
            sums[label] = sums.get(label, 0.0) + part.count * (part.area_um2 or 0.0)
        for label in (*PARTS, REST):
            if label in sums:
                rows.append(_row(preset, label, sums[label], "mapped"))
        total = result.area_um2 or 0.0
        rows.append(_row(preset, "all of it that is mapped", total, "mapped"))
        if preset == "small":
            per_bit = sums["chunk memories"] / bits(Config.preset("small"))
    count = bits(Config.preset("paper"))
    densities = {"OpenRAM's density": 1 / SRAM_MB_PER_MM2, "flip-flops as in small": per_bit}
    for how, each in densities.items():
        label = f"chunk memories, {count:,} bits: {how}"
        rows.append(_row("paper", label, count * each, "modelled"))
    return rows


def _row(preset: str, part: str, um2: float, basis: str) -> dict[str, Any]:
    return {"preset": preset, "part": part, "area, um2": round(um2), "basis": basis}


@caption("Small on ECP5, placed and routed on the smallest part that holds it.")
def placed() -> Rows:
    """Return small on ECP5, placed and routed on the smallest part that holds it."""
    emitted = emit(Top(Config.preset("small")), "sonic")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        result = synthesize(emitted, "ecp5", folder=folder)
        routed = pnr.place_and_route(
            emitted, "ecp5", netlist_json=result.netlist_json, folder=folder
        )
    available = routed.available or {}
    kinds = {
        "look-up tables": "TRELLIS_COMB",
        "flip-flops": "TRELLIS_FF",
        "multipliers": "MULT18X18D",
        "block RAMs": "DP16KD",
    }
    return [
        {
            "preset": "small",
            "part": routed.device,
            **{
                name: f"{routed.utilisation.get(kind, 0):,} of {available.get(kind, 0):,}"
                for name, kind in kinds.items()
            },
            "clock, MHz": round(routed.fmax_mhz, 1),
        }
    ]


@caption("The energy of small's cells per product, simulated without glitches, by part.")
def energy() -> Rows:
    """Return the energy of small's cells per product, simulated without glitches, by part."""
    from nomul import flow

    block, cfg = registry.get("sonic"), Config.preset("small")
    period = PERIODS["small"]
    with on_cells(emit(Top(cfg), "sonic"), SMALLEST, period, hierarchical=True) as design:
        spent = design.spend(flow.workload(block, cfg), start=None)
    sums: dict[str, list[float]] = {}
    for name, part in spent.parts.items():
        leakage = part.leakage_nw * spent.cycles * spent.period_ps * 1e-6
        values = (part.internal, part.switching, part.clock, leakage)
        before = sums.get(part_of(name), [0.0] * 4)
        sums[part_of(name)] = [a + b for a, b in zip(before, values, strict=True)]
    sums["all"] = [sum(column) for column in zip(*sums.values(), strict=True)]
    names = ("cells, fJ", "nets, fJ", "clock, fJ", "leakage, fJ")
    return [
        {
            "part": part,
            **{n: round(v / spent.operations) for n, v in zip(names, sums[part], strict=True)},
            "together, fJ": round(sum(sums[part]) / spent.operations),
        }
        for part in (*PARTS, REST, "all")
    ]


@caption("The zero compactors: beats per cycle as measured, area and clock on FreePDK45.")
def compactors() -> Rows:
    """Return the zero compactors: beats per cycle as measured, area and clock on FreePDK45."""
    from nomul import flow

    rows = []
    for preset in ("narrow", "wide"):
        cfg = compactor.Config.preset(preset)
        block = registry.get("compactor")
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            report = flow.simulate(block, cfg, folder / "sim")
            result = synthesize(emit(block.top(cfg), "compactor"), "freepdk45", period_ps=1000)
        assert result.timing is not None
        rows.append(
            {
                "preset": preset,
                "P": cfg.width,
                "L": cfg.lanes,
                "bits": cfg.value_bits,
                "cycles per beat, measured": report.records["interval"],
                "area, um2": round(result.area_um2 or 0.0),
                "clock, MHz": round(result.timing.fmax_mhz),
            }
        )
    return rows
