"""What an inference takes of each array: a tile's cycles and energy, times the tiles and windows.

Computed from what was measured of one tile with operands of its own, see
:mod:`nomul.experiments.products.arrays`; so zeros of activations are as frequent as there.
"""

from typing import Any

from nomul.experiments.captions import caption
from nomul.experiments.compare.fit import layers
from nomul.experiments.products.arrays import (
    ARRAYS,
    INPUTS,
    OUTPUTS,
    PERIOD_PS,
    Made,
    Row,
    measured,
)
from nomul.experiments.products.trained import recognised
from nomul.experiments.tables import Rows
from nomul.golden.network import examples

NETWORKS = {"perceptron": "digits-mlp-int8", "convnet": "fashion-convnet-int8"}


@caption("One inference on each array of 16 x 8 weights at 4 ns, computed from measured tiles.")
def inferences() -> Rows:
    """Return what an inference of both networks takes of each array, one tile after the other."""
    return [_row(row) for row in ARRAYS]


def _row(row: Row) -> dict[str, Any]:
    made = Made.of(row)
    found = measured(row, made.cfg, [made.part], "freepdk45")
    (energy,) = found["energies"]
    shown: dict[str, Any] = {"array": row.name, "um2": round(found["area_um2"])}
    for name, file in NETWORKS.items():
        tiles, vectors = work(file)
        us = vectors * made.cycles_per_vector * PERIOD_PS * 1e-6
        loading = tiles * energy["load_fj"] * 1e-6
        total = loading + vectors * energy["vector_fj"] * 1e-6
        shown |= {
            f"{name}, us": _three(us),
            f"{name}, nJ": _three(total),
            f"{name}, of it loading, nJ": _three(loading),
            f"{name}, recognised, %": recognised(name, row.case),
        }
    return shown


def work(name: str) -> tuple[int, int]:
    """Return the tiles of a network, each loaded once, and the vectors that meet them."""
    tiles = vectors = 0
    for layer in layers(examples.example(name)):
        count = -(-layer.inputs // INPUTS) * -(-layer.outputs // OUTPUTS)
        tiles += count
        vectors += count * layer.windows
    return tiles, vectors


def _three(value: float) -> float:
    return float(f"{value:.3g}")
