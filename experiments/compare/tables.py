"""Tables of the comparison: two trained networks on every member, on cells and on an FPGA.

Each network and target has a table of the smallest arrays, with networks of look-up tables beside
them, and one of several sizes, which takes the smallest arrays from the first.
"""

from functools import partial
from typing import Any

from nomul.experiments import tables
from nomul.experiments.captions import caption, captioned
from nomul.experiments.compare import pictures, rows, sizes, subject
from nomul.experiments.compare.choices import NAMES
from nomul.experiments.labels import label
from nomul.experiments.tables import Rows

# Networks and their data.
NETWORKS = {
    "digits": ("digits-mlp-int8", "digits"),
    "fashion": ("fashion-convnet-int8", "fashion-mnist"),
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


def measured(name: str, target: str, **options: Any) -> Rows:
    """Return the rows of a network on a target; those in the store are not measured again.

    Options are those of :func:`nomul.experiments.compare.rows.compare`.

    Raises
    ------
    RuntimeError
        A row failed, or Ctrl-C came; what was measured is kept.
    """
    chosen = subject.load(*NETWORKS[name])
    found = rows.compare(chosen, target=target, finetune=True, note=print, **options)
    lacking = [entry.label for entry in found.entries if entry.failed]
    if found.stopped or lacking:
        raise RuntimeError(f"not all rows were measured: {', '.join(lacking) or 'stopped'}")
    return found.rows()


def of_sizes(name: str, target: str) -> Rows:
    """Return the rows of a network's members in several sizes on a target; errors as there.

    The smallest arrays are those of the network's table. An array that is left out has a row that
    says why.
    """
    small = tables.load("compare", f"{name}-ecp5" if target == "ecp5" else name).rows
    larger: dict[str, Any] = {
        "members": NAMES,
        "sizes": sizes.LARGER[name, target],
        "without": sizes.LEFT_OUT,
    }
    return [*(row for row in small if row["size"]), *measured(name, target, **larger)]


def shown(target: str, found: Rows) -> Rows:
    """Return the columns that the page shows, of the rows that have figures."""
    whole = [row for row in found if not row["cannot"]]
    return [{name: row[name] for name in SHOWN[target]} for row in whole]


def _shown_of(name: str, found: Rows) -> Rows:
    target = "ecp5" if "ecp5" in name else "freepdk45"
    return sizes.shown(found) if name.endswith("sizes") else shown(target, found)


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
    "digits-sizes": captioned(
        "The digits MLP on members of several sizes, FreePDK45.", of_sizes, "digits", "freepdk45"
    ),
    "digits-ecp5-sizes": captioned(
        "The digits MLP on members of several sizes, ECP5, placed and routed once.",
        of_sizes,
        "digits",
        "ecp5",
    ),
    "fashion-sizes": captioned(
        "The convnet of Fashion-MNIST on members of several sizes, FreePDK45.",
        of_sizes,
        "fashion",
        "freepdk45",
    ),
}
PLOTS = {
    "digits": fronts,
    "digits-ecp5": luts,
    "fashion": fronts,
    "fashion-ecp5": luts,
    **dict.fromkeys((name for name in TABLES if name.endswith("sizes")), sizes.against),
}
PAGE = {name: partial(_shown_of, name) for name in TABLES}
