"""Tables of the page about quantised networks: accuracies, and what onnxruntime says of them."""

from pathlib import Path
from typing import Any

from nomul.experiments.captions import caption
from nomul.experiments.tables import Rows

# Where the stages of training stay, under the current folder.
KEPT = Path("build/networks")


@caption("Accuracies on the whole test sets, after training and fine-tuned; seed 1.")
def accuracy() -> Rows:
    """Return accuracies on the whole test sets, after training and fine-tuned; seed 1."""
    rows = []
    for name, found in _records().items():
        row = {"network": name, "products": found["products"], "weights": found["weights"]}
        row |= {
            key: f"{found[key]:.2%}"
            for key in (
                "float",
                "int8 after training",
                "int8 with powers of two",
                "int8 by onnxruntime",
                "int4 after training",
                "int4 fine-tuned",
            )
        }
        rows.append(row)
    return rows


@caption("How onnxruntime and the model agree on networks that onnxruntime quantised.")
def judge() -> Rows:
    """Return how onnxruntime and the model agree on networks that onnxruntime quantised."""
    rows = []
    for name, found in _records().items():
        seen = found["onnxruntime"]
        rows.append(
            {
                "network": name,
                "test inputs": seen["inputs"],
                "codes": seen["elements"],
                "differ": seen["differ"],
                "by at most": seen["most"],
                "not next to a tie": seen["far"],
                "no clear class": seen["unclear"],
                "another class": seen["wrong"],
            }
        )
    return rows


def _records() -> dict[str, dict[str, Any]]:
    """Return the records of all networks; what is not there is trained."""
    from nomul.train.networks import study
    from nomul.train.networks.nets import NETS

    return {name: study.run(name, KEPT) for name in NETS}


TABLES = {"accuracy": accuracy, "judge": judge}
