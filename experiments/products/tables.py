"""Tables of the family's page: accuracy under a structure, and what structures cost in hardware."""

from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.products import hardware, sizes
from nomul.experiments.tables import Rows

SEEDS = (1, 2, 3, 4, 5)


@caption("A perceptron for digits, fine-tuned under each structure; five seeds.")
def digits() -> Rows:
    """Return accuracies of a perceptron for digits under each structure; five seeds."""
    from nomul.train.networks import structures

    return [_accuracy(found, PERCEPTRON) for found in _trained(structures, SEEDS)]


@caption("The convnet for Fashion-MNIST, three epochs under each structure; one seed.")
def fashion() -> Rows:
    """Return accuracies of the convnet for Fashion-MNIST under each structure; one seed."""
    from nomul.train.networks import structures_fashion

    rows = [_accuracy(found, CONVNET) for found in _trained(structures_fashion, SEEDS[:1])]
    return [{k: v for k, v in row.items() if k not in ("spread, %", "worst, %")} for row in rows]


def _trained(study: ModuleType, seeds: tuple[int, ...]) -> list[list[dict[str, Any]]]:
    """Return the records of a study, case by case; what stands in its file is not trained again.

    The file is beside the study, and committed: a run that was stopped goes on where it was.
    """
    assert study.__file__ is not None
    records = ledger.Lines(Path(study.__file__).with_suffix(".jsonl"))
    recipe = study.recipe()
    cases = []
    for case in study.CASES:
        found = []
        for seed in seeds:
            about = {"case": [case.structure, case.size], "seed": seed, "recipe": recipe}
            found.append(ledger.kept(records, about, partial(study.run, case, seed)))
        cases.append(found)
    return cases


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


# Weights of the networks that are compared.
PERCEPTRON, CONVNET = 6464, 29_584

TABLES = {
    "T1": digits,
    "T1-fashion": fashion,
    "T2": hardware.arrays,
    "T2-ecp5": hardware.arrays_ecp5,
    "T3": hardware.engines,
    "T4": hardware.addresses,
    "T5": sizes.growth,
}
