"""Other networks for an engine whose layer program is loaded: their program, and their weights."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from nomul.golden.engine.compiler import program
from nomul.golden.engine.members import tile_words
from nomul.golden.engine.program import Program, code_format
from nomul.golden.engine.projection import lay
from nomul.golden.engine.rows import worst
from nomul.golden.network.layers import Conv2d, Dense, Layer, Requant
from nomul.golden.network.network import Network

# Bits of a requantiser's scale without its sign.
SCALE = 24


def roomy(net: Network, tile: Any, plans: Any, made: Program) -> Program:
    """Return a program with widths for any weights, scales and biases of a network's sizes."""

    def largest(layer: Layer) -> Layer:
        if isinstance(layer, Dense | Conv2d):
            return replace(layer, w=worst(layer.w, net.weight_bits))
        return layer

    most = program(
        net.replace(layers=[largest(layer) for layer in net.layers]),
        SimpleNamespace(tile=tile, plans=plans),
    )
    widths = {name: max(bits, most.widths[name]) for name, bits in made.widths.items()}
    widths["scaled"] = max(widths["scaled"], widths["reduced"] + SCALE + 1)
    return replace(made, widths=widths)


def laid(cfg: Any, net: Network) -> Program:
    """Return the program of another network for an engine's member and memories.

    Raises
    ------
    ValueError
        It does not fit the engine; the message says what of it.
    """
    here = cfg.net
    for name in ("input_shape", "input_low", "input_high"):
        need, there = getattr(net, name), getattr(here, name)
        if need != there:
            raise ValueError(f"engine: {name} of the network must be {there}, not {need}")
    if code_format(net) != code_format(here):
        raise ValueError(f"engine: codes must be {code_format(here)}, not {code_format(net)}")
    held, plans = lay(net, cfg.member, cfg.tile, cfg.impose, cfg.seen)
    made = program(held, SimpleNamespace(tile=cfg.tile, plans=plans))
    for name, need, there in (
        ("codes", made.codes, cfg.depths[0]),
        ("sums", made.sums, cfg.depths[1]),
        ("passes", len(made.passes), cfg.capacity[0]),
        ("scales", len(made.scale), cfg.capacity[1]),
    ):
        if need > there:
            raise ValueError(f"engine: the network needs {need} {name}, and there are {there}")
    if made.scores != cfg.program.scores:
        raise ValueError(f"engine: scores must be {cfg.program.scores}, not {made.scores}")
    if cfg.weights == "rom" and weights(made) != weights(cfg.program):
        raise ValueError("engine: weights are inside, and those of the network are others")
    return made


def words(cfg: Any, net: Network | None = None) -> list[int]:
    """Return what loads a network's layer program, word by word; the engine's own one if None.

    Raises
    ------
    ValueError
        The network does not fit the engine.
    """
    if net is None:
        return list(cfg.rows.words())
    try:
        return list(cfg.rows.words(laid(cfg, net)))
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith("engine: ") else f"engine: {text}") from None


def weights(made: Program) -> list[list[int]]:
    """Return the words of each tile of a program, in their order."""
    return [tile_words(step.tile.packed) for step in made.passes if step.kind == "product"]


def another(net: Network, rng: np.random.Generator, *, weights: bool) -> Network:
    """Return a network of the same sizes with other scales and biases, and other weights if asked.

    For tests: weights change places within their layer.
    """

    def other(layer: Layer) -> Layer:
        if weights and isinstance(layer, Dense | Conv2d):
            return replace(layer, w=rng.permutation(layer.w.reshape(-1)).reshape(layer.w.shape))
        if isinstance(layer, Requant):
            scale = layer.scale * rng.integers(50, 150, layer.scale.shape) // 100
            return replace(layer, scale=np.where(scale == 0, 1, scale), bias=-layer.bias)
        return layer

    return net.replace(layers=[other(layer) for layer in net.layers])
