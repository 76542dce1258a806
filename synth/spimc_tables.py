"""Tables and plots of SP-IMC: storage, cycles, select logic, re-writes, slot utilisation."""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import sparse, sparse_formats, spimc, spimc_layer
from nomul.golden.spimc import Config, Tile
from nomul.synth import picture

Rows = list[dict[str, Any]]

SPARSITIES = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)

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


def random_matrix(sparsity: float, shape: tuple[int, int], bits: int) -> Any:
    """Return integers with independent zeros."""
    rng = np.random.default_rng(1)
    half = 1 << (bits - 1)
    return rng.integers(1, half, shape) * (rng.random(shape) >= sparsity)


def storage() -> Rows:
    """T1: bits relative to dense, measured and by the closed form; T7: who needs the fewest."""
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
                    **{name: round(costs[name].ratio, 3) for name in spimc.FORMATS},
                    "run_bits": costs["rl"].tile.run_bits,
                    "fewest": next(iter(costs)),
                    "worst error of the closed form": max(
                        round(abs(cost.expected / cost.bits - 1), 4) for cost in costs.values()
                    ),
                }
            )
    return rows


def cycles(lanes: Iterable[int] = (1, 2, 4, 8, 16, 32)) -> Rows:
    """T2: cycles that the macro counted; the bench compares each with the formula."""
    from nomul import flow, registry

    rows = []
    for count in lanes:
        cfg = Config(window=32, columns=1, slots=8, lanes=count)
        rng, tiles = np.random.default_rng(1), []
        for name in spimc.FORMATS:
            tile = Tile(format=name, x_signed=True, nnz_per_group=4, group=16, run_bits=5)
            tile = tile.replace(length=32)
            tiles.append(sparse.pack(spimc.stimuli(cfg, rng, tile)["w"], cfg, tile))
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
        counted = {name: report.records[f"cycles_{name}"] for name in spimc.FORMATS}
        rows.append({"lanes": count, **counted})
    return rows


def selects(labels: Iterable[str] = SELECTS) -> Rows:
    """T3: logic of one slot, and one column of 32 slots, on three targets."""
    from nomul.hw.spimc_column import Column, Slot
    from nomul.synth.emit import emit
    from nomul.synth.synthesize import synthesize
    from nomul.synth.timing import AbcEstimate

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
        for target in ("ice40", "ecp5"):
            luts = synthesize(slot, target).resources["luts"]
            total = synthesize(column, target, hierarchical=True).resources["luts"]
            row |= {f"{target} slot luts": luts, f"{target} column luts": total}
        rows.append(row)
        print(row, flush=True)
    return rows


def pruned(folder: Path, name: str, layer: str) -> list[tuple[str, Any]]:
    """Return the layer's int8 weights under every pattern that ``nomul.train.pruned`` wrote."""
    found = []
    for pattern in ("dense", "75", "85", "90", "95", "1of4", "2of4", "2of8"):
        path = folder / f"{name}-{pattern}-int8.safetensors"
        found.append((pattern.replace("of", ":"), sparse_formats.read(path, layer)))
    return found


def accuracy(folder: Path) -> Rows:
    """Return what ``nomul.train.pruned`` measured, for both networks."""
    rows = []
    for name in ("digits", "fashion"):
        for outcome in json.loads((folder / f"{name}.json").read_text()):
            shares = {k: f"{v:.1%}" for k, v in outcome.items() if k not in ("pattern", "sparsity")}
            zeros = f"{outcome['sparsity']:.1%}"
            rows.append({"network": name, "pattern": outcome["pattern"], "zeros": zeros, **shares})
    return rows


def rewrites(matrices: Sequence[tuple[str, Any]]) -> Rows:
    """T4: tiles and beats per inference for a layer larger than the macro; T1 on real weights."""
    cfg, rows = Config(), []
    for pattern, w in matrices:
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


def balance(matrices: Sequence[tuple[str, Any]]) -> Rows:
    """T5: share of used slots, tiles and beats, as they are and with overloaded columns folded."""
    cfg, rows = Config(), []
    for pattern, w in matrices:
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


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    names = list(rows[0])
    table = [names, ["---"] * len(names), *([_text(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def plot(tables: dict[str, Rows], folder: Path) -> None:
    """Draw storage against sparsity, and select logic against cycles, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "nomul"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for axis, bits in zip(axes, (4, 8), strict=True):
        rows = [row for row in tables["storage"] if row["weight_bits"] == bits]
        for name in ("coo", "rl", "bitmap", "dense"):
            axis.plot(
                [r["sparsity"] for r in rows], [r[name] for r in rows], label=name, marker="."
            )
        axis.set(title=f"{bits}-bit weights", xlabel="sparsity", ylim=(0, 1.4))
    axes[0].set_ylabel("bits relative to dense")
    axes[0].legend()
    figure.tight_layout()
    picture.save(
        figure,
        folder / "spimc-storage.svg",
        "Storage against sparsity",
        "Bits relative to the dense matrix of COO, run length and bitmap, at 4 and 8 bits.",
    )
    if "selects" in tables:
        figure, axis = pyplot.subplots(figsize=(6, 3.6))
        rows = [row for row in tables["selects"] if row["slot"].startswith("coo")]
        steps = [128 // int(row["slot"].partition("=")[2]) for row in rows]
        axis.plot(steps, [row["slot logic um2"] for row in rows], marker="o")
        axis.set(xscale="log", yscale="log", xlabel="cycles per bit plane, 128 rows")
        axis.set_ylabel("logic of a slot, um2")
        axis.set_title("COO: lanes B = 1 (right) to 128 (left)")
        figure.tight_layout()
        picture.save(
            figure,
            folder / "spimc-select.svg",
            "Logic of a slot against cycles",
            "Area of one COO slot without storage, for 1 to 128 lanes; more lanes, fewer cycles.",
        )


def write(docs: Path, tables: dict[str, Rows]) -> None:
    """Put the tables between the page's markers, and the plots beside it."""
    page = docs / "spimc.md"
    text = page.read_text()
    for name, rows in tables.items():
        places = re.findall(rf"<!-- {name} -->.*?<!-- end -->", text, flags=re.S)
        if len(places) != 1:
            raise ValueError(f"{page} has {len(places)} places for the table {name}")
        text = text.replace(places[0], f"<!-- {name} -->\n\n{markdown(rows)}\n\n<!-- end -->")
    page.write_text(text)
    plot(tables, docs)


def main() -> None:
    """Measure all tables, and write them into the documentation."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pruned", type=Path, default=Path("build/pruned"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--tables", type=Path, default=Path("build/spimc-tables.json"))
    parser.add_argument(
        "--only", nargs="*", help="measure these again, take the rest from --tables"
    )
    given = parser.parse_args()
    tables: dict[str, Rows] = {}
    if given.only is not None:
        tables = json.loads(given.tables.read_text())
    matrices = pruned(given.pruned, "fashion", "fc1.weight")
    makers: dict[str, Callable[[], Rows]] = {
        "accuracy": lambda: accuracy(given.pruned),
        "storage": storage,
        "cycles": cycles,
        "rewrites": lambda: rewrites(matrices),
        "balance": lambda: balance(matrices),
        "selects": selects,
    }
    for name in makers if given.only is None else given.only:
        tables[name] = makers[name]()
        given.tables.parent.mkdir(parents=True, exist_ok=True)
        given.tables.write_text(json.dumps(tables, indent=1) + "\n")
    write(given.docs, tables)


if __name__ == "__main__":
    main()
