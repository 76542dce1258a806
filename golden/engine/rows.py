"""The layer program as rows of numbers: what a pass is made of, field by field, and how wide."""

from typing import Any

import numpy as np

from nomul.golden.engine.members import beats
from nomul.golden.engine.passes import Pass
from nomul.golden.engine.program import Program

KINDS = ("product", "vector", "answer")
SCALE_BITS = 25  # of a scale that is loaded: what a requantiser takes, in two's complement


class Rows:
    """Fields of all passes, each as wide as its largest value needs, and the requantisers' table.

    Addresses and the steps between them count modulo ``2**address_bits``, so that steps backwards
    are additions too; rows and columns of images modulo ``2**place_bits``.

    Parameters
    ----------
    program
        The layer program.
    depths
        Words of the memories of codes and of sums.
    loads
        Whether rows are written at run time: shifts, clips and the table have room for any network
        of these sizes then.

    Attributes
    ----------
    rows
        One dictionary for each pass, of numbers that are not negative.
    sizes
        Bits of each field, the lowest first.
    shifts
        Those that ``shift`` counts through.
    pads
        Whether anything is padded.
    """

    def __init__(self, program: Program, depths: tuple[int, int], loads: bool = False):
        self.program, self.loads = program, loads
        self.address_bits = max(1, *((depth - 1).bit_length() for depth in depths))
        walks = [step.walk for step in program.passes]
        # The farthest row or column that is ever compared with the image's end.
        farthest = max(
            size + kernel + stride * (count - 1) + abs(first)
            for w in walks
            for size, kernel, stride, count, first in (
                (w.image[0], w.kernel[0], w.stride[0], w.extents[1], w.origin[0]),
                (w.image[1], w.kernel[1], w.stride[1], w.extents[2], w.origin[1]),
            )
        )
        self.place_bits = farthest.bit_length() + 1
        self.pads = loads or any(min(w.origin) < 0 or self._beyond(w) for w in walks)
        shifts = {step.rescale.shift for step in program.passes if step.rescale is not None}
        widths = program.widths
        self.shifts = list(range(widths["scaled"] + 1)) if loads else sorted(shifts) or [0]
        self.result_bits = max(widths["sum"], widths["reduced"], widths["code"] + 1)
        self.rows = [self.row(step) for step in program.passes]
        largest = {name: max(row[name] for row in self.rows) for name in self.rows[0]}
        if loads:
            full = (1 << self.result_bits) - 1
            largest |= {"shift": self.shifts[-1], "low": full, "high": full, "each": 1}
            largest |= {"pad": (1 << widths["code"]) - 1}
        self.sizes = {name: max(1, value.bit_length()) for name, value in largest.items()}

    @staticmethod
    def _beyond(walk: Any) -> bool:
        """Whether windows go beyond the image's lower or right border."""
        ends = (
            o + s * (n - 1) + k > size
            for o, s, n, k, size in zip(
                walk.origin, walk.stride, walk.extents[1:], walk.kernel, walk.image, strict=True
            )
        )
        return any(ends)

    def row(self, step: Pass) -> dict[str, int]:
        """Return the fields of a pass, all of them not negative."""
        walk, target, rescale = step.walk, step.target, step.rescale
        around, place = (1 << self.address_bits) - 1, (1 << self.place_bits) - 1
        code, total = (1 << self.program.widths["code"]) - 1, (1 << self.result_bits) - 1
        names = ("kx_step", "ky_step", "depth_step", "x_step", "y_step", "channel_step")
        row = {
            "kind": KINDS.index(step.kind),
            "wide": int(walk.wide),
            "base": walk.base & around,
            "size": walk.size - 1,
            "length": walk.length - 1,
            "kx_end": walk.kernel[1] - 1,
            "ky_end": walk.kernel[0] - 1,
            "kx_start": walk.start[1],
            "ky_start": walk.start[0],
            "x_origin": walk.origin[1] & place,
            "y_origin": walk.origin[0] & place,
            "x_stride": walk.stride[1],
            "y_stride": walk.stride[0],
            "width": walk.image[1],
            "height": walk.image[0],
            "x_end": walk.extents[2] - 1,
            "y_end": walk.extents[1] - 1,
            "channel_end": walk.extents[0] - 1,
            "pad": step.pad & code,
            "words": beats(step.tile.packed) - 1 if step.tile else 0,
            "largest": int(step.largest),
            "lane_end": walk.lanes - 1,
        }
        row |= {name: value & around for name, value in zip(names, walk.steps, strict=True)}
        row |= {
            "into_wide": int(target.wide) if target else 0,
            "into": target.base if target else 0,
            "into_pixel": target.pixel & around if target else 0,
            "into_channel": target.channel & around if target else 0,
            "beats": target.beats - 1 if target else 0,
            "add": int(target.add) if target else 0,
            "into_lane_end": target.lanes - 1 if target else 0,
            "entry": rescale.first if rescale else 0,
            "each": int(rescale.each) if rescale else 0,
            "shift": self.shifts.index(rescale.shift) if rescale else 0,
            "low": rescale.low & total if rescale else 0,
            "high": rescale.high & total if rescale else 0,
        }
        return row

    @property
    def multiplies(self) -> bool:
        """Whether a scale is no power of two, or may be none, so that there is a multiplier."""
        return self.loads or self.program.multiplies

    @property
    def table(self) -> list[tuple[int, int]]:
        """Scale and bias of each entry; where nothing multiplies, exponent with the sign below."""
        scales = [int(s) for s in self.program.scale]
        if not self.multiplies:
            scales = [(abs(s).bit_length() - 1) << 1 | (s < 0) for s in scales]
        return list(zip(scales, (int(b) for b in self.program.bias), strict=True))

    @property
    def table_bits(self) -> tuple[int, int]:
        """Bits of a scale and of a bias, both two's complement."""
        if self.loads:
            return SCALE_BITS, self.program.widths["scaled"]
        columns = zip(*self.table, strict=True)
        scale, bias = (max(max(c).bit_length(), (~min(c)).bit_length()) + 1 for c in columns)
        return scale, bias

    @property
    def bits(self) -> int:
        """Bits of a row as it is loaded: of a pass or of an entry of the table."""
        return max(sum(self.sizes.values()), sum(self.table_bits))

    def words(self, program: Program | None = None) -> list[int]:
        """Return a layer program as it is loaded: rows, a bit above them that marks entries.

        The passes come first. ``program`` is this one if None.

        Raises
        ------
        ValueError
            It needs more than there is; the message names what.
        """
        other = self if program is None else _Others(self, program)
        made = []
        for number, row in enumerate(other.rows):
            word, place = 0, 0
            for name, bits in self.sizes.items():
                if row[name] >> bits:
                    raise ValueError(
                        f"pass {number} needs {row[name]} for {name}, which has {bits} bits"
                    )
                word |= row[name] << place
                place += bits
            made.append(word)
        scale_bits, bias_bits = self.table_bits
        for scale, bias in other.table:
            for name, value, bits in (("scale", scale, scale_bits), ("bias", bias, bias_bits)):
                if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
                    raise ValueError(f"a {name} of {value} does not fit {bits} bits")
            word = scale & ((1 << scale_bits) - 1) | (bias & ((1 << bias_bits) - 1)) << scale_bits
            made.append(word | 1 << self.bits)
        return made


class _Others(Rows):
    """The rows of another program by the widths of an engine."""

    def __init__(self, engine: Rows, program: Program):
        self.program, self.loads = program, True
        self.address_bits, self.place_bits = engine.address_bits, engine.place_bits
        self.shifts, self.result_bits = engine.shifts, engine.result_bits
        for name in ("sum", "reduced", "scaled", "score", "code"):
            need, there = program.widths[name], engine.program.widths[name]
            if need > there:
                raise ValueError(f"its {name} needs {need} bits, and there are {there}")
        self.rows = [self.row(step) for step in program.passes]


def worst(weights: np.ndarray, bits: int) -> np.ndarray:
    """Return weights of the same shape whose sums no others of so many bits exceed."""
    return np.full(weights.shape, -(1 << (bits - 1)), dtype=np.int64)
