"""Tables of the family's page: accuracy under a structure, and what structures cost in hardware."""

import hashlib
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.products import hardware
from nomul.experiments.tables import Rows

SEEDS = (1, 2, 3, 4, 5)


@caption("A perceptron for digits, fine-tuned under each structure; five seeds.")
def digits() -> Rows:
    """Return accuracies of a perceptron for digits under each structure; five seeds."""
    from nomul.train.networks import structures

    return [_accuracy(found) for found in _trained(structures, SEEDS)]


@caption("The convnet for Fashion-MNIST, one epoch under each structure; one seed.")
def fashion() -> Rows:
    """Return accuracies of the convnet for Fashion-MNIST under each structure; one seed."""
    from nomul.train.networks import structures_fashion

    rows = [_accuracy(found) for found in _trained(structures_fashion, SEEDS[:1])]
    return [{k: v for k, v in row.items() if k not in ("spread, %", "worst, %")} for row in rows]


def _trained(study: ModuleType, seeds: tuple[int, ...]) -> list[list[dict[str, Any]]]:
    """Return the records of a study, case by case; what is there is not trained again."""
    assert study.__file__ is not None
    source = hashlib.sha256(Path(study.__file__).read_bytes()).hexdigest()[:16]
    cases = []
    for case in study.CASES:
        found = []
        for seed in seeds:
            about = {"case": [case.structure, case.size], "seed": seed, "source": source}
            work = partial(study.run, case, seed)
            found.append(ledger.kept(ledger.Folder(hardware.KEPT), about, work))
        cases.append(found)
    return cases


def _accuracy(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row of trainings: mean and spread, and storage."""
    tuned = np.array([one["tuned"] for one in found]) * 100
    imposed = np.array([one["imposed"] for one in found]) * 100
    bits = float(np.mean([one["bits"] for one in found]))
    first = found[0]
    # A narrower network is compared with the one that it replaces.
    whole = PERCEPTRON if first["structure"] == "narrower" else first["weights"]
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


# Weights of the perceptron for digits.
PERCEPTRON = 6464

TABLES = {
    "T1": digits,
    "T1-fashion": fashion,
    "T2": hardware.arrays,
    "T3": hardware.engines,
    "T4": hardware.addresses,
}
