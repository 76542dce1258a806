"""A network whose weights have the form that a member holds: the nearest one, tile by tile."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from nomul.golden import products
from nomul.golden.arrays import Ints
from nomul.golden.network.layers import Conv2d, Dense
from nomul.golden.network.network import Network


def project(net: Network, member: str, tile: Any) -> Network:
    """Return a network whose layers are cut as the planner cuts them, each tile projected.

    Groups of a convolution are tiles of their own here, so that what is projected does not depend
    on how many of them share a tile; the planner then gives each one of its own, too, unless the
    member holds them side by side.

    Parameters
    ----------
    net
        Any network.
    member
        Name of the member.
    tile
        Its configuration, of a tile's size.
    """
    module = products.member(member)
    layers = []
    for layer in net.layers:
        if isinstance(layer, Dense):
            layer = replace(layer, w=_matrix(module, tile, layer.w))
        elif isinstance(layer, Conv2d):
            parts = [_matrix(module, tile, part).T for part in layer.matrices()]
            layer = replace(layer, w=np.concatenate(parts).reshape(layer.w.shape))
        layers.append(layer)
    return net.replace(layers=layers)


def _matrix(module: ModuleType, tile: Any, w: Ints) -> Ints:
    """Return int[rows, columns], of any size, with each tile of it projected."""
    made = np.zeros_like(w)
    for top in range(0, len(w), tile.inputs):
        for left in range(0, w.shape[1], tile.outputs):
            part = w[top : top + tile.inputs, left : left + tile.outputs]
            whole = np.zeros((tile.inputs, tile.outputs), dtype=np.int64)
            whole[: len(part), : part.shape[1]] = part
            near = module.project(tile, whole)
            made[top : top + tile.inputs, left : left + tile.outputs] = near[
                : len(part), : part.shape[1]
            ]
    return made
