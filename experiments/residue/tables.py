"""Tables of residues: what the carry rules write."""

from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.golden import pcm, residue, sgd
from nomul.golden.arrays import Ints
from nomul.golden.sgd.stimuli import initial
from nomul.train import digits

Rows = list[dict[str, Any]]

WEIGHTS, UPDATES = 50, 4000
SEEDS = (1, 2, 3)
AGES = {"at once": 1.0, "an hour": 3600.0, "a day": 86_400.0, "a year": 31_536_000.0}


@caption("What an update writes, by carry rule: bits of the residue, and steps of the level.")
def writes() -> Rows:
    """Return writes per update of 50 weights in 4,000 uniform updates, counted by the model.

    Levels are without rails, or the 16 of 4 bits, where carries are lost.
    """
    rows = []
    for low_bits in (4, 5, 7, 9):
        for largest in (1 << (low_bits - 4), 1 << (low_bits - 2), 1 << (low_bits - 1)):
            for rails in (None, (-8, 7)):
                rows.append(_row(low_bits, largest, rails))
    return rows


def _row(low_bits: int, largest: int, rails: tuple[int, int] | None) -> dict[str, Any]:
    q = np.random.default_rng(3).integers(-largest, largest + 1, (UPDATES, WEIGHTS))
    row: dict[str, Any] = {"L": low_bits, "largest update": largest}
    row["levels"] = "-8..7" if rails else "no rails"
    pulses = {}
    for rule in ("twos", "trunc"):
        cfg = residue.Config(low_bits=low_bits, levels=rails or (-30000, 30000), carry=rule)
        counted = residue.counts(cfg, q)
        pulses[rule] = counted.pulses
        row |= {
            f"{rule}: bits": round(counted.flips / q.size, 3),
            f"{rule}: level steps": round(counted.pulses / q.size, 4),
            f"{rule}: lost": counted.lost,
        }
    return row | {"steps, twos : trunc": round(pulses["twos"] / max(1, pulses["trunc"]), 2)}


@caption("Digits right when trained levels are read from phase-change cells, by their age.")
def aged() -> Rows:
    """Return accuracies of 64-32-10, trained for two epochs, whose levels are in drifting cells.

    Means of three seeds and of five draws of the cells. Levels have 8 bits, so noise is given as
    for 16 levels, sixteen times the default in levels. Sums are not rounded.
    """
    trained = [_trained(seed) for seed in SEEDS]
    plain = pcm.Cells()
    noise = {"programming": 16 * plain.programming, "reading": 16 * plain.reading}
    kinds = {
        "drift alone, all cells alike": pcm.Cells(programming=0, reading=0, spread=0),
        "drift alone": pcm.Cells(programming=0, reading=0),
        "drift and noise": pcm.Cells(**noise),
        "three times the noise": pcm.Cells(**{name: 3 * value for name, value in noise.items()}),
    }
    rows = []
    for name, cells in kinds.items():
        row: dict[str, Any] = {"cells": name}
        for age, seconds in AGES.items():
            right = [_right(levels, cells, seconds, seed) for seed, levels in enumerate(trained)]
            row[age] = round(float(np.mean(right)), 3)
        rows.append(row)
    return rows


def _trained(seed: int) -> list[Ints]:
    """Return the levels of a network after two epochs."""
    cfg, data, rng = sgd.Config.preset("digits"), digits.load(1), np.random.default_rng(seed)
    state, target = sgd.begin(cfg, initial(cfg, rng)), sgd.targets(cfg, data.labels)
    x = sgd.numbers(cfg).encode(cfg, data.x)
    for _ in range(2):
        for k in rng.permutation(len(x)):
            state, *_ = sgd.advance(cfg, state, x[k], target[k])
    return state.weights


def _right(levels: list[Ints], cells: pcm.Cells, seconds: float, seed: int) -> float:
    """Return the share of test images that are right, mean of five draws of all cells."""
    data, rng = digits.load(1), np.random.default_rng(seed)
    bank, right = residue.Config.preset("small"), []
    for _ in range(5):
        a = data.x_test
        for level in levels:
            a = np.maximum(a @ pcm.read(bank, cells, level, seconds, rng), 0)
        right.append(float((a.argmax(axis=1) == data.labels_test).mean()))
    return float(np.mean(right))


TABLES = {"T2": writes, "T2-cells": aged}
