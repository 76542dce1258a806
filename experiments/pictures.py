"""One picture per claim of a paper, from committed tables and quoted figures: ours, others, theirs.

Who a bar belongs to is said by its colour, so that nothing quoted is taken for measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nomul.experiments import papers, tables

Who = Literal["ours", "baseline", "paper"]


@dataclass(frozen=True)
class Bar:
    """A value with its name, and whose it is."""

    name: str
    value: float
    who: Who


@dataclass(frozen=True)
class Picture:
    """Bars of one unit.

    Attributes
    ----------
    title, unit
        What is compared, and in what.
    better
        ``less`` or ``more``.
    bars
        From top to bottom.
    """

    title: str
    unit: str
    better: str
    bars: tuple[Bar, ...]

    @property
    def best(self) -> Bar:
        """The bar that wins, of those that are no quotation."""
        own = [bar for bar in self.bars if bar.who != "paper"]
        pick = min if self.better == "less" else max
        return pick(own, key=lambda bar: bar.value)


def of(block: str) -> list[Picture]:
    """Return the pictures of a block's claims; none where nothing of ours is comparable."""
    try:
        return _PICTURES[block]() if block in _PICTURES else []
    except FileNotFoundError:
        return []


def _essop() -> list[Picture]:
    rows = {
        (row["unit"], row["product in a register"]): row for row in tables.load("essop", "T1").rows
    }
    fp16, ours, int4 = (rows[name, True] for name in ("FP16 IEEE", "ESSOP prefix", "INT4"))
    quoted = papers.quoted("essop")
    pictures = []
    for what, column, unit in (
        ("Area", "um2", "um2 per product and cycle, FreePDK45"),
        ("Energy", "fJ", "fJ per product, FreePDK45 at 1 ns"),
    ):
        share = 1 - quoted[f"{what.lower()}_saved_percent"] / 100
        bars = (
            Bar("FP16 multiplier", fp16[column], "baseline"),
            Bar("paper's share of it", round(share * fp16[column], 1), "paper"),
            Bar("INT4", int4[column], "baseline"),
            Bar("ESSOP, plane/paper", ours[column], "ours"),
        )
        pictures.append(Picture(f"{what} of a product", unit, "less", bars))
    return pictures


def _spimc() -> list[Picture]:
    rows = [row for row in tables.load("spimc", "T4").rows if row["pattern"] in ("dense", "90")]
    dense = next(row for row in rows if row["format"] == "dense")
    best = sorted(
        (row for row in rows if row["pattern"] == "90"), key=lambda row: float(row["beats"])
    )
    bars = [Bar("dense storage", dense["beats"], "baseline")]
    bars += [Bar(f"format {row['format']}", row["beats"], "ours") for row in best]
    title = "Entries written for an inference, 784 x 256, 90 % zeros"
    return [Picture(title, "entries", "less", tuple(bars))]


def _lutnet() -> list[Picture]:
    rows = [r for r in tables.load("lutnet", "T1-equal").rows if r["XNOR inputs"] == "pruned"]
    best = max(rows, key=lambda row: float(row["LUTNet, times fewer"]))
    bars = (
        Bar("pruned XNOR", 1.0, "baseline"),
        Bar("LUTNet, paper: up to", 2.0, "paper"),
        Bar("LUTNet", best["LUTNet, times fewer"], "ours"),
        Bar("with learned wires", best["learned wires, times fewer"], "ours"),
    )
    title = f"Look-up tables at equal accuracy, {best['accuracy']}"
    return [Picture(title, "times fewer", "more", bars)]


def _sotfp() -> list[Picture]:
    rows = [row for row in tables.load("sotfp", "opsets").rows if row["format"] == "FP16"]
    bars = [Bar("NOR alone", 1.0, "baseline")]
    bars.append(Bar("paper, latency", papers.quoted("sotfp")["latency_times_less"], "paper"))
    bars += [Bar(f"our steps, {row['op']}", row["`nor` / `sot`"], "ours") for row in rows]
    return [
        Picture("Steps of a floating-point operation, FP16", "times fewer", "more", tuple(bars))
    ]


def _lif() -> list[Picture]:
    (placed,) = (row for row in tables.load("lif", "T2").rows if row["target"] == "ecp5")
    bars = (
        Bar("Spiker, quoted", papers.quoted("lif", "spiker")["latency_us"], "paper"),
        Bar(f"ours, {placed['device']}", placed["us per image"], "ours"),
    )
    return [Picture("Time of an image of 28 x 28", "us", "less", bars)]


_PICTURES: dict[str, Callable[[], list[Any]]] = {
    "essop": _essop,
    "spimc": _spimc,
    "lutnet": _lutnet,
    "sotfp": _sotfp,
    "lif": _lif,
}
