"""Tables of accuracy against write energy: of dense and sparse weights, and of training."""

from typing import Any

from nomul.experiments.captions import caption
from nomul.experiments.faultmem.inference import inference
from nomul.experiments.faultmem.schemes import SCHEMES
from nomul.experiments.faultmem.sparse import sparse
from nomul.experiments.faultmem.training import training
from nomul.experiments.tables import Rows

READABLE = 25.0  # per cent


def curves(rows: Rows, figure: Any, places: tuple[int, ...]) -> None:
    """Draw accuracy against energy, one curve per scheme, marks with their chances.

    ``places`` says how far from its mark each curve's texts stand, in points.
    """
    axes = figure.subplots()
    exact = float(rows[0]["accuracy"].split()[0])
    axes.axhline(exact, color="grey", linewidth=0.8, label="exact")
    for (name, _, _), below in zip(SCHEMES, places, strict=True):
        mine = [row for row in rows if row["written with"] == name]
        x = [row["write energy"] for row in mine]
        y = [float(row["accuracy"].split()[0]) for row in mine]
        (line,) = axes.plot(x, y, "o-", label=name, markersize=4)
        for row, at, value in zip(mine, x, y, strict=True):
            if value < READABLE:  # there they lie upon each other
                continue
            axes.annotate(
                row["highest bit fails"],
                (at, value),
                textcoords="offset points",
                xytext=(3, below),
                fontsize=6,
                color=line.get_color(),
            )
    axes.set_xlabel("write energy, of the nominal without check bits (modelled)")
    axes.set_ylabel("accuracy on 360 digits, %")
    axes.set_ylim(top=103)
    axes.margins(x=0.07)
    axes.legend()


@caption("Accuracy against write energy: three curves, of which graded energies lie leftmost.")
def inference_curves(rows: Rows, figure: Any) -> None:
    """Draw the accuracy of a network whose weights are written once."""
    curves(rows, figure, (-16, 6, -26))


@caption("Accuracy after training against the energy of its writes: three curves, one per scheme.")
def training_curves(rows: Rows, figure: Any) -> None:
    """Draw the accuracy of a network whose weights every step writes."""
    curves(rows, figure, (-40, 6, -16))


TABLES = {"T1": inference, "T2": training, "T3": sparse}
PLOTS = {"T1": inference_curves, "T2": training_curves}
