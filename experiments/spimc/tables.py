"""Tables of SP-IMC: storage, cycles, select logic, re-writes, slot utilisation, energy.

One file, since every table measures the same few matrices, by the same helpers.
"""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nomul import registry
from nomul.experiments.captions import caption
from nomul.experiments.spimc import energy as spimc_energy
from nomul.experiments.spimc import plots
from nomul.golden import sparse, spimc
from nomul.golden.spimc import Config, Store, Tile, formats
from nomul.golden.spimc import cost as sparse_cost
from nomul.golden.spimc import layer as spimc_layer

Rows = list[dict[str, Any]]
Matrices = Sequence[tuple[str, Any]]

SPARSITIES = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
PATTERNS = ("dense", "75", "85", "90", "95", "1:4", "2:4", "2:8")

# What is generated for T3, by label: 128 rows, 32 slots, 8-bit weights, one column.
SELECTS: dict[str, dict[str, Any]] = {
    "dense": {"formats": ("dense",), "lanes": 1},
    "1:4": {"formats": ("nm",), "lanes": 4, "index_bits": 2, "max_group": 4},
    "2:8": {"formats": ("nm",), "lanes": 8, "index_bits": 3, "max_group": 8},
    "4:16": {"formats": ("nm",), "lanes": 16, "index_bits": 4, "max_group": 16},
    "rl": {"formats": ("rl",), "lanes": 1},
    **{f"coo B={1 << n}": {"formats": ("coo",), "lanes": 1 << n} for n in range(8)},
    "all five B=8": {"lanes": 8},
}

# Where ``python -m nomul.train.spimc`` leaves its networks.
PRUNED = Path("build/pruned")


def random_matrix(sparsity: float, shape: tuple[int, int], bits: int) -> Any:
    """Return integers with independent zeros."""
    rng = np.random.default_rng(1)
    half = 1 << (bits - 1)
    return rng.integers(1, half, shape) * (rng.random(shape) >= sparsity)


@caption("Bits relative to the dense matrix, for random zeros in windows of 128 rows.")
def storage() -> Rows:
    """Return bits relative to the dense matrix, for random zeros in windows of 128 rows."""
    rows = []
    for bits in (4, 8):
        cfg = Config(weight_bits=bits)
        for sparsity in SPARSITIES:
            w = random_matrix(sparsity, (2560, 64), bits)
            costs = {cost.tile.format: cost for cost in sparse.survey(w, cfg)}
            rows.append(
                {
                    "weight_bits": bits,
                    "sparsity": sparsity,
                    **{str(name): round(costs[name].ratio, 3) for name in spimc.FORMATS},
                    "run_bits": costs["rl"].tile.run_bits,
                    "fewest": next(iter(costs)),
                    "worst error of the closed form": max(
                        round(abs(cost.expected / cost.bits - 1), 4) for cost in costs.values()
                    ),
                }
            )
    return rows


@caption("Bits relative to the dense matrix, for the first layer of the pruned network.")
def storage_pruned() -> Rows:
    """Return bits relative to the dense matrix, for the first layer of the pruned network."""
    rows = []
    for bits in (4, 8):
        cfg = Config(weight_bits=bits)
        for pattern, w in pruned("fashion", "fc1.weight", bits):
            costs = {cost.tile.format: cost for cost in sparse.survey(w, cfg)}
            rows.append(
                {
                    "weight_bits": bits,
                    "pattern": pattern,
                    "zeros": f"{np.mean(w == 0):.1%}",
                    **{str(name): round(costs[name].ratio, 3) for name in spimc.FORMATS},
                    "fewest": next(iter(costs)),
                }
            )
    return rows


@caption("Cycles of one product that the macro counted, 32 rows, 8 slots, 4:16 for nm.")
def cycles(
    lanes: Iterable[int] = (1, 2, 4, 8, 16, 32), stores: Iterable[Store] = ("ff", "rowserial")
) -> Rows:
    """Return cycles of one product that the macro counted, 32 rows, 8 slots, 4:16 for nm."""
    from nomul import flow

    rows = []
    for store in stores:
        for count in lanes:
            cfg = Config(
                window=32,
                columns=1,
                slots=8,
                lanes=count,
                store=store,
                tree_regs=int(store == "ff"),
            )
            rng, tiles = np.random.default_rng(1), []
            for name in spimc.FORMATS:
                tile = Tile(format=name, x_signed=True, nnz_per_group=4, group=16, run_bits=5)
                tile = tile.replace(length=32)
                tiles.append(sparse.pack(spimc.operands(cfg, rng, tile)["w"], cfg, tile))
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch)
                sparse.save(path / "tiles.npz", tiles)
                report = flow.simulate(
                    registry.get("spimc"),
                    cfg,
                    path,
                    tests="products.*never.*never",
                    environment={"NOMUL_STIMULI": str(path / "tiles.npz")},
                )
            counted = {str(name): report.records[f"cycles_{name}"] for name in spimc.FORMATS}
            formula = {packed.tile.format: cfg.cycles(packed.tile) for packed in tiles}
            equal = counted == formula
            rows.append({"store": store, "lanes": count, **counted, "as the formula": equal})
    return rows


@caption("Logic of one slot, and one column of 32 slots, on three targets.")
def selects(labels: Iterable[str] = SELECTS) -> Rows:
    """Return logic of one slot, and one column of 32 slots, on three targets."""
    from nomul.hw.spimc.column import Column, Slot
    from nomul.synth.emit import emit
    from nomul.synth.map.synthesize import synthesize
    from nomul.synth.map.targets import TARGETS
    from nomul.synth.map.timing import AbcEstimate

    # LUTs of four inputs only: Yosys' wider ones trade area for delay.
    narrow: Any = TARGETS["ecp5"]
    ecp5 = dataclasses.replace(narrow, synth="synth_ecp5 -nowidelut")
    rows = []
    for label in labels:
        cfg = Config(columns=1, tree_regs=0, **SELECTS[label])
        slot, column = emit(Slot(cfg), "slot"), emit(Column(cfg), "column")
        # OpenSTA reads no signed ports, which these parts have; no clock is reported here.
        timer = AbcEstimate()
        cells = synthesize(slot, "freepdk45", timer=timer)
        whole = synthesize(column, "freepdk45", hierarchical=True, timer=timer)
        assert cells.area_um2 is not None
        assert cells.sequential_um2 is not None
        assert whole.area_um2 is not None
        row = {
            "slot": label,
            "slot logic um2": round(cells.area_um2 - cells.sequential_um2, 1),
            "slot storage um2": round(cells.sequential_um2, 1),
            "column um2": round(whole.area_um2),
        }
        for name, target in (("ice40", TARGETS["ice40"]), ("ecp5", ecp5)):
            luts = synthesize(slot, target).resources["luts"]
            total = synthesize(column, target, hierarchical=True).resources["luts"]
            # The and of weight and activation, one LUT per bit, is there without selection too.
            select = cfg.slots * (luts - cfg.weight_bits)
            row |= {f"{name} slot luts": luts, f"{name} select luts": select}
            row[f"{name} column luts"] = total
        rows.append(row)
        print(row, flush=True)
    return rows


def pruned(name: str, layer: str, bits: int = 8) -> list[tuple[str, Any]]:
    """Return a layer's integer weights under every pattern, as training left them."""
    if not (PRUNED / f"{name}.json").exists():
        raise FileNotFoundError(f"{PRUNED} has no {name}; do: python -m nomul.train.spimc {name}")
    paths = {p: PRUNED / f"{name}-{p.replace(':', 'of')}-int{bits}.safetensors" for p in PATTERNS}
    return [(pattern, formats.read(path, layer)) for pattern, path in paths.items()]


@caption("Accuracy of pruned and fine-tuned networks, weights float, 8 and 4 bits; seed 1.")
def accuracy() -> Rows:
    """Return accuracy of pruned and fine-tuned networks, weights float, 8 and 4 bits; seed 1."""
    rows = []
    for name in ("digits", "fashion"):
        pruned(name, "fc1.weight")
        for outcome in json.loads((PRUNED / f"{name}.json").read_text()):
            shares = {k: f"{v:.1%}" for k, v in outcome.items() if k not in ("pattern", "sparsity")}
            zeros = f"{outcome['sparsity']:.1%}"
            rows.append({"network": name, "pattern": outcome["pattern"], "zeros": zeros, **shares})
    return rows


@caption("Entries written for one inference of a 784 x 256 layer, larger than the macro.")
def rewrites(matrices: Matrices | None = None) -> Rows:
    """Return entries written for one inference of a 784 x 256 layer, larger than the macro."""
    cfg, rows = Config(), []
    for pattern, w in pruned("fashion", "fc1.weight") if matrices is None else matrices:
        for cost in sparse.survey(w, cfg):
            if cost.tile.format == "dense" and pattern != "dense":
                continue
            try:
                layer = spimc_layer.plan(w, cfg, cost.tile)
            except ValueError:
                continue
            rows.append(
                {
                    "pattern": pattern,
                    "format": cost.tile.format,
                    "storage": round(cost.ratio, 3),
                    "tiles": len(layer.tiles),
                    "beats": layer.rewritten,
                    "cycles": layer.cycles,
                }
            )
    return rows


@caption("Share of used slots and tiles, as they are and with overloaded columns folded.")
def balance(matrices: Matrices | None = None) -> Rows:
    """Return share of used slots and tiles, as they are and with overloaded columns folded."""
    cfg, rows = Config(), []
    for pattern, w in pruned("fashion", "fc1.weight") if matrices is None else matrices:
        if ":" in pattern or pattern == "dense":
            continue
        tile = Tile(format="coo")
        plain, folded = (spimc_layer.plan(w, cfg, tile, balance=b) for b in (False, True))
        rows.append(
            {
                "pattern": pattern,
                "slots in use": round(plain.utilisation, 3),
                "tiles": len(plain.tiles),
                "slots in use, balanced": round(folded.utilisation, 3),
                "tiles, balanced": len(folded.tiles),
            }
        )
    return rows


def _operands() -> tuple[dict[str, Any], Any]:
    """Return 16 outputs of the digits network's first layer, by pattern, and a 4-bit image."""
    image = np.load(PRUNED / "digits-x.npy")[:1]
    return {pattern: w[:, :16] for pattern, w in pruned("digits", "fc1.weight")}, image


@caption("Energy per inference of a pruned 64 x 16 layer in FreePDK45, from all toggles.")
def energy() -> Rows:
    """Return energy per inference of a pruned 64 x 16 layer in FreePDK45, from all toggles."""
    return spimc_energy.energies(*_operands())


@caption("Sparsities between which a bitmap stores the fewest bits, by width of the weights.")
def bitmaps() -> Rows:
    """Return sparsities between which a bitmap stores the fewest bits, by width of the weights."""
    rows = []
    for bits in range(2, 9):
        wins = [s for s in range(2, 100, 2) if _fewest(bits, s / 100) == "bitmap"]
        rows.append(
            {
                "weight_bits": bits,
                "dense up to": round(1 / bits, 3),
                "run length from": _crossing(bits),
                "measured from": min(wins) / 100,
                "measured to": max(wins) / 100,
            }
        )
    return rows


def _fewest(bits: int, sparsity: float) -> str:
    """Return the format of the fewest bits for random zeros, N:M aside."""
    cfg = Config(weight_bits=bits, formats=("dense", "coo", "rl", "bitmap"))
    return sparse.choose_format(random_matrix(sparsity, (1280, 32), bits), cfg).tile.format


def _crossing(bits: int) -> float:
    """Return from which sparsity on run length needs fewer bits than a bitmap, closed forms."""
    grid = np.arange(0.3, 0.99, 0.001)

    def run_length(density: float) -> float:
        tiles = [Tile(format="rl", run_bits=zb) for zb in range(1, 8)]
        return min(sparse_cost.storage(tile, 128, density, bits) for tile in tiles)

    bitmap = Tile(format="bitmap")
    better = [s for s in grid if sparse_cost.storage(bitmap, 128, 1 - s, bits) <= run_length(1 - s)]
    return round(float(max(better)), 3)


TABLES: dict[str, Callable[..., Rows]] = {
    "accuracy": accuracy,
    "T1": storage,
    "T1-pruned": storage_pruned,
    "T2": cycles,
    "T3": selects,
    "T4": rewrites,
    "T5": balance,
    "T6": energy,
    "T7": bitmaps,
}

PLOTS = plots.PLOTS
