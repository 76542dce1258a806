"""The layers of a network as a member's tiles, and the network that the tiles then are."""

from dataclasses import replace
from typing import Any

import numpy as np

from nomul.golden import products
from nomul.golden.network.layers import Conv2d, Dense
from nomul.golden.network.network import Network
from nomul.golden.products import Plan


def lay(net: Network, member: str, tile: Any, impose: bool) -> tuple[Network, dict[int, Plan]]:
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

    Raises
    ------
    ValueError
        The member cannot hold the weights; the message begins with the layer.
    """
    plans: dict[int, Plan] = {}
    layers = list(net.layers)
    for number, layer in enumerate(net.layers):
        if not isinstance(layer, Dense | Conv2d):
            continue
        groups = layer.groups if isinstance(layer, Conv2d) else 1
        try:
            plan = products.plan(member, tile, layer.w, groups, project=impose)
        except ValueError as error:
            raise ValueError(f"{net.place(number)}: {error}") from None
        plans[number] = plan
        if impose and isinstance(layer, Dense):
            layers[number] = replace(layer, w=plan.weights())
        elif impose and isinstance(layer, Conv2d):
            whole = plan.weights()
            rows, columns = len(whole) // groups, whole.shape[1] // groups
            parts = [
                whole[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns].T
                for g in range(groups)
            ]
            layers[number] = replace(layer, w=np.concatenate(parts).reshape(layer.w.shape))
    return (net.replace(layers=layers) if impose else net), plans


def project(net: Network, member: str, tile: Any) -> Network:
    """Return a network whose layers are cut as the planner cuts them, each tile projected."""
    return lay(net, member, tile, impose=True)[0]
