"""Memory of chunks, one write and one read port; inside the engine, or a macro outside."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.memory import add_memory


def port_signature(width: int, depth: int) -> wiring.Signature:
    """Return the ports of a memory, as seen by who uses it.

    ``write``, ``into``, ``word``: write that word there. ``read``: its word is in ``found`` in the
    next cycle, and stays while ``read`` does.
    """
    address = unsigned(max(1, (depth - 1).bit_length()))
    return wiring.Signature(
        {
            "write": Out(1),
            "into": Out(address),
            "word": Out(width),
            "read": Out(address),
            "found": In(width),
        }
    )


class Chunks(wiring.Component):
    """Holds one side's chunks of a vector.

    A word read is there in the next cycle; one write and one read per cycle. What a read finds of a
    word that is being written is undefined, and an engine never does that.

    Parameters
    ----------
    width, depth
        Bits of a word, and words.

    Members
    -------
    port : ``In(port_signature(width, depth))``
        The ports.
    """

    def __init__(self, width: int, depth: int):
        self.width, self.depth = width, depth
        super().__init__({"port": In(port_signature(width, depth))})

    def elaborate(self, platform: object) -> Module:
        m, port = Module(), self.port
        write, read = (port.write, port.into, port.word), (port.read, port.found)
        add_memory(m, "words", self.width, self.depth, write=write, read=read)
        return m
