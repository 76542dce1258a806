"""Programs for a core: a perceptron of several layers, without a host."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nomul.golden.arrays import Floats, Ints
from nomul.golden.mvmu.config import POINT, Config


class Perceptron(NamedTuple):
    """A program's text, one matrix int64[inputs, outputs] per unit, and where results lie.

    Images lie one after the other from word 0, and scores one after the other from ``scores``.
    """

    text: str
    matrices: list[Ints]
    scores: int


def perceptron(cfg: Config, weights: Sequence[Floats], images: int) -> Perceptron:
    """Return a program that runs a perceptron with ReLUs for some images in memory.

    Parameters
    ----------
    weights
        Real weights float64[outputs, inputs] of every layer; they are rounded to Q4.12.
    images
        How many, each of as many words of Q4.12 as the first layer has inputs.

    Raises
    ------
    ValueError
        The core has too few units, rows, columns, registers or words.
    """
    if len(weights) > cfg.units:
        raise ValueError(f"the network has {len(weights)} layers, the core {cfg.units} units")
    matrices = []
    for number, layer in enumerate(weights):
        outputs, inputs = layer.shape
        if inputs > cfg.inputs or outputs > cfg.outputs:
            raise ValueError(
                f"layer {number} is of {inputs} x {outputs}, a unit of {cfg.inputs} x {cfg.outputs}"
            )
        whole = np.zeros((cfg.inputs, cfg.outputs), dtype=np.int64)
        whole[:inputs, :outputs] = np.rint(layer.T * (1 << POINT)).clip(-32768, 32767)
        matrices.append(whole)
    pixels, classes = weights[0].shape[1], weights[-1].shape[0]
    scores = images * pixels
    if scores + images * classes > cfg.words:
        raise ValueError(
            f"{images} images and their scores take {scores + images * classes} words of memory, "
            f"which has {cfg.words}"
        )
    lines = [
        "set r0, 0           ; where the image begins",
        "set r1, 0           ; where its scores go",
        f"set r2, {images}   ; images to go",
        f"set r3, {pixels}",
        f"set r4, {classes}",
        "set r5, 1",
        f"loop: set in0 x{cfg.inputs}, 0",
        f"load in0 x{pixels}, [0 + r0]",
    ]
    for number, layer in enumerate(weights):
        lines.append(f"mvm {number}")
        if number < len(weights) - 1:
            lines += [
                f"set in0 x{cfg.inputs}, 0",
                f"relu in0 x{layer.shape[0]}, out0",
            ]
    lines += [
        f"store [{scores} + r1], out0 x{classes}",
        "add r0, r0, r3",
        "add r1, r1, r4",
        "sub r2, r2, r5",
        "jump loop, nonzero r2",
        "halt",
    ]
    return Perceptron("\n".join(lines), matrices, scores)
