"""Which networks of a study stand on a front of accuracy against look-up tables, and beside which.

A study has four families of networks: XNOR and LUTNet, each with wires that are fixed when it is
pruned, or that are learned.
"""

from typing import Any

from nomul.experiments.lutnet.training_tables import mean, number, select

Rows = list[dict[str, Any]]

# K, 0 for the pruned XNOR network, and whether wires are "random" or "learned".
Kind = tuple[int, str]

FAMILIES = {
    (True, False): "pruned XNOR",
    (True, True): "XNOR, learned inputs",
    (False, False): "LUTNet",
    (False, True): "LUTNet, learned wires",
}


def kind_of(case: dict[str, Any]) -> Kind:
    """Return K of a case, 0 for the pruned XNOR network, and how its wires are found."""
    return case["k"], case["wires"]


def called(kind: Kind) -> str:
    """Return what a network is called in the tables: with K = 1 and learned wires it is an XNOR."""
    k, wires = kind
    name = f"K = {k}" if k > 1 else "XNOR"
    return f"{name}, learned" if wires == "learned" else name


def family(network: str) -> tuple[bool, bool]:
    """Return whether a network of the tables is an XNOR, and whether its wires are learned."""
    return network.startswith("XNOR"), network.endswith("learned")


def candidates(lines: list[dict[str, Any]]) -> list[tuple[float, int, str]]:
    """Return density, K and wires of the networks that may stand on a front, smallest first.

    Left out are those that another one of their family equals which has no more products and no
    larger K, hence surely no more look-up tables; and those that no XNOR network is as bad as.
    """
    shapes = sorted({(line["case"]["density"], *kind_of(line["case"])) for line in lines})
    right = {
        (share, k, wires): mean(select(lines, density=share, k=k, wires=wires), "accuracy")
        for share, k, wires in shapes
    }
    least = min(accuracy for (_, k, _), accuracy in right.items() if k < 2)
    return [
        (share, k, wires)
        for (share, k, wires), accuracy in right.items()
        if accuracy >= least
        and not any(
            s <= share and j <= k and other >= accuracy
            for (s, j, w), other in right.items()
            if (j < 2, w) == (k < 2, wires) and (s, j) != (share, k)
        )
    ]


def mark_fronts(rows: Rows) -> None:
    """Sort by look-up tables, and mark the networks that no smaller one of their family equals."""
    rows.sort(key=lambda row: (row["LUTs"], -number(row["accuracy"])))
    best: dict[tuple[bool, bool], float] = {}
    for row in rows:
        own, accuracy = family(row["network"]), number(row["accuracy"])
        row["on the front"] = accuracy > best.get(own, -1.0)
        best[own] = max(best.get(own, -1.0), accuracy)


def on_the_front(rows: Rows) -> Rows:
    """Return the networks that no smaller one of their family equals."""
    return [row for row in rows if row["on the front"]]


def smallest(
    own: tuple[bool, bool], least: dict[str, Any], measured: Rows
) -> dict[str, Any] | None:
    """Return the smallest network of a family that is no less accurate, or None.

    Parameters
    ----------
    own
        The family.
    least
        The row of the network to be no less accurate than.
    measured
        Rows in order of look-up tables.
    """
    good = (row for row in measured if number(row["accuracy"]) >= number(least["accuracy"]))
    return next((row for row in good if family(row["network"]) == own), None)


def beside(plain: dict[str, Any], measured: Rows) -> dict[str, Any]:
    """Return a row with an XNOR network and the smallest LUTNets that are no less accurate.

    ``measured`` is in order of look-up tables.
    """
    row: dict[str, Any] = {
        "XNOR inputs": "learned" if family(plain["network"])[1] else "pruned",
        **{name: plain[name] for name in ("density", "accuracy", "LUTs")},
    }
    for learned, title in ((False, "LUTNet"), (True, "learned wires")):
        best = smallest((False, learned), plain, measured)
        if best is None:
            row |= {title: "none", f"{title}, LUTs": None, f"{title}, times fewer": None}
            continue
        name = best["network"].removesuffix(", learned")
        row |= {
            title: f"{name}, {best['density']}: {best['accuracy']}",
            f"{title}, LUTs": best["LUTs"],
            f"{title}, times fewer": round(plain["LUTs"] / best["LUTs"], 2),
        }
    return row
