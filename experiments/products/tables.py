"""Tables of the family's page: accuracy under a structure, and what structures cost in hardware."""

from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.products import arrays, hardware, inference, sizes, trained
from nomul.experiments.tables import Rows


@caption("A perceptron for digits, fine-tuned under each structure; five seeds.")
def digits() -> Rows:
    """Return accuracies of a perceptron for digits under each structure; five seeds."""
    from nomul.train.networks import structures

    return [_accuracy(trained.records(structures, case), PERCEPTRON) for case in structures.CASES]


@caption("The convnet for Fashion-MNIST, three epochs under each structure, tables one; one seed.")
def fashion() -> Rows:
    """Return accuracies of the convnet for Fashion-MNIST under each structure; one seed."""
    from nomul.train.networks import structures_fashion

    study, seeds = structures_fashion, trained.SEEDS[:1]
    rows = [_accuracy(trained.records(study, case, seeds), CONVNET) for case in study.CASES]
    return [{k: v for k, v in row.items() if k not in ("spread, %", "worst, %")} for row in rows]


def _accuracy(found: list[dict[str, Any]], original: int) -> dict[str, Any]:
    """Return a row of trainings: mean and spread, and storage.

    A narrower network is compared with the one that it replaces, of so many weights.
    """
    tuned = np.array([one["tuned"] for one in found]) * 100
    imposed = np.array([one["imposed"] for one in found]) * 100
    bits = float(np.mean([one["bits"] for one in found]))
    first = found[0]
    whole = original if first["structure"] == "narrower" else first["weights"]
    return {
        "weights": first["structure"],
        "size": first["size"],
        "bits": round(bits),
        "bits per weight": round(bits / first["weights"], 2),
        "less than INT8, times": round(whole * 8 / bits, 1),
        "before tuning, %": round(float(imposed.mean()), 1),
        "tuned, %": round(float(tuned.mean()), 1),
        "spread, %": round(float(tuned.std(ddof=min(1, len(tuned) - 1))), 1),
        "worst, %": round(float(tuned.min()), 1),
    }


@caption("Accuracy of the perceptron against bits stored, a line for each structure, with spread.")
def accuracy_over_bits(rows: Rows, figure: Any) -> None:
    """Draw the perceptron's accuracy against bits stored, a line for each structure."""
    figure.set_size_inches(7.2, 4.6)
    plot = figure.subplots()
    structures = list(dict.fromkeys(row["weights"] for row in rows))
    for number, structure in enumerate(structures):
        group = [row for row in rows if row["weights"] == structure]
        rival = structure in ("dense", "powers of two", "narrower", "1:M")
        plot.errorbar(
            [row["bits"] for row in group],
            [row["tuned, %"] for row in group],
            [row["spread, %"] for row in group],
            marker="osD^vP*Xhd<>"[number],
            ms=4,
            lw=1,
            ls="--" if rival else "-",
            capsize=2,
            label=structure,
        )
    plot.set_xscale("log", base=2)
    ticks = [4096, 8192, 16384, 32768, 65536]
    plot.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    plot.set_ylim(64, 100)
    plot.set_xlabel("bits stored; dashed lines are rivals")
    plot.set_ylabel("test accuracy (%)")
    plot.legend(fontsize=8, ncols=2)


# Weights of the networks that are compared.
PERCEPTRON, CONVNET = 6464, 29_584

TABLES = {
    "T1": digits,
    "T1-fashion": fashion,
    "T2": arrays.arrays,
    "T2-ecp5": arrays.arrays_ecp5,
    "T3": hardware.engines,
    "T4": hardware.addresses,
    "T5": sizes.growth,
    "T6": inference.inferences,
}
PLOTS = {"T1": accuracy_over_bits}
