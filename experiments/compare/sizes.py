"""Arrays of three sizes: what is left out and why, what a page shows, and area and time drawn."""

from typing import Any

from nomul.experiments.captions import caption
from nomul.experiments.compare import pictures, regimes
from nomul.experiments.compare.choices import SIZES
from nomul.experiments.tables import Rows

# Sizes that a table has beside the smallest, by network and target. Each takes about four times the
# processor time of the one before it, as it has four times the weights.
LARGER = {
    ("digits", "freepdk45"): ("medium", "large"),
    ("digits", "ecp5"): ("medium",),
    ("fashion", "freepdk45"): ("medium", "large"),
}

# Arrays that take longer to map, or to train for, than they are worth, by target, member and size.
LEFT_OUT = {
    ("freepdk45", "pq", "medium"): "left out: 8,192 bits of tables in flip-flops",
    ("freepdk45", "spimc", "medium"): "left out: 256 slots in flip-flops",
    ("freepdk45", "pq", "large"): "left out: 32,768 bits of tables in flip-flops",
    ("freepdk45", "spimc", "large"): "left out: 1,024 slots in flip-flops",
    **{("freepdk45", name, "large"): "not measured" for name in ("pow2basis", "sonic", "epitome")},
    ("ecp5", "pq", "medium"): "left out: 8,192 bits of tables in flip-flops",
    ("ecp5", "spimc", "medium"): "left out: 256 slots in flip-flops",
}

# What a page shows of a row where it has such a figure, and why it has none.
SHOWN = (
    *("array", "size", "accuracy, %", "cycles", "clock, MHz", "us", "um2", "LUT", "DSP", "pJ"),
    *("area x us", "pJ x us", "cannot"),
)

# Lines are told apart by colour, of which Matplotlib has ten.
COLOURS = (*(f"C{number}" for number in range(10)), "black")

# What is drawn against the weights of a tile.
AXES = {"um2": "um2", "LUT": "look-up tables", "us": "us per inference", "pJ": "pJ per inference"}


def shown(found: Rows) -> Rows:
    """Return what the page shows: array by array, the accuracy that counts, no empty columns."""
    order = {array: place for place, array in enumerate(dict.fromkeys(r["array"] for r in found))}
    ordered = sorted(found, key=lambda row: order[row["array"]])
    there = [name for name in SHOWN if any(row[name] not in (None, "") for row in ordered)]
    return [
        {name: row[name] for name in there}
        | ({} if row["accuracy, %"] is None else {"accuracy, %": regimes.accuracy(row)})
        for row in ordered
    ]


@caption("Area, time and energy against the weights of a tile; a line for each array.")
def against(found: Rows, figure: Any) -> None:
    """Draw area, time and energy of each array against the weights of its tile."""
    columns = [name for name in AXES if any(row[name] is not None for row in found)]
    figure.set_size_inches(7.2, 2.6 * len(columns) + 0.6)
    plots = figure.subplots(len(columns), sharex=True)
    for name, plot in zip(columns, plots, strict=True):
        for place, array in enumerate(dict.fromkeys(row["array"] for row in found)):
            own = [row for row in found if row["array"] == array and row[name] is not None]
            weights = [SIZES[row["size"]][0] * SIZES[row["size"]][1] for row in own]
            marker = pictures.MARKS[place % len(pictures.MARKS)]
            style = {"marker": marker, "color": COLOURS[place % len(COLOURS)], "ms": 4, "lw": 1}
            plot.plot(weights, [row[name] for row in own], label=array, **style)
        plot.set_xscale("log", base=2)
        plot.set_yscale("log")
        plot.set_ylabel(AXES[name])
        plot.grid(alpha=0.3)
    ticks = {rows * columns: f"{rows} x {columns}" for rows, columns in SIZES.values()}
    plots[-1].set_xticks(list(ticks), list(ticks.values()))
    plots[-1].set_xlabel("weights of a tile")
    plots[0].legend(fontsize=6.5, ncols=2)
