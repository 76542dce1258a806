"""Tables of docs/lutnet.md that set LUTNet beside the pruned XNOR network, from committed runs."""

from collections.abc import Callable
from typing import Any

from nomul.experiments import tables
from nomul.experiments.captions import caption
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


@caption("The accuracy of LUTNet and of the pruned XNOR network by density, digits.")
def density() -> Rows:
    """Return the accuracy of LUTNet and of the pruned XNOR network by density, digits."""
    return _accuracy("density", "random")


@caption("The accuracy of LUTNet and XNOR by density where all wires are learned, digits.")
def density_learned() -> Rows:
    """Return the accuracy of LUTNet and XNOR by density where all wires are learned, digits."""
    return _accuracy("density", "learned")


@caption("The accuracy of LUTNet and XNOR by density, Fashion-MNIST.")
def fashion() -> Rows:
    """Return the accuracy of LUTNet and XNOR by density, Fashion-MNIST."""
    return _accuracy("fashion", "random", "learned")


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


@caption("Look-up tables and accuracy of LUTNet and of XNOR networks, digits.")
def areas() -> Rows:
    """Return look-up tables and accuracy of LUTNet and of XNOR networks, digits."""
    return _areas("density")


@caption("Look-up tables and accuracy of LUTNet and of XNOR networks, Fashion-MNIST.")
def fashion_areas() -> Rows:
    """Return look-up tables and accuracy of LUTNet and of XNOR networks, Fashion-MNIST."""
    return _areas("fashion")


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


@caption("For each XNOR network on digits' fronts, the smallest LUTNets that are no worse.")
def equal() -> Rows:
    """Return, for each XNOR network on digits' fronts, the smallest LUTNets that are no worse."""
    return _equal("T1-area")


@caption("For each XNOR network on Fashion-MNIST's fronts, the smallest LUTNets no worse.")
def fashion_equal() -> Rows:
    """Return, for each XNOR network on Fashion-MNIST's fronts, the smallest LUTNets no worse."""
    return _equal("T1-fashion-area")


def _equal(name: str) -> Rows:
    """Return a row for each XNOR network on the fronts of a table of areas."""
    measured = tables.load("lutnet", name).rows
    plain = [row for row in on_the_front(measured) if family(row["network"])[0]]
    plain.sort(key=lambda row: (family(row["network"]), row["LUTs"]))
    return [beside(row, measured) for row in plain]


@caption("Accuracy on digits against products, one line for XNOR and one for each K.")
def plot_density(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against products, one line for XNOR and one for each K."""
    _lines(figure, rows)


@caption("Accuracy on digits against products where wires are learned, a line for each K.")
def plot_density_learned(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against products where wires are learned, a line for each K."""
    _lines(figure, rows)


@caption("Accuracy on Fashion-MNIST against products, a line for each kind of network.")
def plot_fashion(rows: Rows, figure: Any) -> None:
    """Draw accuracy on Fashion-MNIST against products, a line for each kind of network."""
    _lines(figure, rows)


def _lines(figure: Any, rows: Rows) -> None:
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


@caption("Accuracy on digits against look-up tables, a line for each family's front.")
def plot_areas(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against look-up tables, a line for each family's front."""
    _fronts(figure, rows)


@caption("Accuracy on Fashion-MNIST against look-up tables, a line for each family's front.")
def plot_fashion_areas(rows: Rows, figure: Any) -> None:
    """Draw accuracy on Fashion-MNIST against look-up tables, a line for each family's front."""
    _fronts(figure, rows)


def _fronts(figure: Any, rows: Rows) -> None:
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
    "T1": density,
    "T1-learned": density_learned,
    "T1-area": areas,
    "T1-fashion": fashion,
    "T1-fashion-area": fashion_areas,
    "T1-equal": equal,
    "T1-fashion-equal": fashion_equal,
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    "T1": plot_density,
    "T1-learned": plot_density_learned,
    "T1-area": plot_areas,
    "T1-fashion": plot_fashion,
    "T1-fashion-area": plot_fashion_areas,
}

PAGE: dict[str, Callable[[Rows], Rows]] = {
    "T1-area": on_the_front,
    "T1-fashion-area": on_the_front,
}
