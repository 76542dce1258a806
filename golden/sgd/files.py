"""A trained network as a quantised network, which everything else in nomul reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nomul.golden.arrays import Ints
from nomul.golden.network import ArgMax, Dense, Layer, Network, Requant
from nomul.golden.sgd.config import Config


def network(
    cfg: Config, weights: Sequence[Ints], notes: Mapping[str, str] | None = None
) -> Network:
    """Return weights as a network whose inputs are real numbers in 0..1, and which gives classes.

    Its classes are those of the training unit, to the bit; ``stochastic`` weights are judged as
    rounded to the nearest.

    Raises
    ------
    ValueError
        The weights have more than 8 bits, or sums are rounded toward zero, which such a network
        cannot do.
    """
    if cfg.bits > 8:
        raise ValueError(f"a network has weights of at most 8 bits, and sgd.bits is {cfg.bits}")
    if cfg.rounding == "zero":
        raise ValueError("a network cannot round toward zero, as sgd.rounding says")
    high = (1 << (cfg.bits - 1)) - 1
    # Rounding down is rounding to the nearest, half a unit less the least lower.
    scale, bias, shift = 1, 0, cfg.fraction
    if cfg.rounding == "floor" and shift:
        scale, bias, shift = 2, 1 - (1 << shift), shift + 1
    layers: list[Layer] = []
    for number, w in enumerate(weights):
        low = 0 if number + 1 < len(weights) else -high - 1
        one = Requant(np.array([scale]), np.array([bias]), shift, low, high)
        layers += [Dense(np.asarray(w, dtype=np.int64)), one]
    return Network(
        layers=[*layers, ArgMax()],
        input_shape=(cfg.sizes[0],),
        weight_bits=cfg.bits,
        input_high=min(1 << cfg.fraction, high),
        input_scale=2.0**-cfg.fraction,
        output_scale=2.0**-cfg.fraction,
        notes=dict(notes or {}),
    )
