"""Tables of docs/lutnet.md that set LUTNet beside the pruned XNOR network, from committed runs."""

from collections.abc import Callable
from typing import Any

from nomul.experiments import tables
from nomul.experiments.captions import captioned
from nomul.experiments.lutnet.area import sampled
from nomul.experiments.lutnet.fronts import (
    FAMILIES,
    beside,
    called,
    candidates,
    family,
    kind_of,
    mark_fronts,
    on_the_front,
)
from nomul.experiments.lutnet.training_tables import (
    kept,
    mean,
    networks,
    number,
    percent,
    select,
    study,
)
from nomul.golden.lutnet import files

Rows = list[dict[str, Any]]


def _accuracy(name: str, *wires: str) -> Rows:
    lines = [line for line in study(name) if line["case"]["wires"] in wires]
    present = {kind_of(line["case"]) for line in lines}
    kinds = sorted(present, key=lambda kind: (wires.index(kind[1]), kind[0]))
    rows = []
    for share in sorted({line["case"]["density"] for line in lines}):
        some = select(lines, density=share)
        row: dict[str, Any] = {"density": density_of(share), "products": sum(some[0]["products"])}
        for k, how in kinds:
            runs = select(some, k=k, wires=how)
            row[called((k, how))] = percent(mean(runs, "accuracy")) if runs else None
        rows.append(row)
    return rows


def density_of(share: float) -> str:
    """Return a density as the tables have it."""
    return f"{100 * share:g} %"


def _areas(name: str) -> Rows:
    lines, trained = study(name), networks(name)
    rows: Rows = []
    for share, k, wires in candidates(lines):
        runs = select(lines, density=share, k=k, wires=wires)
        accuracies = [line["accuracy"] for line in runs]
        rows.append(
            {
                "network": called((k, wires)),
                "density": density_of(share),
                "products": sum(runs[0]["products"]),
                "accuracy": percent(mean(runs, "accuracy")),
                "lowest": percent(min(accuracies)),
                "highest": percent(max(accuracies)),
                "LUTs": kept("sampled", trained[files.named(runs[0]["case"])], sampled),
            }
        )
    mark_fronts(rows)
    return rows


def _equal(name: str) -> Rows:
    """Return a row for each XNOR network on the fronts of a table of areas."""
    measured = tables.load("lutnet", name).rows
    plain = [row for row in on_the_front(measured) if family(row["network"])[0]]
    plain.sort(key=lambda row: (family(row["network"]), row["LUTs"]))
    return [beside(row, measured) for row in plain]


def _lines(rows: Rows, figure: Any) -> None:
    axes = figure.subplots()
    for name in [column for column in rows[0] if column not in ("density", "products")]:
        points = [(row["products"], number(row[name])) for row in rows if row[name]]
        axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set_xscale("log")
    axes.minorticks_off()
    sizes = [row["products"] for row in rows]
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.tick_params(axis="x", rotation=30)
    axes.set_xlabel("products (XNOR) or tables (K)")
    axes.set_ylabel("test accuracy, %, mean over the seeds")
    axes.legend()


def _fronts(rows: Rows, figure: Any) -> None:
    axes = figure.subplots()
    for own, name in FAMILIES.items():
        some = [row for row in rows if family(row["network"]) == own]
        points = [(row["LUTs"], number(row["accuracy"])) for row in on_the_front(some)]
        (line,) = axes.plot(*zip(*points, strict=True), "s--" if own[0] else "o-", label=name)
        rest = [(r["LUTs"], number(r["accuracy"])) for r in some if not r["on the front"]]
        if rest:
            axes.plot(*zip(*rest, strict=True), ".", color=line.get_color(), alpha=0.4)
    axes.set_xscale("log")
    axes.set_xlabel("look-up tables, xc7, without encoder and argmax")
    axes.set_ylabel("test accuracy, %, mean over the seeds")
    axes.legend()


TABLES: dict[str, Callable[[], Rows]] = {
    "T1": captioned(
        "The accuracy of LUTNet and of the pruned XNOR network by density, digits.",
        _accuracy,
        "density",
        "random",
    ),
    "T1-learned": captioned(
        "The accuracy of LUTNet and XNOR by density where all wires are learned, digits.",
        _accuracy,
        "density",
        "learned",
    ),
    "T1-area": captioned(
        "Look-up tables and accuracy of LUTNet and of XNOR networks, digits.", _areas, "density"
    ),
    "T1-fashion": captioned(
        "The accuracy of LUTNet and XNOR by density, Fashion-MNIST.",
        _accuracy,
        "fashion",
        "random",
        "learned",
    ),
    "T1-fashion-area": captioned(
        "Look-up tables and accuracy of LUTNet and of XNOR networks, Fashion-MNIST.",
        _areas,
        "fashion",
    ),
    "T1-equal": captioned(
        "For each XNOR network on digits' fronts, the smallest LUTNets that are no worse.",
        _equal,
        "T1-area",
    ),
    "T1-fashion-equal": captioned(
        "For each XNOR network on Fashion-MNIST's fronts, the smallest LUTNets no worse.",
        _equal,
        "T1-fashion-area",
    ),
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    "T1": captioned(
        "Accuracy on digits against products, one line for XNOR and one for each K.", _lines
    ),
    "T1-learned": captioned(
        "Accuracy on digits against products where wires are learned, a line for each K.", _lines
    ),
    "T1-area": captioned(
        "Accuracy on digits against look-up tables, a line for each family's front.", _fronts
    ),
    "T1-fashion": captioned(
        "Accuracy on Fashion-MNIST against products, a line for each kind of network.", _lines
    ),
    "T1-fashion-area": captioned(
        "Accuracy on Fashion-MNIST against look-up tables, a line for each family's front.", _fronts
    ),
}

PAGE: dict[str, Callable[[Rows], Rows]] = {
    "T1-area": on_the_front,
    "T1-fashion-area": on_the_front,
}
