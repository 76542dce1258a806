"""SP-IMC as a member of the matrix-vector products: a window of the macro is a tile."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden import sparse, spimc
from nomul.golden.arrays import Ints
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import (
    TooFull,
    code_range,
    corner_vectors,
    ideal,
    integers,
    matrix,
    model,
    shaped,
)
from nomul.golden.spimc import layer

__all__ = ["Config", "Packed", "compress", "cycles", "ideal", "model", "project", "stimuli"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(spimc.Config):
    """Parameters of the macro, and whether activations are two's complement.

    The family's names are properties: ``inputs`` is the window, ``outputs`` the columns.
    """

    width: ClassVar[int] = 1  # activations of a beat
    y_lanes: ClassVar[int] = 1  # sums of a beat
    exact: ClassVar[bool] = True  # y is W^T x

    act_signed: bool = True

    @property
    def inputs(self) -> int:
        """K, rows of the window."""
        return self.window

    @property
    def outputs(self) -> int:
        """C, columns."""
        return self.columns

    @property
    def macro(self) -> spimc.Config:
        """The macro's own configuration."""
        values = {name: getattr(self, name) for name in spimc.Config.names()}
        return spimc.Config.from_dict(values)


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile in one of the macro's formats.

    Parameters
    ----------
    cfg
        The macro.
    form
        The tile's header, as :class:`nomul.golden.spimc.Tile` reads it.
    value, index, count
        As in :class:`nomul.golden.sparse.Packed`.
    """

    kind = Config

    cfg: Config
    form: dict[str, Any]
    value: Any
    index: Any
    count: Any

    @property
    def tile(self) -> sparse.Packed:
        """The macro's own form of the tile."""
        header = spimc.Tile.from_dict(self.form)
        return sparse.Packed(self.value, self.index, self.count, header)

    def weights(self) -> Ints:
        """Return the weights, int64[inputs, outputs]."""
        return spimc.effective(self.cfg.macro, self.tile)

    @property
    def beats(self) -> int:
        """Entries, headers and null entries that load the tile."""
        return layer.beats(self.cfg.macro, self.tile)

    @property
    def bits(self) -> int:
        """Bits stored: weights in use, with their indices, or bitmaps and no indices."""
        entries, form = int(self.count.sum()), self.tile.tile
        if form.format == "bitmap":
            return self.cfg.inputs * self.cfg.outputs + entries * self.cfg.weight_bits
        group = spimc.bits_for(form.group or 1)
        index = {"dense": 0, "coo": self.cfg.row_bits, "nm": group, "rl": form.run_bits or 0}
        return entries * (self.cfg.weight_bits + index[form.format])

    def words(self) -> dict[str, Ints]:
        """Return the beats that load the tile: ``value``, ``index``, ``null`` and ``last``."""
        table = np.array(list(sparse.stream(self.cfg.macro, self.tile)), dtype=np.int64)
        return dict(zip(("value", "index", "last", "null"), table.T, strict=True))


def compress(cfg: Config, w: ArrayLike) -> Packed:
    """Return a tile in the format that takes the fewest bits of those that hold it.

    Raises
    ------
    TooFull
        No format has slots enough for the fullest column.
    TypeError, ValueError
        The weights are no integers, of another shape, or do not fit ``weight_bits``.
    """
    w, macro = matrix(cfg, w, code_range(cfg.weight_bits)), cfg.macro
    reason = "no format"
    for cost in sparse.survey(w, macro, act_bits=cfg.act_bits):
        header = cost.tile.replace(x_signed=cfg.act_signed, length=cfg.inputs)
        try:
            done = sparse.pack(w, macro, header)
        except ValueError as error:
            reason = str(error)
            continue
        return Packed(cfg, header.to_dict(), done.value, done.index, done.count)
    raise TooFull(f"{cfg.block_name}: w does not fit {cfg.slots} slots: {reason}")


def project(cfg: Config, w: ArrayLike) -> Ints:
    """Return weights that fit, the nearest ones: clipped, the smallest of a full column dropped.

    Where the macro reads dense tiles it holds every matrix, and nothing is dropped.
    """
    low, high = code_range(cfg.weight_bits)
    w = np.clip(integers("w", w), low, high)
    if "dense" in cfg.formats:
        return w
    if not {"coo", "bitmap"} & set(cfg.formats):
        raise ValueError(f"spimc.formats must have dense, coo or bitmap, not {cfg.formats!r}")
    rank = np.argsort(np.argsort(-np.abs(w), axis=0, kind="stable"), axis=0)
    return np.where(rank < cfg.slots, w, 0)


def cycles(cfg: Config, packed: Packed, x: ArrayLike) -> int:
    """Return the cycles of all vectors: of each its activations in, its product, its sums out.

    The macro works on one vector at a time: sums leave through a register, and a start is taken in
    the cycle after the last of them. A dense tile's later passes are loads, not counted.
    """
    each = cfg.inputs + cfg.macro.cycles(packed.tile.tile) + cfg.outputs + 2
    return max(0, len(shaped(cfg, x)) * each - 1)


def stimuli(cfg: Config, rng: np.random.Generator, n_vectors: int = 8) -> dict[str, Any]:
    """Return a sparse tile ``packed``, and vectors ``x``: extremes, zero, any."""
    made = spimc.operands(cfg.macro, rng, cfg.macro.default_tile)["w"]
    return {"packed": compress(cfg, made), "x": corner_vectors(cfg, rng, n_vectors)}
