"""Which row wins for what, and why: every other one is shown with how much it loses by."""

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

# What is compared in each regime: the first of these columns that the rows have; less is better.
REGIMES = {
    "latency": ("us",),
    "area": ("um2", "LUT"),
    "energy": ("pJ",),
    "storage": ("stored bits",),
}

# What the winner's figure is made of, beside the baseline's.
PARTS = {
    "latency": (("cycles", "cycles"), ("clock, MHz", "clock"), ("of it loading, us", "loading")),
    "area": (("cycles", "cycles"),),
    "energy": (("of it loading, pJ", "energy of loading"), ("cycles", "cycles")),
    "storage": (("bits per weight", "bits per weight"),),
}

BASELINE = "dense"
EXACT = "exact"
OTHER = "another network"


@dataclass(frozen=True)
class Verdict:
    """What wins in a regime.

    Attributes
    ----------
    regime, column
        What is compared.
    ranks
        Rows that recognise enough, the best first.
    left_out
        Rows that recognise too little.
    text
        What wins and why, in sentences.
    """

    regime: str
    column: str
    ranks: tuple[Row, ...]
    left_out: tuple[Row, ...]
    text: str


def name(row: Row) -> str:
    """Return what a row is called."""
    return f"{row['array']} ({row['size']})" if row["size"] else str(row["array"])


def accuracy(row: Row) -> float:
    """Return the accuracy that counts: after fine-tuning if there was any and it helped."""
    tuned, plain = row["fine-tuned, %"], row["accuracy, %"]
    return float(plain if tuned is None else max(tuned, plain))


def verdict(rows: list[Row], regime: str, within: float) -> Verdict | None:
    """Return what wins in a regime among rows that recognise enough.

    That is what the network itself does, less some points; where no row has its weights as they
    are, the best of the others. None where no row has a figure.

    Raises
    ------
    ValueError
        There is no such regime.
    """
    if regime not in REGIMES:
        raise ValueError(f"--for must be one of {', '.join(REGIMES)}, not {regime!r}")
    columns = [c for c in REGIMES[regime] if any(row[c] is not None for row in rows)]
    if not columns:
        return None
    column = columns[0]
    there = [row for row in rows if row[column] is not None]
    own = [row for row in there if row["weights"] != OTHER]
    exact = [row["accuracy, %"] for row in own if row["weights"] == EXACT]
    best = max(exact) if exact else max(accuracy(row) for row in own or there)
    enough = [row for row in there if accuracy(row) >= best - within]
    ranks = sorted(enough, key=lambda row: row[column])
    left_out = tuple(row for row in there if accuracy(row) < best - within)
    text = _text(ranks, regime, column)
    return Verdict(regime, column, tuple(ranks), left_out, text)


def _text(ranks: list[Row], regime: str, column: str) -> str:
    first = ranks[0]
    own = [row for row in ranks if row["weights"] != OTHER]
    text = f"{name(first)} wins with {_number(first[column])} {column}"
    if first["weights"] == OTHER:
        text += ", by another network that was trained for the same data"
        if not own:
            return f"{text}."
        mine = own[0]
        factor = mine[column] / first[column] if first[column] else float("inf")
        text += f". Of those that run this network {name(mine)} is best with "
        text += f"{_number(mine[column])}, {_number(factor)} times as much"
        first = mine
    base = next(
        (row for row in own if row["array"] == BASELINE and row["size"] == first["size"]), None
    )
    if base is None or base is first:
        if base is first and len(own) > 1:
            second = own[1]
            much = _times(second, first, column) if second[column] != first[column] else "as much"
            text += f"; no structure pays: {name(second)} takes {much}"
        return f"{text}."
    why = [
        f"{label} {_times(first, base, part)}"
        for part, label in PARTS[regime]
        if base.get(part) and first.get(part) is not None
    ]
    text += f". Beside {name(base)} that is {_times(first, base, column)}"
    return f"{text} ({', '.join(why)})." if why else f"{text}."


def _times(row: Row, base: Row, column: str) -> str:
    return f"{row[column] / base[column]:.2f} times as much" if base[column] else "more"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def not_ranked(found: Verdict, within: float) -> str:
    """Return which rows recognise too little to win, and how much; nothing where there are none."""
    if not found.left_out:
        return ""
    rows = ", ".join(f"{name(row)} {accuracy(row):g} %" for row in found.left_out)
    points = f"{within:g} point{'' if within == 1 else 's'}"
    return f"Not ranked, since they lose more than {points} of accuracy: {rows}."


def with_memory(rows: tuple[Row, ...]) -> str:
    """Return which row has the least energy once that of the modelled memory is added."""
    key = "memory, pJ (modelled)"
    there = [row for row in rows if row["pJ"] is not None and row[key] is not None]
    if not there:
        return ""
    best = min(there, key=lambda row: row["pJ"] + row[key])
    return f"With the modelled memory added: {name(best)}, {_number(best['pJ'] + best[key])} pJ."
