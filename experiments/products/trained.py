"""What networks recognise that were trained under a structure: records beside their study."""

from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nomul import ledger

SEEDS = (1, 2, 3, 4, 5)


def records(study: ModuleType, case: Any, seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """Return the records of a case, seed by seed; what stands in the study's file is not trained.

    The file is beside the study, and committed: a run that was stopped goes on where it was.
    """
    assert study.__file__ is not None
    store, recipe = ledger.Lines(Path(study.__file__).with_suffix(".jsonl")), study.recipe(case)
    found = []
    for seed in seeds:
        about = {"case": [case.structure, case.size], "seed": seed, "recipe": recipe}
        found.append(ledger.kept(store, about, partial(study.run, case, seed)))
    return found


def recognised(network: str, case: tuple[str, int] | None) -> float | None:
    """Return what a network recognises that was trained under a structure, in %; None if none was.

    Parameters
    ----------
    network
        ``perceptron``, the mean of five seeds; or ``convnet``, of one.
    case
        Structure and size; None for one that is not trained.
    """
    from nomul.train.networks import structures, structures_fashion
    from nomul.train.networks.projection import Case

    study, seeds = {
        "perceptron": (structures, SEEDS),
        "convnet": (structures_fashion, SEEDS[:1]),
    }[network]
    if case is None or Case(*case) not in study.CASES:
        return None
    found = records(study, Case(*case), seeds)
    return round(float(np.mean([one["tuned"] for one in found])) * 100, 1)
