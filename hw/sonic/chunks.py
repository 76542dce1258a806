"""Memory of chunks, one write and one read port; inside the engine, or a macro outside."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


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
        # A memory of one word would have addresses without bits.
        depth = max(2, self.depth)
        words: Memory = Memory(shape=unsigned(self.width), depth=depth, init=[])
        m.submodules.words = words
        into, out = words.write_port(), words.read_port()
        m.d.comb += [
            into.en.eq(port.write),
            into.addr.eq(port.into),
            into.data.eq(port.word),
            out.addr.eq(port.read),
            port.found.eq(out.data),
        ]
        return m
