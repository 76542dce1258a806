"""The layer program as words of a memory: what a pass is made of, field by field."""

from typing import Any

from amaranth.hdl import unsigned
from amaranth.lib import data

from nomul.golden.engine import Pass, Program

KINDS = ("product", "vector", "answer")


class Words:
    """Fields of all passes, each as wide as its largest value needs.

    Addresses and the steps between them count modulo ``2**address_bits``, so that steps backwards
    are additions too; rows and columns of images modulo ``2**place_bits``.

    Parameters
    ----------
    program
        The layer program.
    depths
        Words of the memories of codes and of sums.
    """

    def __init__(self, program: Program, depths: tuple[int, int]):
        self.program = program
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
        self.pads = any(min(w.origin) < 0 or self._beyond(w) for w in walks)
        shifts = {step.rescale.shift for step in program.passes if step.rescale is not None}
        self.shifts = sorted(shifts) or [0]
        widths = program.widths
        self.result_bits = max(widths["sum"], widths["reduced"], widths["code"] + 1)
        self.rows = [self._row(step) for step in program.passes]
        largest = {name: max(row[name] for row in self.rows) for name in self.rows[0]}
        sizes = {name: unsigned(max(1, value.bit_length())) for name, value in largest.items()}
        self.layout = data.StructLayout(sizes)

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

    def _row(self, step: Pass) -> dict[str, int]:
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
            "words": step.tile.packed.beats - 1 if step.tile else 0,
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
