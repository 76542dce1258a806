"""Tables of the comparison: two trained networks on every member, on cells and on an FPGA."""

from functools import partial
from typing import Any

from nomul.experiments.captions import caption, captioned
from nomul.experiments.compare import pictures, rows, subject
from nomul.experiments.labels import label
from nomul.experiments.tables import Rows

# Networks, their data, the sizes that were measured, and whether they were fine-tuned.
NETWORKS = {
    "digits": ("digits-mlp-int8", "digits", ("small",), True),
    "fashion": ("fashion-convnet-int8", "fashion-mnist", ("small",), True),
}

# What a page shows of a row.
SHOWN = {
    "freepdk45": (
        *("array", "size", "weights", "accuracy, %", "fine-tuned, %", "bits per weight"),
        *("load beats", "cycles", "clock, MHz", "us", "of it loading, us", "um2", "pJ"),
        *("of it loading, pJ", "area x us", "pJ x us"),
        *("memory, um2 (modelled)", "memory, pJ (modelled)"),
    ),
    "ecp5": (
        *("array", "size", "cycles", "clock, MHz", "us", "of it loading, us", "LUT", "FF", "DSP"),
        *("BRAM", "area x us", "memory, BRAM (modelled)"),
    ),
}


def measured(name: str, target: str) -> Rows:
    """Return the rows of a network on a target; those in the store are not measured again.

    Raises
    ------
    RuntimeError
        A row failed, or Ctrl-C came; what was measured is kept.
    """
    network, data, sizes, finetune = NETWORKS[name]
    found = rows.compare(
        subject.load(network, data),
        sizes=sizes,
        target=target,
        finetune=finetune,
        note=print,
    )
    lacking = [entry.label for entry in found.entries if entry.failed]
    if found.stopped or lacking:
        raise RuntimeError(f"not all rows were measured: {', '.join(lacking) or 'stopped'}")
    return found.rows()


def shown(target: str, found: Rows) -> Rows:
    """Return the columns that the page shows, of the rows that have figures."""
    whole = [row for row in found if not row["cannot"]]
    return [{name: row[name] for name in SHOWN[target]} for row in whole]


@caption("Accuracy against energy and area; a line joins what no other array beats.")
def fronts(found: Rows, figure: Any) -> None:
    """Draw accuracy against energy and area; a line joins what no other array beats."""
    figure.set_size_inches(7.2, 7.4)
    plots = figure.subplots(2)
    marks = [
        pictures.draw(found, axis, plot) for axis, plot in zip(pictures.ABOUT, plots, strict=True)
    ]
    for plot, points in zip(plots, marks, strict=True):
        label(plot, points)


@caption("Accuracy against look-up tables; a line joins what no other array beats.")
def luts(found: Rows, figure: Any) -> None:
    """Draw accuracy against look-up tables; a line joins what no other array beats."""
    plot = figure.subplots()
    label(plot, pictures.draw(found, "area", plot))


TABLES = {
    "digits": captioned(
        "The digits MLP on every member, FreePDK45, one inference at a time.",
        measured,
        "digits",
        "freepdk45",
    ),
    "digits-ecp5": captioned(
        "The digits MLP on every member, ECP5, placed and routed once.", measured, "digits", "ecp5"
    ),
    "fashion": captioned(
        "The convnet of Fashion-MNIST on every member, FreePDK45, one inference at a time.",
        measured,
        "fashion",
        "freepdk45",
    ),
    "fashion-ecp5": captioned(
        "The convnet of Fashion-MNIST on every member, ECP5, placed and routed once.",
        measured,
        "fashion",
        "ecp5",
    ),
}
PLOTS = {"digits": fronts, "digits-ecp5": luts, "fashion": fronts, "fashion-ecp5": luts}
PAGE = {name: partial(shown, "ecp5" if "ecp5" in name else "freepdk45") for name in TABLES}
