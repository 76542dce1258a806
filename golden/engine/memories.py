"""Where the values of a network stand in the engine's two memories, and when a place is free."""

import math
from dataclasses import dataclass

from nomul.golden.network.arrays import Shape


@dataclass(frozen=True)
class Region:
    """A value in a memory.

    Codes stand one by one in the order channel, row, column. Sums stand pixel by pixel, the
    channels of a pixel side by side, ``lanes`` of them in a word.

    Attributes
    ----------
    wide
        Whether it is in the memory of sums.
    base
        Address of its first word.
    shape
        (channels, height, width); of a vector (features, 1, 1).
    lanes
        Channels in a word.
    """

    wide: bool
    base: int
    shape: Shape
    lanes: int = 1

    @property
    def pixels(self) -> int:
        """Values of a channel."""
        return self.shape[1] * self.shape[2]

    @property
    def pitch(self) -> int:
        """Words from a pixel to the next one in a row."""
        return -(-self.shape[0] // self.lanes) if self.wide else 1

    @property
    def words(self) -> int:
        """Words that it takes."""
        return self.pixels * self.pitch if self.wide else math.prod(self.shape)

    def flat(self) -> "Region":
        """Return the same words as a vector: of codes, or of sums of one pixel."""
        if self.wide and self.pixels > 1:
            raise ValueError("sums of an image cannot be flattened: a Requant must come before")
        return Region(self.wide, self.base, (math.prod(self.shape), 1, 1), self.lanes)


class Memory:
    """Gives out places of one memory, the lowest that fits first."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []  # first and one past the last word, ascending
        self.depth = 0

    def take(self, words: int) -> int:
        """Return the first address of so many free words, taken from now on."""
        start = 0
        for first, end in self.taken:
            if first - start >= words:
                break
            start = end
        self.taken = sorted([*self.taken, (start, start + words)])
        self.depth = max(self.depth, start + words)
        return start

    def free(self, region: Region) -> None:
        """Give a place back."""
        self.taken.remove((region.base, region.base + region.words))
