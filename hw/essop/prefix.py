"""Columns of the prefix form: counts in a table, read once per row instead of counted per cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import bitstream
from nomul.golden.bitstream import Side
from nomul.golden.outer import Array
from nomul.hw.once import Once
from nomul.hw.outer import Cells, ReadOut, Sent, running, signed_result, valid_bits


def control_layout(array: Array) -> data.StructLayout:
    """Return what the controller sends to every column.

    ``step``: the bit is valid. ``clear``: the next is a vector's first. ``bank``: the half of the
    table that is written. ``write``: number of the bit. ``length``: number of ones of the row that
    is read.
    """
    return data.StructLayout(
        {
            "step": 1,
            "clear": 1,
            "bank": 1,
            "write": unsigned(max(1, array.words.stream_log2)),
            "length": unsigned(array.count_bits),
        }
    )


class Column(wiring.Component):
    """Keeps the running count of one column's bits, and looks up the count at a row's length.

    In ascending order of the rows' words, row i's bits are T_i ones and then zeros, so c_ij is the
    count of the column's first T_i bits. The table has two halves: one is written while the other
    is read, combinationally, which FPGAs do in LUT RAM.

    Latency is one cycle from the last bit to ``o``; one row per cycle.

    Parameters
    ----------
    array : :class:`nomul.golden.outer.Array`
        Stream length.

    Members
    -------
    control : ``In(control_layout(array))``
        What to do in this cycle.
    b : ``In(1)``
        The column's bit.
    o : ``Out(array.count_bits)``
        The count at ``control.length`` of the half that is not written.
    """

    def __init__(self, array: Array):
        self.array = array
        control = In(control_layout(array))
        super().__init__({"control": control, "b": In(1), "o": Out(array.count_bits)})

    def elaborate(self, platform: object) -> Module:
        array, control, m = self.array, self.control, Module()
        words = array.words
        bit = valid_bits(array, control, self.b)
        table: memory.Memory = memory.Memory(
            shape=unsigned(array.count_bits), depth=2 * words.stream_bits, init=[]
        )
        m.submodules.table = table
        write, read = table.write_port(), table.read_port(domain="comb")
        before_end = Signal(words.stream_log2 + 1)
        # A table of length 1 has no index bits: the bank alone is the address.
        index = slice(0, words.stream_log2)
        m.d.comb += [
            write.data.eq(running(m, array, control, lambda count: count + bit)),
            write.addr.eq(Cat(control.write[index], control.bank)),
            write.en.eq(control.step),
            before_end.eq(control.length - 1),
            read.addr.eq(Cat(before_end[index], ~control.bank)),
            self.o.eq(Mux(control.length == 0, 0, read.data)),
        ]
        return m


def run_length(words: bitstream.Streams, operand: Value, first_word: Value) -> Value:
    """Return T, the number of the rows' words below an operand; ``first_word`` is the smallest.

    The words are first_word + m 2**W / R for m = 0 .. R - 1, BL / R times each, and first_word is
    below 2**W / R.
    """
    levels = words.stream_bits >> words.repeats_log2
    return Cat(Const(0, words.repeats_log2), run_of(operand, first_word, words.row_low, levels))


def run_of(operand: Value, first_word: Value, low: int, count: int) -> Value:
    """Return how many of ``count`` words first_word + m 2**low are below an operand."""
    whole = operand[low:] + (first_word[:low] < operand[:low] if low else 0)
    return Mux(operand[-1], count, whole)[: count.bit_length()]


@dataclass(frozen=True)
class Prefix(Cells):
    """Columns whose counts are read once per row: there is no cell per product.

    Rows send nothing; their lengths T go with the pair to the read-out.
    """

    rows_send = False

    def tail_fields(self, array: Array) -> dict[str, Shape]:
        """Return the lengths of all rows."""
        return {"lengths": unsigned(array.rows * array.count_bits)}

    def tail(
        self, array: Array, operands: Sequence[Value], words: Sequence[Value]
    ) -> Mapping[str, Value]:
        """Return T of every row."""
        lengths = [run_length(array.words, operand, words[0]) for operand in operands]
        return {"lengths": Cat(lengths)}

    def describe(self, read_out: ReadOut, sent: Sent) -> None:
        """Describe the columns, and the read-out of the counts of the row at its head."""
        m, array, control = read_out.m, read_out.array, read_out.control
        common = Signal(control_layout(array), name="column_control")
        write, bank = Signal.like(common.write), Signal()
        chain = Signal(array.rows * array.count_bits, name="lengths", reset_less=True)
        m.d.comb += [
            common.step.eq(control.step),
            common.clear.eq(control.clear),
            common.write.eq(write),
            common.bank.eq(bank),
            common.length.eq(chain),
        ]
        with m.If(control.step):
            m.d.sync += write.eq(Mux(control.capture, 0, write + 1))
        with m.If(control.capture):
            m.d.sync += [bank.eq(~bank), chain.eq(read_out.tail.lengths)]
        with m.Elif(control.shift):
            m.d.sync += chain.eq(chain >> array.count_bits)
        columns = [Once("column", Column, array) for _ in range(array.cols)]
        for j, (column, bit) in enumerate(zip(columns, sent[Side.D], strict=True)):
            m.submodules[f"column{j}"] = column
            m.d.comb += [column.control.eq(common), column.b.eq(bit)]
        read_out.counts([column.o for column in columns], signed_result)
