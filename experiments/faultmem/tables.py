"""Tables of accuracy against write energy: of dense and sparse weights, and of training."""

from typing import Any

from nomul.experiments.captions import captioned
from nomul.experiments.faultmem.inference import inference
from nomul.experiments.faultmem.schemes import SCHEMES
from nomul.experiments.faultmem.sparse import sparse
from nomul.experiments.faultmem.training import training
from nomul.experiments.labels import label
from nomul.experiments.tables import Rows

READABLE = 25.0  # per cent


def curves(rows: Rows, figure: Any) -> None:
    """Draw accuracy against energy, one curve per scheme, marks with their chances."""
    axes = figure.subplots()
    exact = float(rows[0]["accuracy"].split()[0])
    axes.axhline(exact, color="grey", linewidth=0.8, label="exact")
    marks, colours = [], []
    for name, _, _ in SCHEMES:
        mine = [row for row in rows if row["written with"] == name]
        x = [row["write energy"] for row in mine]
        y = [float(row["accuracy"].split()[0]) for row in mine]
        (line,) = axes.plot(x, y, "o-", label=name, markersize=4)
        for row, at, value in zip(mine, x, y, strict=True):
            if value >= READABLE:  # below, they lie upon each other
                marks.append((at, value, row["highest bit fails"]))
                colours.append(line.get_color())
    axes.set_xlabel("write energy, of the nominal without check bits (modelled)")
    axes.set_ylabel("accuracy on 360 digits, %")
    axes.set_ylim(top=103)
    axes.margins(x=0.07)
    axes.legend()
    label(axes, marks, colours)


TABLES = {"T1": inference, "T2": training, "T3": sparse}
PLOTS = {
    "T1": captioned(
        "Accuracy against write energy: three curves, of which graded energies lie leftmost.",
        curves,
    ),
    "T2": captioned(
        "Accuracy after training against the energy of its writes: three curves, one per scheme.",
        curves,
    ),
}
