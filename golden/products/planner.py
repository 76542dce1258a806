"""Lays a layer of any size over a member: tiles of rows and columns, groups side by side."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.products.contract import TooFull, integers
from nomul.golden.products.cutting import Fitted, Placed, cut
from nomul.golden.products.members import member as member_named


@dataclass(frozen=True, eq=False)
class Plan:
    """A layer as tiles that a member takes one after the other, and the sums of what they give.

    Attributes
    ----------
    member, cfg
        The member's name and configuration.
    inputs, outputs
        Of the layer.
    tiles
        In the order of their computation.
    beats
        Words that load every tile once.
    cycles
        Cycles of one vector without zeros, over all tiles, each for itself; loads are not counted.
    utilisation
        Share of all tiles' places that hold weights of the layer, zero ones included.
    """

    member: str
    cfg: Any
    inputs: int
    outputs: int
    tiles: tuple[Placed, ...]
    beats: int
    cycles: int
    utilisation: float

    @property
    def bits(self) -> int:
        """Bits that store all tiles, headers and indices included."""
        return sum(placed.packed.bits for placed in self.tiles)

    def weights(self) -> Ints:
        """Return the layer's weights, int64[inputs, outputs]; zero outside of groups."""
        w = np.zeros((self.inputs, self.outputs), dtype=np.int64)
        for placed in self.tiles:
            part = placed.packed.weights()[: len(placed.rows), : len(placed.columns)]
            w[np.ix_(placed.rows, placed.columns)] += part
        return w

    def parts(self, x: ArrayLike) -> list[Ints]:
        """Return what each tile takes of vectors x int[V, inputs]: int64[V, cfg.inputs] each."""
        x = integers("x", x)
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ValueError(f"x must be of shape [V, {self.inputs}], not {list(x.shape)}")
        parts = []
        for placed in self.tiles:
            part = np.zeros((len(x), self.cfg.inputs), dtype=np.int64)
            part[:, : len(placed.rows)] = x[:, placed.rows]
            parts.append(part)
        return parts

    def model(self, x: ArrayLike) -> Ints:
        """Return W^T x tile by tile, partial sums added: int64[V, outputs] of x int[V, inputs]."""
        module, parts = member_named(self.member), self.parts(x)
        y = np.zeros((self.outputs, len(parts[0])), dtype=np.int64)
        for placed, part in zip(self.tiles, parts, strict=True):
            sums = module.model(self.cfg, placed.packed, part)[:, : len(placed.columns)]
            y[placed.columns] += sums.T
        return y.T

    def cycles_for(self, x: ArrayLike) -> int:
        """Return the cycles of all vectors x int[V, inputs], tile after tile, without loads."""
        module = member_named(self.member)
        pairs = zip(self.tiles, self.parts(x), strict=True)
        return sum(module.cycles(self.cfg, placed.packed, part) for placed, part in pairs)


def plan(
    name: str,
    cfg: Any,
    w: ArrayLike,
    groups: int = 1,
    *,
    project: bool = False,
    samples: ArrayLike | None = None,
) -> Plan:
    """Cut a layer into a member's tiles.

    Parameters
    ----------
    name
        The member.
    cfg
        Its configuration, whose ``inputs`` and ``outputs`` are a tile's.
    w
        int[inputs, outputs] of a fully connected layer, or int[outputs, inputs / groups, kh, kw] of
        a convolution, whose inputs are then patches, channel by channel and row by row.
    groups
        Of a convolution. Those of few inputs and outputs share a tile, where the member holds the
        zeros between them.
    project
        Take for each tile the nearest one that the member holds; then each group has its own
        tiles. What pads a tile may become other than zero, and is not the layer's.
    samples
        int[n, inputs], inputs of the layer that a member's tables are fitted to, if its sums are
        not W^T x. Tiles of the same rows have the same prototypes.

    Raises
    ------
    ValueError
        The member cannot hold the weights, or not even one row of them.
    """
    module, blocks = member_named(name), matrices(w, groups)
    height, breadth = blocks[0].shape
    fitted = None
    if not cfg.exact and samples is not None:
        fitted = Fitted(module, cfg, integers("samples", samples))
    together = max(1, min(cfg.inputs // height, cfg.outputs // breadth, groups))
    together = 1 if project else together
    tiles: list[Placed] = []
    for first in range(0, groups, together):
        chosen = blocks[first : first + together]
        try:
            tiles += cut(module, cfg, chosen, first, project, fitted)
        except TooFull:
            raise
        except ValueError:
            # Zeros between groups may be what the member cannot hold: one group to a tile, then.
            if len(chosen) == 1:
                raise
            for number, block in enumerate(chosen, first):
                tiles += cut(module, cfg, [block], number, project, fitted)
    inputs, outputs = height * groups, breadth * groups
    return Plan(
        member=name,
        cfg=cfg,
        inputs=inputs,
        outputs=outputs,
        tiles=tuple(tiles),
        beats=sum(placed.packed.beats for placed in tiles),
        cycles=sum(_cycles(module, cfg, placed) for placed in tiles),
        utilisation=sum(placed.used for placed in tiles) / (len(tiles) * cfg.inputs * cfg.outputs),
    )


def matrices(w: ArrayLike, groups: int = 1) -> list[Ints]:
    """Return the matrix int64[rows, columns] of each group of a layer; see :func:`plan`."""
    w = integers("w", w)
    if w.ndim not in (2, 4) or w.size == 0:
        raise ValueError(f"w must be of 2 or 4 dimensions and not empty, not {list(w.shape)}")
    if w.ndim == 2 and groups == 1:
        return [w]
    if w.ndim == 2 or groups < 1 or len(w) % groups:
        raise ValueError(f"groups must divide the outputs of a convolution, not {groups!r}")
    flat = w.reshape(groups, len(w) // groups, -1)
    return [np.ascontiguousarray(part.T) for part in flat]


def shares(name: str, cfg: Any, shape: tuple[int, int]) -> Ints | None:
    """Return which stored value each weight of a layer is, once it is cut into a member's tiles.

    Parameters
    ----------
    name, cfg
        As for :func:`plan`.
    shape
        Inputs and outputs of the layer, or of one group of a convolution.

    Returns
    -------
    int64[inputs, outputs], weights of one number being one value; None where each weight is a value
    of its own, or none at all.
    """
    find = getattr(member_named(name), "shares", None)
    if find is None:
        return None
    tile: Ints = find(cfg)
    rows, columns = -(-shape[0] // cfg.inputs), -(-shape[1] // cfg.outputs)
    offsets = np.arange(rows * columns).reshape(rows, columns) * (int(tile.max()) + 1)
    whole = np.tile(tile, (rows, columns)) + np.kron(offsets, np.ones_like(tile))
    return np.ascontiguousarray(whole[: shape[0], : shape[1]])


def _cycles(module: ModuleType, cfg: Any, placed: Placed) -> int:
    """Return the cycles of a vector that has no zeros where the layer has inputs."""
    x = (np.arange(cfg.inputs) < len(placed.rows)).astype(np.int64)
    return int(module.cycles(cfg, placed.packed, x[None]))
