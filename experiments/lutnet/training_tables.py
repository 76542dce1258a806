"""Tables of docs/lutnet.md about what training reaches, from committed runs and networks."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nomul import ledger
from nomul.experiments import papers
from nomul.experiments.captions import caption
from nomul.experiments.lutnet.area import PARTS, luts, split, tables
from nomul.golden import lutnet
from nomul.golden.lutnet import files
from nomul.synth import yosys

Rows = list[dict[str, Any]]

TRAIN = Path(__file__).parents[2] / "train" / "lutnet"

# Networks on digits that come with nomul and have five seeds behind them.
FLAGSHIPS = ("digits-xc7", "digits-numbers", "digits-hx1k")

# Finished counts stay here, under the current folder.
KEPT = Path("build/lutnet/area")

# Look-up tables and accuracy in per cent of boosted trees on Fashion-MNIST, without an argmax.
_TREES = papers.quoted("lutnet", "trees")
TREES = tuple(zip(_TREES["luts"], _TREES["accuracy_percent"], strict=True))


def study(name: str) -> list[dict[str, Any]]:
    """Return the lines of a committed study, as ``nomul train lutnet --study`` writes them."""
    return ledger.Lines(TRAIN / f"{name}.jsonl").read()


def networks(name: str) -> dict[str, lutnet.Network]:
    """Return the committed networks of a study: those of its first seed."""
    return files.load_all(TRAIN / f"{name}.npz")


def kept(what: str, network: lutnet.Network, measure: Callable[[lutnet.Network], Any]) -> Any:
    """Return what is measured of a network, and keep it under the network and Yosys's version."""
    about = {"count": what, "network": network.to_dict(), "yosys": yosys.version()}
    store = ledger.Folder(KEPT)
    return ledger.kept(store, about, lambda: {"value": measure(network)})["value"]


def select(lines: list[dict[str, Any]], **values: Any) -> list[dict[str, Any]]:
    """Return the lines whose case has these values."""
    return [line for line in lines if all(line["case"][key] == v for key, v in values.items())]


def mean(lines: list[dict[str, Any]], key: str) -> float:
    """Return the mean of a value over some lines."""
    return float(sum(line[key] for line in lines) / len(lines))


def percent(share: float) -> str:
    """Return a share in per cent, to a tenth."""
    return f"{100 * share:.1f} %"


def number(share: str) -> float:
    """Return a percentage as a number."""
    return float(share.removesuffix(" %"))


@caption("The committed networks on digits: accuracies of five seeds, and look-up tables.")
def flagship() -> Rows:
    """Return the committed networks on digits: accuracies of five seeds, and look-up tables."""
    rows = []
    for name in FLAGSHIPS:
        network = lutnet.Config.preset(name).load()
        about, first = network.about, network.layers[1]
        count: dict[str, int | None] = {} if name == "digits-hx1k" else split(network)
        rows.append(
            {
                "network": name,
                "tables": tables(network),
                "K": first.k,  # type: ignore[attr-defined]
                "five seeds, mean": percent(sum(about["test"]) / len(about["test"])),
                "lowest": percent(min(about["test"])),
                "highest": percent(max(about["test"])),
                "committed seed": about["seed"],
                "its test accuracy": percent(about["test"][about["seeds"].index(about["seed"])]),
                **{part: count.get(part) for part in (*PARTS, "all", "packed")},
            }
        )
    return rows


@caption("Direct layers on Fashion-MNIST beside trees of as many look-up tables on xc7.")
def pareto() -> Rows:
    """Return direct layers on Fashion-MNIST beside trees of as many look-up tables on xc7."""
    rows = []
    for path in sorted(TRAIN.glob("fashion-*.npz"), key=lambda p: p.stat().st_size):
        network = lutnet.Network.load(path)
        count = kept("split", network, partial(split, head=False))
        scores = count["scores"]
        assert scores is not None
        fitting = [right for size, right in TREES if size <= scores]
        rows.append(
            {
                "network": path.stem,
                "test accuracy": percent(network.about["test"][0]),
                "LUTs, no argmax": scores,
                **{part: count[part] for part in ("encoder", "operators", "popcount")},
                "without encoder": scores - (count["encoder"] or 0),
                "trees of that size": percent(max(fitting) / 100) if fitting else None,
            }
        )
    return rows


@caption("Test accuracy on Fashion-MNIST against look-up tables, direct layers above the trees.")
def plot_pareto(rows: Rows, figure: Any) -> None:
    """Draw test accuracy on Fashion-MNIST against look-up tables, direct layers above the trees."""
    axes = figure.subplots()
    right = [number(row["test accuracy"]) for row in rows]
    axes.plot([row["LUTs, no argmax"] for row in rows], right, "o-", label="direct, all but argmax")
    axes.plot([row["without encoder"] for row in rows], right, "o:", label="direct, no encoder")
    axes.plot(*zip(*TREES, strict=True), "s--", label="boosted trees (TreeLUT), all but argmax")
    axes.set_xscale("log")
    axes.set_xlabel("look-up tables, xc7")
    axes.set_ylabel("test accuracy, %")
    axes.legend()


@caption("How much of the trained tables is used.")
def use_of_tables() -> Rows:
    """Return how much of the trained tables is used.

    A table that depends on one of its inputs alone does what an XNOR does.
    """
    rows = []
    for name in ("digits-xc7", "digits-hx1k"):
        for layer in lutnet.Config.preset(name).load().layers:
            if isinstance(layer, lutnet.DirectLut):
                used = [len(lutnet.support(table, layer.k)) for table in layer.tt]
                shares = [used.count(n) / len(used) for n in range(layer.k + 1)]
                rows.append(_use(f"direct, {name}", layer.k, shares))
    lines = study("density")
    for wires in ("random", "learned"):
        for k in (2, 3, 4, 5, 6):
            runs = select(lines, k=k, density=0.05, wires=wires)
            support = [line["support"] for line in runs]
            shares = [sum(column) / len(column) for column in zip(*support, strict=True)]
            rows.append(_use(f"LUTNet, density 5 %, {wires} wires", k, shares))
    released = papers.quoted("lutnet", "released")
    quoted = dict.fromkeys(rows[0]) | {"network": "LUTNet's authors, released (quoted)"}
    quoted |= {"K": released["k"], "tables that are XNORs": released["tables_that_are_xnors"]}
    rows.append(quoted)
    return rows


def _use(name: str, k: int, shares: list[float]) -> dict[str, Any]:
    """Return a row: ``shares`` are those of the tables that depend on 0, 1, 2, ... inputs."""
    return {
        "network": name,
        "K": k,
        "tables that are XNORs": percent(shares[1]),
        "inputs used, mean": round(sum(n * share for n, share in enumerate(shares)), 2),
        "tables that use all": percent(shares[k]),
    }


@caption("Tiled layers on digits by K, P and tiles: accuracy, cycles, memory, look-up tables.")
def tiles() -> Rows:
    """Return tiled layers on digits by K, P and tiles: accuracy, cycles, memory, look-up tables.

    Look-up tables are those of the committed networks.
    """
    trained, lines = networks("tiles"), study("tiles")
    rows = []
    for run in select(lines, seed=1):
        case = run["case"]
        shape = {key: value for key, value in case.items() if key != "seed"}
        runs = select(lines, **shape)
        count = case["tile_m"] * case["tile_n"]
        physical = run["products"][0] // count
        rows.append(
            {
                "K": case["k"],
                "P": case["p"],
                "TM x TN": f"{case['tile_m']} x {case['tile_n']}",
                "accuracy": percent(mean(runs, "accuracy")),
                "lowest": percent(min(line["accuracy"] for line in runs)),
                "highest": percent(max(line["accuracy"] for line in runs)),
                "physical tables": physical,
                "cycles per vector": count,
                "memory bits": physical * count * case["p"] if count > 1 else 0,
                "LUTs": _tiled_luts(trained[files.named(case)]),
            }
        )
    return rows


def _tiled_luts(network: lutnet.Network) -> int:
    (layer,) = (layer for layer in network.layers if isinstance(layer, lutnet.LutNetTiled))
    alone = lutnet.Network([layer], layer.n_in)
    return int(kept("luts", alone, luts))


@caption("The accuracy of tiled layers against cycles per vector, a line per (K, P).")
def plot_tiles(rows: Rows, figure: Any) -> None:
    """Draw the accuracy of tiled layers against cycles per vector, a line per (K, P)."""
    axes = figure.subplots()
    for k, p in sorted({(row["K"], row["P"]) for row in rows}):
        own = [row for row in rows if (row["K"], row["P"]) == (k, p)]
        points = [(row["cycles per vector"], number(row["accuracy"])) for row in own]
        axes.plot(*zip(*points, strict=True), "o-", label=f"K = {k}, P = {p}")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("cycles per vector, TM TN")
    axes.set_ylabel("test accuracy, %, mean of three seeds")
    axes.legend()


@caption("What the first tables do for LUTNet: digits, K = 4, density 5 %, three seeds.")
def starts() -> Rows:
    """Return what the first tables do for LUTNet: digits, K = 4, density 5 %, three seeds."""
    lines = study("start")
    return [
        {
            "wires": wires,
            "first tables": start,
            "accuracy": percent(mean(runs, "accuracy")),
            "lowest": percent(min(line["accuracy"] for line in runs)),
            "highest": percent(max(line["accuracy"] for line in runs)),
            "on training images": percent(mean(runs, "training")),
            "tables that are XNORs": percent(mean(runs, "xnor")),
        }
        for wires in ("random", "learned")
        for start in ("recovery", "plain", "boundary", "random")
        for runs in [select(lines, start=start, wires=wires)]
    ]


@caption("One and two residual levels of hidden neurons: digits, density 5 %, three seeds.")
def levels() -> Rows:
    """Return one and two residual levels of hidden neurons: digits, density 5 %, three seeds."""
    lines = study("levels")
    return [
        {
            "network": f"LUTNet, K = {k}" if k else "pruned XNOR",
            "levels": count,
            "accuracy": percent(mean(runs, "accuracy")),
            "lowest": percent(min(line["accuracy"] for line in runs)),
            "highest": percent(max(line["accuracy"] for line in runs)),
            "products": sum(runs[0]["products"]),
        }
        for k in (0, 4)
        for count in (1, 2)
        for runs in [select(lines, k=k, levels=count)]
    ]


TABLES: dict[str, Callable[[], Rows]] = {
    "T1-direct": flagship,
    "T1-pareto": pareto,
    "T3": tiles,
    "T4": use_of_tables,
    "T5": starts,
    "T6": levels,
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {"T1-pareto": plot_pareto, "T3": plot_tiles}
