"""A packed tile and activations to try: what :func:`nomul.golden.spimc.model` takes."""

from typing import Any

import numpy as np

from nomul.golden.spimc.config import Config, Format, Tile
from nomul.golden.spimc.pack import pack
from nomul.golden.spimc.product import operands


def stimuli(
    cfg: Config, rng: np.random.Generator, tile: Tile | None = None, n_vectors: int = 4
) -> dict[str, Any]:
    """Return a tile ``packed`` and vectors ``x`` int64[V, length], its extremes first.

    The weights are those of :func:`nomul.golden.spimc.operands`: sparse, with an empty column and
    one of the most negative weights. ``tile`` is :func:`largest` if None.
    """
    tile = tile or largest(cfg, "coo" if "coo" in cfg.formats else cfg.formats[0])
    made = operands(cfg, rng, tile, n_vectors)
    return {"packed": pack(made["w"], cfg, tile), "x": made["x"]}


def largest(cfg: Config, form: Format) -> Tile:
    """Return the longest tile of a format that the macro can always hold, activations signed."""
    length, fields = cfg.window, {}
    if form in ("dense", "bitmap"):
        length = min(length, cfg.slots)
    if form == "nm":
        group = cfg.max_group
        length = min(length, group * cfg.slots)
        nnz = min(group, cfg.slots // -(-length // group), 1 << cfg.ib)
        fields = {"group": group, "nnz_per_group": nnz}
    if form == "rl":
        fields = {"run_bits": cfg.ib}
    return Tile(format=form, act_bits=cfg.act_bits, x_signed=True, length=length, **fields)
