"""What an inference takes of each array: a tile's cycles and energy, times the tiles and windows.

Computed from the committed table of one tile with operands of its own, see
:mod:`nomul.experiments.products.arrays`; so zeros of activations are as frequent as there, and what
a load takes is not counted.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from nomul.experiments import tables
from nomul.experiments.captions import caption
from nomul.experiments.compare.fit import layers
from nomul.experiments.products.arrays import ARRAYS, INPUTS, OUTPUTS, Row
from nomul.experiments.products.trained import recognised
from nomul.experiments.tables import Rows
from nomul.golden.network import examples

NETWORKS = {"perceptron": "digits-mlp-int8", "convnet": "fashion-convnet-int8"}

# Networks of a quarter of the weights, on the array of dense INT8: what structures are to beat.
RIVAL = Row("dense, INT8, narrower networks", "dense", {"products": 8}, ("narrower", 4))

# Inputs and outputs of a layer, and the windows that meet it in one inference.
Layer = tuple[int, int, int]


@caption("One inference on an array of 16 x 8 weights at 4 ns, tile after tile, without loads.")
def inferences() -> Rows:
    """Return what an inference of both networks takes of each array, from the committed T2."""
    measured = {row["array"]: row for row in tables.load("products", "T2").rows}
    first, *others = [_row(row, measured[row.name], whole) for row in ARRAYS]
    return [first, _row(RIVAL, measured[ARRAYS[0].name], narrower), *others]


def _row(
    row: Row, measured: dict[str, Any], network: Callable[[str], list[Layer]]
) -> dict[str, Any]:
    shown: dict[str, Any] = {"array": row.name, "um2": measured["um2"]}
    for name in NETWORKS:
        us, nj = spent(measured, work(network(name))[1])
        shown |= {
            f"{name}, us": us,
            f"{name}, nJ": nj,
            f"{name}, um2 x ms": _three(measured["um2"] * us / 1000),
            f"{name}, recognised, %": recognised(name, row.case),
        }
    return shown


def spent(measured: dict[str, Any], vectors: int) -> tuple[float, float]:
    """Return the us and the nJ of so many vectors of a tile, of its row of the committed table."""
    us, nj = (vectors * measured[f"{unit} per vector"] / 1000 for unit in ("ns", "pJ"))
    return _three(us), _three(nj)


def whole(name: str) -> list[Layer]:
    """Return the layers of a network."""
    found = layers(examples.example(NETWORKS[name]))
    return [(layer.inputs, layer.outputs, layer.windows) for layer in found]


def narrower(name: str) -> list[Layer]:
    """Return the layers of the network of a quarter of the weights that was trained beside it."""
    from nomul.train.networks import structures, structures_fashion

    if name == "perceptron":
        return [(*pair, 1) for pair in pairwise(structures.narrower(4))]
    channels, hidden = structures_fashion.CHANNELS, structures_fashion.HIDDEN
    *convolutions, last, end = whole(name)
    made = [
        (before * 9, after, windows)
        for (before, after), (_, _, windows) in zip(
            pairwise((1, *channels)), convolutions, strict=True
        )
    ]
    return [*made, (channels[-1] * 9, hidden, last[2]), (hidden, end[1], end[2])]


def work(network: list[Layer]) -> tuple[int, int]:
    """Return the tiles of a network, and the vectors that meet them in one inference."""
    tiles = vectors = 0
    for inputs, outputs, windows in network:
        count = -(-inputs // INPUTS) * -(-outputs // OUTPUTS)
        tiles += count
        vectors += count * windows
    return tiles, vectors


def _three(value: float) -> float:
    return float(f"{value:.3g}")
