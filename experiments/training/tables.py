"""Tables of training in hardware that belong to no single block: a precision that grows."""

import itertools
from functools import cache
from typing import Any

import numpy as np

from nomul.experiments.captions import caption
from nomul.experiments.tables import load
from nomul.golden import bitplanes
from nomul.train import digits, fractrain

Rows = list[dict[str, Any]]

SIZES, EPOCHS, BATCH, RATE, SEEDS = (64, 64, 32, 10), 40, 32, 0.25, (1, 2, 3)
PRECISIONS = ((3, 6), (4, 6), (6, 8), (8, 8))  # going forward and back, of the four stages
EPSILON, ALPHA = 0.05, 0.5


@caption(
    "Precision that grows after FracTrain: digits right after 40 epochs, and cycles of a plane."
)
def schedule() -> Rows:
    """Return accuracies and cycles of 64-64-32-10, means of three seeds.

    Weights and activations are quantised to the first precision of a stage, gradients to the second
    one, minimum and maximum of each sample for ends; updates are in float64. Cycles are those of
    the products of all epochs on an array of bit planes whose lanes hold a layer's inputs, as
    ``bitplanes`` counts them, over those at 8 bits throughout.
    """
    full = EPOCHS * _cycles(*PRECISIONS[-1])
    rows = []
    for name, stages in (
        ("grows", PRECISIONS),
        *((f"{n} / {m}", ((n, m),)) for n, m in PRECISIONS),
    ):
        plan = fractrain.Plan(SIZES, stages, EPSILON, ALPHA, EPOCHS, BATCH, RATE)
        runs = [fractrain.train(plan, seed) for seed in SEEDS]
        right = np.mean([run[0] for run in runs])
        spent = np.mean([sum(itertools.starmap(_cycles, run[1])) for run in runs])
        turns = [
            [k + 1 for k, (a, b) in enumerate(itertools.pairwise(run[1])) if a != b] for run in runs
        ]
        rows.append(
            {
                "precision": name,
                "right": round(float(right), 3),
                "cycles, share": round(float(spent / full), 3),
                "turns after epochs": "; ".join(", ".join(map(str, turn)) for turn in turns),
            }
        )
    return rows


@cache
def _cycles(bits: int, back: int) -> int:
    """Return the steps of forward, backward and gradient products of one image at a precision."""
    total = 0
    for k, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        ways = [(inputs, outputs, bits, bits), (inputs, outputs, bits, back)]
        ways += [(outputs, inputs, back, bits)] if k else []
        for rows, columns, acts, planes in ways:
            cfg = bitplanes.Config(inputs=rows, outputs=columns, lanes=rows)
            total += cfg.steps(acts, planes, planes)
    return total


@caption("Energy of the same trainings: on bit planes, and on multipliers of 8 bits throughout.")
def energies() -> Rows:
    """Return what the trainings of T5 take, modelled: products times what one was measured at.

    A product on bit planes was measured at 8 x 8 bits, whole array of 64 x 4 without its weights'
    store, and takes in proportion to the steps that it has at another precision. One by Booth's
    multipliers was measured on the array of the same size. Precisions of every epoch are T5's.
    """
    measured = {row["array"]: row["fJ per product"] for row in load("bitplanes", "T2").rows}
    planes, booth = measured["planes, binary"], measured["dense, Booth"]
    images = len(digits.load(1).x) // BATCH * BATCH * 1e-9  # and fJ in uJ
    full = EPOCHS * images * planes * _bit_products(*PRECISIONS[-1]) / 64
    rows: Rows = []
    for row in load("training", "T5").rows:
        spent = []
        for seed in row["turns after epochs"].split(";"):
            turns = [int(turn) for turn in seed.split(",") if turn.strip()]
            first = 0 if row["precision"] == "grows" else PRECISIONS.index(_pair(row["precision"]))
            ends = [0, *turns, EPOCHS]
            spent += [
                sum(
                    (b - a) * _bit_products(*PRECISIONS[first + k])
                    for k, (a, b) in enumerate(itertools.pairwise(ends))
                )
            ]
        energy = float(np.mean(spent)) * images * planes / 64
        rows.append(
            {
                "array": "bit planes",
                "precision": row["precision"],
                "right": row["right"],
                "uJ": round(energy),
                "share": round(energy / full, 3),
            }
        )
    dense = EPOCHS * images * booth * _bit_products(1, 1)
    last = {"array": "Booth's multipliers", "precision": "8 / 8", "right": rows[-1]["right"]}
    return [*rows, {**last, "uJ": round(dense), "share": round(dense / full, 3)}]


def _pair(precision: str) -> tuple[int, int]:
    bits, back = precision.split(" / ")
    return int(bits), int(back)


def _bit_products(bits: int, back: int) -> int:
    """Return products of an image's forward, gradient and backward passes, times steps of each."""
    total = 0
    for k, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        total += inputs * outputs * (bits * bits + bits * back * (2 if k else 1))
    return total


TABLES = {"T5": schedule, "T5-energy": energies}
