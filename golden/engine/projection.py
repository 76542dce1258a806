"""The layers of a network as a member's tiles, and the network that the tiles then are."""

from dataclasses import replace
from typing import Any

import numpy as np

from nomul.golden import products
from nomul.golden.arrays import Ints
from nomul.golden.network.evaluate import Sums, fitted
from nomul.golden.network.layers import Conv2d, Dense, Layer
from nomul.golden.network.network import Network
from nomul.golden.products import Plan

# Vectors of a layer that its tables are fitted to.
FITTED = 1000


def lay(
    net: Network, member: str, tile: Any, impose: bool, samples: Ints | None = None
) -> tuple[Network, dict[int, Plan]]:
    """Return the plan of each layer with weights, and the network that they compute.

    Parameters
    ----------
    net
        Any network.
    member, tile
        Of the product family, and its configuration.
    impose
        Whether each tile becomes the nearest one that the member holds, and the network another
        one; else it must hold them as they are.
    samples
        int64[V, ...], inputs of the network that tables are fitted to, layer by layer, where the
        member's sums are not W^T x.

    Raises
    ------
    ValueError
        The member cannot hold the weights; the message begins with the layer.
    """
    plans: dict[int, Plan] = {}
    layers = list(net.layers)

    def place(number: int, seen: Ints | None = None) -> Sums:
        layer = net.layers[number]
        assert isinstance(layer, Dense | Conv2d)
        groups = layer.groups if isinstance(layer, Conv2d) else 1
        try:
            plan = products.plan(member, tile, layer.w, groups, project=impose, samples=seen)
        except ValueError as error:
            more = "" if impose else "; impose=true takes the nearest weights that it holds"
            raise ValueError(f"{net.place(number)}: {error}{more}") from None
        plans[number] = plan
        return plan.model

    if not tile.exact and samples is not None:
        fitted(net, samples, place, FITTED)
        return net, plans
    for number, layer in enumerate(net.layers):
        if isinstance(layer, Dense | Conv2d):
            place(number)
            if impose and tile.exact:
                layers[number] = held(layer, plans[number])
    return (net.replace(layers=layers) if impose and tile.exact else net), plans


def held(layer: Dense | Conv2d, plan: Plan) -> Layer:
    """Return a layer with the weights of its plan."""
    whole = plan.weights()
    if isinstance(layer, Dense):
        return replace(layer, w=whole)
    rows, columns = len(whole) // layer.groups, whole.shape[1] // layer.groups
    parts = [
        whole[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns].T
        for g in range(layer.groups)
    ]
    return replace(layer, w=np.concatenate(parts).reshape(layer.w.shape))


def project(net: Network, member: str, tile: Any) -> Network:
    """Return a network whose layers are cut as the planner cuts them, each tile projected."""
    return lay(net, member, tile, impose=True)[0]
