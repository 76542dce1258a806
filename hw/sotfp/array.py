"""A memory of bit columns that computes between them: cells, look-up row, transposing ends."""

from typing import ClassVar

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


def lookup(f: Value, a: Value, b: Value) -> Value:
    """Return the two-input function ``f`` of every lane: bit 2a + b of f."""
    lanes = len(a)
    high = (f[3].replicate(lanes) & b) | (f[2].replicate(lanes) & ~b)
    low = (f[1].replicate(lanes) & b) | (f[0].replicate(lanes) & ~b)
    return (a & high) | (~a & low)


class Cells(wiring.Signature):
    """What a memory offers: four columns to read and one to write in a step, and two more ends.

    Parameters
    ----------
    lanes
        R, bits of a column.
    address
        Bits of a column's number, the bank on top.

    Members
    -------
    phase : ``In(2)``
        Which cycle of a step this is; 3 where no step is at work.
    a, b, p, dst : ``In(address)``
        Columns of the step, the same in all of its phases.
    read_a, read_b, read_p, read_dst : ``Out(lanes)``
        What they hold, in the last phase.
    value : ``In(lanes)``
        Written to ``dst`` at the end of the last phase.
    load : ``In(1)``, load_column, load_value
        Request to write a column beside the steps; done where ``load_slot`` is one.
    store : ``In(1)``, store_column
        Request to read one; taken where ``store_slot`` is one, ``store_value`` has it a cycle
        later.
    """

    def __init__(self, lanes: int, address: int):
        super().__init__(
            {
                "phase": Out(2),
                **{name: Out(address) for name in ("a", "b", "p", "dst")},
                **{f"read_{name}": In(lanes) for name in ("a", "b", "p", "dst")},
                "value": Out(lanes),
                "load": Out(1),
                "load_column": Out(address),
                "load_value": Out(lanes),
                "load_slot": In(1),
                "store": Out(1),
                "store_column": Out(address),
                "store_slot": In(1),
                "store_value": In(lanes),
            }
        )


class Columns(wiring.Component):
    """A memory of columns that a step reads and writes in so many cycles.

    Parameters
    ----------
    lanes, address
        Of :class:`Cells`.

    Attributes
    ----------
    phases
        Cycles of a step.
    """

    phases: ClassVar[int]

    def __init__(self, lanes: int, address: int):
        self.lanes, self.address = lanes, address
        super().__init__({"cells": In(Cells(lanes, address))})


class Replicated(Columns):
    """Four copies of the memory, one for each column that a step reads: two cycles per step.

    Members
    -------
    cells : ``In(Cells(lanes, address))``
        Loading takes the cycle that reads, storing the cycle that writes.
    """

    phases = 2

    def elaborate(self, platform: object) -> Module:
        m, cells = Module(), self.cells
        reading, writing = cells.phase == 0, cells.phase == 1
        m.d.comb += [
            cells.load_slot.eq(~writing),
            cells.store_slot.eq(~reading),
            cells.store_value.eq(cells.read_a),
        ]
        for name in ("a", "b", "p", "dst"):
            memory: Memory = Memory(shape=unsigned(self.lanes), depth=1 << self.address, init=[])
            m.submodules[f"copy_{name}"] = memory
            read, write = memory.read_port(), memory.write_port()
            wanted = getattr(cells, name)
            m.d.comb += [
                read.addr.eq(Mux(reading, wanted, cells.store_column) if name == "a" else wanted),
                getattr(cells, f"read_{name}").eq(read.data),
                write.addr.eq(Mux(writing, cells.dst, cells.load_column)),
                write.data.eq(Mux(writing, cells.value, cells.load_value)),
                write.en.eq(writing | cells.load),
            ]
        return m


class Dual(Columns):
    """One memory with two ports, two columns a cycle: three cycles per step.

    Members
    -------
    cells : ``In(Cells(lanes, address))``
        Loading and storing take the second port in the cycle that writes, storing first.
    """

    phases = 3

    def elaborate(self, platform: object) -> Module:
        m, cells = Module(), self.cells
        memory: Memory = Memory(shape=unsigned(self.lanes), depth=1 << self.address, init=[])
        m.submodules.memory = memory
        reads = memory.read_port(), memory.read_port()
        writes = memory.write_port(), memory.write_port()
        first, second, writing = (cells.phase == number for number in range(3))
        slot = ~(first | second)
        address = Signal(self.address), Signal(self.address)
        ends = Mux(cells.store, cells.store_column, cells.load_column)
        m.d.comb += [
            address[0].eq(Mux(first, cells.a, Mux(second, cells.p, cells.dst))),
            address[1].eq(Mux(first, cells.b, Mux(second, cells.dst, ends))),
            writes[0].en.eq(writing),
            writes[0].data.eq(cells.value),
            writes[1].en.eq(slot & cells.load & ~cells.store),
            writes[1].data.eq(cells.load_value),
            cells.load_slot.eq(slot & ~cells.store),
            cells.store_slot.eq(slot),
            cells.store_value.eq(reads[1].data),
            cells.read_p.eq(reads[0].data),
            cells.read_dst.eq(reads[1].data),
        ]
        for port in range(2):
            m.d.comb += [reads[port].addr.eq(address[port]), writes[port].addr.eq(address[port])]
        with m.If(second):
            m.d.sync += [cells.read_a.eq(reads[0].data), cells.read_b.eq(reads[1].data)]
        return m


PORTS = {"replicated": Replicated, "dual": Dual}


class Rows(wiring.Component):
    """Words of so many lanes, on their way between streams and columns.

    Parameters
    ----------
    lanes
        R, words that fit.
    width
        Bits of a word.
    """

    def __init__(self, lanes: int, width: int):
        self.lanes, self.width = lanes, width
        super().__init__(self.ports(lanes, width))

    def ports(self, lanes: int, width: int) -> dict[str, wiring.Member]:
        """Return the ports by name."""
        raise NotImplementedError

    def registers(self) -> list[Signal]:
        """Return a register for each word."""
        return [
            Signal(self.width, name=f"row_{lane}", reset_less=True) for lane in range(self.lanes)
        ]


class RowsIn(Rows):
    """Takes words one by one, and gives their bits as columns, least significant first.

    One word per cycle in, then one column per cycle out; not both at a time.

    Members
    -------
    word : ``In(width)``, write : ``In(1)``
        Stores a word in the next lane.
    column : ``Out(lanes)``
        The lowest bits not yet shifted out; zero in lanes without a word.
    shift : ``In(1)``
        Goes on to the next column.
    clear : ``In(1)``
        Empties all lanes.
    count : ``Out(range(lanes + 1))``
        Words stored.
    """

    def ports(self, lanes: int, width: int) -> dict[str, wiring.Member]:
        return {
            "word": In(width),
            "write": In(1),
            "column": Out(lanes),
            "shift": In(1),
            "clear": In(1),
            "count": Out(range(lanes + 1)),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        filled = Signal(self.lanes)
        rows = self.registers()
        m.d.comb += self.column.eq(Cat(row[0] for row in rows) & filled)
        for lane, row in enumerate(rows):
            with m.If(self.write & (self.count == lane)):
                m.d.sync += row.eq(self.word)
            with m.Elif(self.shift):
                m.d.sync += row.eq(row[1:])
        with m.If(self.clear):
            m.d.sync += [self.count.eq(0), filled.eq(0)]
        with m.Elif(self.write):
            m.d.sync += [self.count.eq(self.count + 1), filled.eq(Cat(Const(1, 1), filled))]
        return m


class RowsOut(Rows):
    """Takes columns, least significant first, and gives one word per lane, lane 0 first.

    Members
    -------
    column : ``In(lanes)``, shift : ``In(1)``
        Takes a column; after ``width`` of them the words are complete.
    word : ``Out(width)``
        The word of the first lane not yet taken.
    take : ``In(1)``
        Goes on to the next lane.
    """

    def ports(self, lanes: int, width: int) -> dict[str, wiring.Member]:
        return {"column": In(lanes), "shift": In(1), "word": Out(width), "take": In(1)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = self.registers()
        m.d.comb += self.word.eq(rows[0])
        for lane, row in enumerate(rows):
            with m.If(self.shift):
                m.d.sync += row.eq(Cat(row[1:], self.column[lane]))
            if lane + 1 < self.lanes:
                with m.Elif(self.take):
                    m.d.sync += row.eq(rows[lane + 1])
        return m


def _rows(lanes: int, width: int) -> list[Signal]:
    return [Signal(width, name=f"row_{lane}", reset_less=True) for lane in range(lanes)]


def word_layout(fields: dict[str, int]) -> data.StructLayout:
    """Return the layout of a microcode word from its fields' names and widths."""
    return data.StructLayout({name: unsigned(width) for name, width in fields.items()})
