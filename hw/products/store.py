"""The weights of a tile, one word read per cycle."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.memory import memory_behind


class Store(wiring.Component):
    """Holds the words of a tile.

    A word asked for is there in the next cycle, and stays until another one is asked for. Writes
    and reads never meet: a tile is loaded between vectors.

    Parameters
    ----------
    width, depth : int
        Bits of a word, and words.

    Members
    -------
    write, into, word : ``In``
        Write a word.
    read, address : ``In``
        Ask for one.
    found : ``Out(width)``
        The word asked for.
    """

    def __init__(self, width: int, depth: int):
        self.width, self.depth = width, depth
        address = unsigned(max(1, (depth - 1).bit_length()))
        super().__init__(
            {
                "write": In(1),
                "into": In(address),
                "word": In(width),
                "read": In(1),
                "address": In(address),
                "found": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        return memory_behind(self, "words")
