"""The memory of sums: several in a word, each of which can be added to."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class Sums(wiring.Component):
    """Keeps partial sums and wide values; what is put replaces what stands there, or is added.

    A word that was asked for is there in the next cycle. What was put is written at the end of the
    next cycle, and may be read in the one after that; in the cycle of ``put`` with ``add`` nothing
    else can be read.

    Parameters
    ----------
    depth, lanes, bits : int
        Words, sums of a word, bits of a sum.

    Members
    -------
    read, address : ``In``
        Ask for a word.
    found : ``Out(ArrayLayout(signed(bits), lanes))``
        The word that was asked for.
    put, into, add : ``In``
        Put sums, where, and whether they are added.
    mask : ``In(lanes)``
        Which sums of the word.
    sums : ``In(ArrayLayout(signed(bits), lanes))``
        What is put.
    """

    def __init__(self, depth: int, lanes: int, bits: int):
        self.depth, self.lanes, self.bits = depth, lanes, bits
        word = data.ArrayLayout(signed(bits), lanes)
        address = max(1, (depth - 1).bit_length())
        super().__init__(
            {
                "read": In(1),
                "address": In(address),
                "found": Out(word),
                "put": In(1),
                "into": In(address),
                "add": In(1),
                "mask": In(lanes),
                "sums": In(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        into, mask, add = Signal.like(self.into), Signal(self.lanes), Signal()
        values = Signal(data.ArrayLayout(signed(self.bits), self.lanes), reset_less=True)
        m.d.sync += [
            into.eq(self.into),
            mask.eq(Mux(self.put, self.mask, 0)),
            add.eq(self.add),
            values.eq(self.sums),
        ]
        adds, address = Signal(), Signal.like(self.address)
        m.d.comb += [adds.eq(self.put & self.add), address.eq(Mux(adds, self.into, self.address))]
        found = []
        for lane in range(self.lanes):
            # A memory of one word would have addresses without bits.
            words: Memory = Memory(shape=signed(self.bits), depth=max(2, self.depth), init=[])
            m.submodules[f"lane{lane}"] = words
            write, out = words.write_port(), words.read_port()
            m.d.comb += [
                out.en.eq(self.read | adds),
                out.addr.eq(address),
                write.en.eq(mask[lane]),
                write.addr.eq(into),
                write.data.eq(values[lane] + Mux(add, out.data, 0)),
            ]
            found.append(out.data)
        m.d.comb += Cat(self.found).eq(Cat(found))
        return m
