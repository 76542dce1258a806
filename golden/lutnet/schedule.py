"""When a streamed network's bits are there: which windows add other windows, and what must wait.

A window is a square of cells as large as the stride of its grid. Cells are counted bit by bit, or
are windows of another grid, whose size is that stride; then they come one pipeline stage later.
All bits of a stage enter chains of registers, in which they wait for the end of the image.
"""

from dataclasses import dataclass
from functools import cached_property

from nomul.golden.lutnet.stream import Kernels, Windows


@dataclass(frozen=True)
class Schedule:
    """Stages of the front of a streamed network.

    Parameters
    ----------
    kernels, windows
        The first two layers.
    """

    kernels: Kernels
    windows: Windows

    @cached_property
    def sources(self) -> tuple[int | None, ...]:
        """The grid whose windows are the cells of each grid; None: its cells are counted."""
        size, stride = self.windows.size.tolist(), self.windows.stride.tolist()
        return tuple(
            next(
                (f for f, s in enumerate(size) if 1 < s == own and own % stride[f] == 0 and f != g),
                None,
            )
            if size[g] > own
            else None
            for g, own in enumerate(stride)
        )

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """How many grids each grid's windows go through before they are counted."""
        depths = []
        for grid in range(len(self.sources)):
            depth, source = 0, self.sources[grid]
            while source is not None:
                depth, source = depth + 1, self.sources[source]
            depths.append(depth)
        return tuple(depths)

    @property
    def stages(self) -> int:
        """Registers between a pixel and the last bit that it completes."""
        return max(self.depths) + 1

    @property
    def latency(self) -> int:
        """Cycles from the last pixel of an image to its bits."""
        return self.stages + 1

    def latched(self, grid: int) -> bool:
        """Whether bits of a grid are copied at the end of the image, as its first pixel moves."""
        return int(self.windows.size[grid]) == 1

    @property
    def free_rows(self) -> int:
        """Rows of the next image that may pass while the bits of the one before are in use."""
        edges = [int(size) for size in self.windows.size if size > 1]
        return min(edges, default=self.windows.height) - 1

    def waiting(self, hold: int) -> int:
        """Return cycles that an image waits for the one before, whose bits are in use ``hold``."""
        return max(0, self.stages + hold - 1 - self.free_rows * self.windows.width)
