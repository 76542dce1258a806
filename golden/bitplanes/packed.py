"""A tile of bit planes: codes of weights, in either encoding, and the words that load them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nomul.golden.arrays import Ints
from nomul.golden.bitplanes.config import ENCODINGS, Config
from nomul.golden.bitplanes.encoders import level_codes
from nomul.golden.products import packed as tile
from nomul.golden.products.contract import code_range, hold, integers, matrix


@dataclass(frozen=True, eq=False)
class Packed(tile.Packed):
    """A tile of weight planes.

    Parameters
    ----------
    cfg
        The array, or one of fewer planes whose tiles the array takes as well.
    encoding
        ``and`` or ``xnor``.
    codes
        int64[inputs, outputs], the bits of each weight as a number of B bits.
    """

    kind = Config

    cfg: Config
    encoding: str
    codes: Ints

    def __post_init__(self) -> None:
        require_encoding(self.encoding)
        shape = (self.cfg.inputs, self.cfg.outputs)
        hold(self, "codes", shape, code_range(self.cfg.weight_planes, signed=False))

    def weights(self, planes_used: int | None = None) -> Ints:
        """Return the weights, int64[inputs, outputs]: of the top ``planes_used`` planes, or of all.

        What is left out counts as zero bits under ``and``, which rounds down, and as no digits
        under ``xnor``, which is unbiased.
        """
        planes = self.cfg.weight_planes
        rest = planes - (planes if planes_used is None else planes_used)
        kept = self.codes >> rest
        if self.encoding == "xnor":
            return (2 * kept - ((1 << (planes - rest)) - 1)) << rest
        sign = (self.codes >> (planes - 1)) & 1
        return (kept << rest) - (sign << planes if self.cfg.weight_signed else 0)

    @property
    def beats(self) -> int:
        """Words that load the tile."""
        return self.cfg.depth

    @property
    def bits(self) -> int:
        """Bits stored; what pads the last lanes is not counted."""
        return self.codes.size * self.cfg.weight_planes

    def words(self) -> dict[str, Ints]:
        """Return the words: ``w`` of bits, int64[beats, outputs * slice * lanes].

        The lowest slice of planes comes first, chunk by chunk; within a word columns follow one
        another, each with the lanes of its lowest plane first.
        """
        cfg = self.cfg
        full = np.zeros((cfg.chunks * cfg.width, cfg.outputs), dtype=np.int64)
        full[: cfg.inputs] = self.codes
        planes = (full[..., None] >> np.arange(cfg.slices * cfg.slice_planes)) & 1
        cut = planes.reshape(cfg.chunks, cfg.width, cfg.outputs, cfg.slices, cfg.slice_planes)
        return {"w": cut.transpose(3, 0, 2, 4, 1).reshape(cfg.depth, -1)}


def require_encoding(encoding: str) -> None:
    """Raise ValueError for an encoding that does not exist."""
    if encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise ValueError(f"bitplanes: encoding must be one of {known}, not {encoding!r}")


def weight_range(cfg: Config, encoding: str) -> tuple[int, int]:
    """Return the least and the greatest weight."""
    most = (1 << cfg.weight_planes) - 1
    return (-most, most) if encoding == "xnor" else code_range(cfg.weight_planes, cfg.weight_signed)


def compress(cfg: Config, w: ArrayLike, encoding: str = "and") -> Packed:
    """Return a tile of weights int[inputs, outputs].

    Raises
    ------
    TypeError, ValueError
        The weights are no integers, of another shape, do not fit, or are even under ``xnor``; the
        message has row, column and value. There is no such encoding.
    """
    require_encoding(encoding)
    w = matrix(cfg, w, weight_range(cfg, encoding))
    planes = cfg.weight_planes
    codes = level_codes(w, planes, "bitplanes: w") if encoding == "xnor" else w % (1 << planes)
    return Packed(cfg, encoding, codes)


def project(cfg: Config, w: ArrayLike, encoding: str = "and") -> Ints:
    """Return the nearest weights that fit: clipped, and under ``xnor`` odd, an even one raised."""
    require_encoding(encoding)
    w, (low, high) = integers("w", w), weight_range(cfg, encoding)
    clipped = np.clip(w, low, high)
    return clipped + (clipped % 2 == 0) if encoding == "xnor" else clipped
