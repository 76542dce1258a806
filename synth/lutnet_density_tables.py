"""Tables of docs/lutnet.md that set LUTNet beside the pruned XNOR network, from committed runs."""

from collections.abc import Callable
from typing import Any

from nomul.golden import lutnet, lutnet_files
from nomul.synth import tables
from nomul.synth.lutnet_area import sampled
from nomul.synth.lutnet_training_tables import TRAIN, mean, number, percent, select, study

Rows = list[dict[str, Any]]


def density() -> Rows:
    """Return the accuracy of LUTNet and of the pruned XNOR network by density, digits."""
    return _accuracy("density")


def fashion() -> Rows:
    """Return the accuracy of LUTNet and of the pruned XNOR network by density, Fashion-MNIST."""
    return _accuracy("fashion")


def _accuracy(name: str) -> Rows:
    lines = study(name)
    kinds = sorted({line["case"]["k"] for line in lines})
    rows = []
    for share in sorted({line["case"]["density"] for line in lines}):
        some = select(lines, density=share)
        row: dict[str, Any] = {"density": _density(share), "products": sum(some[0]["products"])}
        for k in kinds:
            found = select(some, k=k)
            row[kind(k)] = percent(mean(found, "accuracy")) if found else None
        rows.append(row)
    return rows


def kind(k: int) -> str:
    """Return what a network is called in the tables: K is 0 for the pruned XNOR network."""
    return f"K = {k}" if k else "XNOR"


def _density(share: float) -> str:
    return f"{100 * share:g} %"


def areas() -> Rows:
    """Return look-up tables and accuracy of LUTNet and of the pruned XNOR network, digits."""
    return _areas("density")


def fashion_areas() -> Rows:
    """Return look-up tables and accuracy of LUTNet and the pruned XNOR network, Fashion-MNIST."""
    return _areas("fashion")


def _areas(name: str) -> Rows:
    lines, found = study(name), networks(name)
    rows: Rows = []
    for share, k in candidates(lines):
        runs = select(lines, density=share, k=k)
        accuracies = [line["accuracy"] for line in runs]
        data = runs[0]["case"]["data"]
        rows.append(
            {
                "network": kind(k),
                "density": _density(share),
                "products": sum(runs[0]["products"]),
                "accuracy": percent(mean(runs, "accuracy")),
                "lowest": percent(min(accuracies)),
                "highest": percent(max(accuracies)),
                "LUTs": sampled(found[f"{data}-{share}-{k}-1-recovery-1"]),
            }
        )
    mark_fronts(rows)
    return rows


def candidates(lines: list[dict[str, Any]]) -> list[tuple[float, int]]:
    """Return density and K of the networks that may stand on a front, smallest first.

    Left out are those that another one equals which has no more products and no larger K, hence
    surely no more look-up tables; and those that no XNOR network is as bad as.
    """
    right = {
        (share, k): mean(select(lines, density=share, k=k), "accuracy")
        for share, k in sorted({(line["case"]["density"], line["case"]["k"]) for line in lines})
    }
    least = min(accuracy for (_, k), accuracy in right.items() if not k)
    return [
        (share, k)
        for (share, k), accuracy in right.items()
        if accuracy >= least
        and not any(
            s <= share and bool(j) == bool(k) and j <= k and other >= accuracy
            for (s, j), other in right.items()
            if (s, j) != (share, k)
        )
    ]


def mark_fronts(rows: Rows) -> None:
    """Sort by look-up tables, and mark the networks that no smaller one of their kind equals.

    There are two kinds: XNOR, and LUTNet of any K.
    """
    rows.sort(key=lambda row: (row["LUTs"], -number(row["accuracy"])))
    best = {True: -1.0, False: -1.0}
    for row in rows:
        kind_of, accuracy = row["network"] == "XNOR", number(row["accuracy"])
        row["on the front"] = accuracy > best[kind_of]
        best[kind_of] = max(best[kind_of], accuracy)


def networks(name: str) -> dict[str, lutnet.Network]:
    """Return the committed networks of a study: those of its first seed."""
    return lutnet_files.load_all(TRAIN / f"lutnet_{name}.npz")


def on_the_front(rows: Rows) -> Rows:
    """Return the networks that no smaller one of their kind equals."""
    return [row for row in rows if row["on the front"]]


def equal() -> Rows:
    """Return, for each XNOR network on digits' front, the smallest LUTNet that is no worse."""
    measured = tables.load("lutnet", "T1-area").rows
    plain = [row for row in on_the_front(measured) if row["network"] == "XNOR"]
    return [_beside(row, measured) for row in plain]


def _beside(plain: dict[str, Any], measured: Rows) -> dict[str, Any]:
    """Return a row: ``measured`` is in order of look-up tables."""
    least = number(plain["accuracy"])
    ours = (r for r in measured if r["network"] != "XNOR" and number(r["accuracy"]) >= least)
    best = next(ours, None)
    return {
        "XNOR density": plain["density"],
        "XNOR accuracy": plain["accuracy"],
        "XNOR LUTs": plain["LUTs"],
        "LUTNet": f"{best['network']}, {best['density']}" if best else "none",
        "accuracy": best["accuracy"] if best else None,
        "LUTs": best["LUTs"] if best else None,
        "times fewer": round(plain["LUTs"] / best["LUTs"], 2) if best else None,
    }


def plot_density(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against products, one line for XNOR and one for each K."""
    _lines(figure, rows)


def plot_fashion(rows: Rows, figure: Any) -> None:
    """Draw accuracy on Fashion-MNIST against products, one line for XNOR and one for each K."""
    _lines(figure, rows)


def _lines(figure: Any, rows: Rows) -> None:
    axes = figure.subplots()
    for name in [column for column in rows[0] if column not in ("density", "products")]:
        points = [(row["products"], number(row[name])) for row in rows if row[name]]
        axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("products (XNOR) or tables (K)")
    axes.set_ylabel("test accuracy, %, mean over the seeds")
    axes.legend()


def plot_areas(rows: Rows, figure: Any) -> None:
    """Draw accuracy on digits against look-up tables, the front of XNOR and one line for each K."""
    _fronts(figure, rows)


def plot_fashion_areas(rows: Rows, figure: Any) -> None:
    """Draw accuracy on Fashion-MNIST against look-up tables, XNOR and one line for each K."""
    _fronts(figure, rows)


def _fronts(figure: Any, rows: Rows) -> None:
    axes = figure.subplots()
    for name in sorted({row["network"] for row in rows}, key=lambda name: (name != "XNOR", name)):
        points = [(r["LUTs"], number(r["accuracy"])) for r in rows if r["network"] == name]
        axes.plot(*zip(*points, strict=True), "s--" if name == "XNOR" else "o-", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("look-up tables, xc7, without encoder and argmax")
    axes.set_ylabel("test accuracy, %, mean over the seeds")
    axes.legend()


TABLES: dict[str, Callable[[], Rows]] = {
    "T1": density,
    "T1-area": areas,
    "T1-fashion": fashion,
    "T1-fashion-area": fashion_areas,
    "T1-equal": equal,
}

PLOTS: dict[str, Callable[[Rows, Any], None]] = {
    "T1": plot_density,
    "T1-area": plot_areas,
    "T1-fashion": plot_fashion,
    "T1-fashion-area": plot_fashion_areas,
}

PAGE: dict[str, Callable[[Rows], Rows]] = {
    "T1-area": on_the_front,
    "T1-fashion-area": on_the_front,
}
